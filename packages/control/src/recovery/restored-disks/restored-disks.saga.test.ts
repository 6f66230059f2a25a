import { ownTags, randomIds } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect, test } from 'vitest'
import { awaitOperation } from '../../cloud/await-operation.ts'
import { failureOf } from '../../operations/failure.ts'
import { keptPoint } from '../../testing/kept-point.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import type { Stage } from '../../testing/stage.ts'
import type { RecoveryPoint } from '../recovery-point.ts'
import { releaseDiskSaga } from './release-disk.saga.ts'
import { restoreDiskSaga } from './restore-disk.saga.ts'
import { restoredDisksReconciler } from './restored-disks.reconciler.ts'
import { diskKey } from './restored-disk.ts'
import type { RestoredDisk } from './restored-disk.ts'

const bench = useLawBench()

async function insertRow(stage: Stage, point: RecoveryPoint): Promise<RestoredDisk> {
  const { deps, resource, clock, dc, primary } = stage
  const at = new Date(clock.nowMs())
  const { device } = point.manifest!.disks.members.find(({ role }) => role === 'data')!
  const row: RestoredDisk = {
    ...{ id: randomIds.next('restoredDisk'), projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId },
    ...{ pointId: point.id, device, instance: primary.nativeId, zone: dc.instances.get(primary.nativeId)!.zone, status: 'restoring' },
    ...{ disk: undefined, place: undefined, readOnly: false, reason: 'the laws', requestedBy: 'system:laws', operationId: 'op_laws' },
    ...{ expiresAt: new Date(at.getTime() + 3_600_000), cleanedAt: undefined, createdAt: at, updatedAt: at, version: 1 },
  }
  await deps.database.stores.restoredDisks.insert(row)
  return row
}
const rowNow = async ({ deps }: Stage, { id }: RestoredDisk): Promise<RestoredDisk> => (await deps.database.stores.restoredDisks.findById(id))!

const volumesOf = ({ dc, primary }: Stage) =>
  dc.instances.get(primary.nativeId)!.blockDevices.map(({ deviceName, volumeId }) => ({ deviceName, volumeId }))
const ofRow = ({ dc }: Stage, { id }: RestoredDisk) => dc.storage.describeVolumes().items.filter(({ tags }) => tags[ownTags.restoredDisk] === id)
const read = ({ dc }: Stage, volumeId: string): number => dc.blocks.read(volumeId, 0, 1)[0] ?? -1

/** A point whose data disk holds 5, while the present one holds 9. */
async function aPoint(stage: Stage): Promise<RecoveryPoint> {
  const volumes = volumesOf(stage)
  for (const { volumeId } of volumes) stage.dc.blocks.write(volumeId, 0, Uint8Array.of(5))
  const point = await keptPoint(stage)
  for (const { volumeId } of volumes) stage.dc.blocks.write(volumeId, 0, Uint8Array.of(9))
  return point
}

// First, while no other world has left rows behind.
test('one whose time is up is swept, once, also when nothing of it was ever made', async () => {
  const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
  const row = await insertRow(stage, await aPoint(stage))
  const control = { ...stage.deps, ids: randomIds, clock: stage.clock } as unknown as Parameters<typeof restoredDisksReconciler.pass>[0] // what a pass uses
  const none = await restoredDisksReconciler.pass(control)
  expect(none.result).toMatchObject({ overdue: 0 })
  await stage.drive(new Promise<void>((resolve) => stage.clock.schedule(3_700_000, resolve)))
  expect((await restoredDisksReconciler.pass(control)).result).toMatchObject({ overdue: 1, releases: 1 })
  // The second pass joins the operation of the first.
  expect((await restoredDisksReconciler.pass(control)).result).toMatchObject({ overdue: 1, releases: 0 })
  const [operation] = await stage.deps.database.stores.operations.list(row.projectId, {
    ...{ after: undefined, limit: 10, kind: 'recovery.release-disk', resourceId: row.resourceId },
  })
  expect(operation).toMatchObject({ params: { restoredDiskId: row.id } })
})

describe('plugging a disk of a point in beside the others', () => {
  sagaLaws(restoreDiskSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
      const point = await aPoint(stage)
      const row = await insertRow(stage, point)
      const [before, present] = [await stage.look(), volumesOf(stage)]
      return stage.world({
        params: { restoredDiskId: row.id, pointId: point.id },
        async expectDone() {
          const [made, ...more] = ofRow(stage, row)
          expect(more).toEqual([])
          expect(made).toMatchObject({ attachment: { instanceId: row.instance, state: 'attached', deleteOnTermination: false } })
          expect(await rowNow(stage, row)).toMatchObject({ status: 'attached', disk: made!.volumeId, place: made!.attachment!.device })
          // The bytes of then beside those of now, which nothing has touched.
          expect(read(stage, made!.volumeId)).toBe(5)
          expect(volumesOf(stage)).toEqual([...present, { deviceName: made!.attachment!.device, volumeId: made!.volumeId }])
          expect(present.map(({ volumeId }) => read(stage, volumeId))).toEqual(present.map(() => 9))
          expect(await stage.look()).toEqual(before)
        },
        async expectCleanSlate() {
          expect(ofRow(stage, row)).toEqual([])
          expect((await rowNow(stage, row)).status).toBeOneOf(['restoring', 'failed'])
          expect(volumesOf(stage)).toEqual(present)
          expect(await stage.look()).toEqual(before)
        },
      })
    },
  })
})

/** As the saga makes it, with its row. */
async function plugIn(stage: Stage, row: RestoredDisk, point: RecoveryPoint): Promise<void> {
  const { provider, clock, deps } = stage
  const signal = new AbortController().signal
  await stage.drive(
    (async () => {
      const tags = { [ownTags.managed]: 'true', [ownTags.restoredDisk]: row.id }
      const context = { idempotencyKey: diskKey(row), tags, actor: 'laws', priority: 'background' } as const
      const to = { zone: row.zone, devices: [row.device] }
      const handle = await provider.snapshots!.materialise({ setId: point.manifest!.disks.set }, to, context)
      const [disk] = await awaitOperation({ clock }, provider, handle, signal)
      let place: string | undefined
      while (place === undefined) {
        const plugged = await provider.disks!.plug(stage.primary, disk!, { readOnly: false }, context)
        place = plugged.settled ? plugged.deviceKey : undefined
        await new Promise<void>((resolve) => clock.schedule(1000, resolve))
      }
      await deps.database.stores.restoredDisks.update({ ...row, status: 'attached', disk: disk!.nativeId, place }, row.version)
    })(),
  )
}

describe('releasing a restored disk', () => {
  sagaLaws(releaseDiskSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
      const point = await aPoint(stage)
      const row = await insertRow(stage, point)
      const [before, present] = [await stage.look(), volumesOf(stage)]
      await plugIn(stage, row, point)
      expect(ofRow(stage, row)).toHaveLength(1)
      return stage.world({
        params: { restoredDiskId: row.id },
        async expectDone() {
          expect(await rowNow(stage, row)).toMatchObject({ status: 'released', cleanedAt: expect.any(Date) as Date })
          expect(ofRow(stage, row)).toEqual([])
          expect(volumesOf(stage)).toEqual(present)
          expect(await stage.look()).toEqual(before)
        },
        // What has been deleted stays so: the next sweep does the rest.
        expectCleanSlate: () => Promise.resolve(),
      })
    },
  })
})
