import { ownTags, randomIds } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../operations/failure.ts'
import { aPoint, insertRow, plugIn, volumesOf } from '../../testing/disk-beside.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import type { Stage } from '../../testing/stage.ts'
import { releaseDiskSaga } from './release-disk.saga.ts'
import { restoreDiskSaga } from './restore-disk.saga.ts'
import { restoredDisksReconciler } from './restored-disks.reconciler.ts'
import type { RestoredDisk } from './restored-disk.ts'

const bench = useLawBench()

const rowNow = async ({ deps }: Stage, { id }: RestoredDisk): Promise<RestoredDisk> => (await deps.database.stores.restoredDisks.findById(id))!

const ofRow = ({ dc }: Stage, { id }: RestoredDisk) => dc.storage.describeVolumes().items.filter(({ tags }) => tags[ownTags.restoredDisk] === id)
const read = ({ dc }: Stage, volumeId: string): number => dc.blocks.read(volumeId, 0, 1)[0] ?? -1

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
