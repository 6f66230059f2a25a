import { GuestFiles } from '@understudy/cloud-sim'
import { ownTags, randomIds } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import { failureOf } from '../../operations/failure.ts'
import { redactDna } from '../../resources/redact.ts'
import { insertPoint, keptPoint } from '../../testing/kept-point.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import { newRestoredDisk } from '../restored-disks/restored-disk.ts'
import { planRollback } from '../rollback-plan.ts'
import { restorePathsSaga } from './restore-paths.saga.ts'

const bench = useLawBench()

describe('copying paths of a point back', () => {
  sagaLaws(restorePathsSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
      const { dc, primary, resource, deps, provider, clock } = stage
      const files = new GuestFiles(dc, primary.nativeId)
      const content = () => Object.fromEntries(files.below('/').map((path) => [path, files.read(path)?.toString()]))
      for (const path of ['/etc/shop.conf', '/srv/app/a', '/srv/app/b']) files.write(path, Buffer.from('then'))
      const point = await keptPoint(stage)
      for (const path of ['/srv/app/a', '/srv/app/c', '/etc/other']) files.write(path, Buffer.from('now'))
      files.remove('/etc/shop.conf')
      const safety = await insertPoint(stage)
      const instance = () => dc.instances.get(primary.nativeId)!
      const { device } = point.manifest!.disks.members.find(({ role }) => role === 'root')!
      const row = newRestoredDisk(resource, point.id, instance().zone, {
        ...{ id: randomIds.next('restoredDisk'), device, readOnly: false, reason: 'the laws', requestedBy: 'system:laws', operationId: 'op_laws' },
        at: new Date(clock.nowMs()),
      })
      await deps.database.stores.restoredDisks.insert(row)
      const paths = { device, mountedAt: '/', paths: ['/etc/shop.conf', '/srv/app'] }
      const present = redactDna((await stage.drive(provider.inventory.describe(primary)))!)
      const answer = planRollback({ resource, point, present, traits: provider.traits, paths })
      if (!answer.ok) throw new Error(answer.reason)
      const [before, view, devices] = [content(), await stage.look(), structuredClone(instance().blockDevices)]
      const nothingLeft = async (): Promise<void> => {
        expect(dc.storage.describeVolumes().items.filter(({ tags }) => tags[ownTags.restoredDisk] === row.id)).toEqual([])
        expect(instance().blockDevices).toEqual(devices)
        expect(await stage.look()).toEqual(view)
      }
      const rowNow = () => deps.database.stores.restoredDisks.findById(row.id)
      return stage.world({
        params: {
          ...{ resourceId: resource.id, pointId: point.id, primary: primary.nativeId, primaryEpoch: 1, planHash: answer.planHash },
          ...{ safetyPointId: safety.id, restoredDiskId: row.id, paths },
        },
        async expectDone() {
          expect(content()).toEqual({ '/etc/shop.conf': 'then', '/srv/app/a': 'then', '/srv/app/b': 'then', '/etc/other': 'now' })
          expect((await rowNow())?.status).toBe('released')
          expect((await deps.database.stores.recoveryPoints.findById(safety.id))?.status).toBe('usable')
          await nothingLeft()
        },
        async expectCleanSlate() {
          expect(content()).toEqual(before)
          expect((await rowNow())?.status).toBeOneOf(['restoring', 'failed'])
          await nothingLeft()
        },
      })
    },
  })
})
