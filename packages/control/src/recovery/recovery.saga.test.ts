import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import { failureOf } from '../operations/failure.ts'
import { redactDna } from '../resources/redact.ts'
import { insertPoint, keptPoint } from '../testing/kept-point.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import type { Stage } from '../testing/stage.ts'
import { captureRecoveryPointSaga } from './capture-recovery-point.saga.ts'
import { manifestHash } from './manifest.ts'
import { purgeRecoveryPointSaga } from './purge-recovery-point.saga.ts'
import type { RecoveryPoint } from './recovery-point.ts'
import { planRollback } from './rollback-plan.ts'
import { rollbackSaga } from './rollback.saga.ts'
import { verifyRecoveryPointSaga } from './verify-recovery-point.saga.ts'

const bench = useLawBench()

const snapshotsIn = ({ dc }: Stage): number => dc.storage.describeSnapshots().items.length
const present = async ({ deps }: Stage, { id }: RecoveryPoint): Promise<RecoveryPoint> => {
  const found = await deps.database.stores.recoveryPoints.findById(id)
  if (found === undefined) throw new Error('the row of the point has vanished')
  return found
}

describe('keeping a recovery point', () => {
  sagaLaws(captureRecoveryPointSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const point = await insertPoint(stage, { database: { engine: 'postgresql', position: '0/1A2B3C4D' } })
      const disks = stage.dc.instances.get(stage.primary.nativeId)!.blockDevices.length
      const undisturbed = async (): Promise<void> => {
        expect((await stage.look()).serving).toEqual({ primary: 100 })
      }
      return stage.world({
        params: { pointId: point.id },
        async expectDone() {
          const { status, manifest, manifestHash: hash, sequence, capturedAt } = await present(stage, point)
          expect({ status, sequence }).toEqual({ status: 'usable', sequence: 1 })
          expect(manifest).toMatchObject({ point: point.id, parent: null, instance: stage.primary.nativeId, database: point.database })
          expect(manifest?.disks.members).toHaveLength(disks)
          expect(manifest?.disks.takenAt).toBe(capturedAt?.toISOString())
          expect(hash).toBe(manifestHash(manifest!))
          expect(snapshotsIn(stage)).toBe(disks)
          await undisturbed()
        },
        async expectCleanSlate() {
          const { status, manifest } = await present(stage, point)
          // One that nobody has begun with is as good as one that was given up.
          expect(status).toBeOneOf(['failed', 'capturing'])
          expect(manifest).toBeUndefined()
          expect(snapshotsIn(stage)).toBe(0)
          await undisturbed()
        },
      })
    },
  })
})

describe('looking whether a point is what was kept', () => {
  sagaLaws(verifyRecoveryPointSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const point = await keptPoint(stage)
      const untouched = async (): Promise<void> => {
        const { status, manifest } = await present(stage, point)
        expect({ status, manifest }).toEqual({ status: 'usable', manifest: point.manifest })
        expect(snapshotsIn(stage)).toBe(point.manifest!.disks.members.length)
      }
      return stage.world({
        params: { pointId: point.id },
        async expectDone() {
          expect((await present(stage, point)).verification).toMatchObject({ findings: [] })
          await untouched()
        },
        expectCleanSlate: untouched,
      })
    },
  })
})

describe('purging a deleted point', () => {
  sagaLaws(purgeRecoveryPointSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const due = new Date(stage.clock.nowMs())
      const point = await keptPoint(stage, { deleteTime: due, purgeTime: due })
      return stage.world({
        params: { pointId: point.id },
        async expectDone() {
          const { status, manifest } = await present(stage, point)
          // The chain of the later points goes through its manifest.
          expect({ status, manifest }).toEqual({ status: 'purged', manifest: point.manifest })
          expect(snapshotsIn(stage)).toBe(0)
        },
        async expectCleanSlate() {
          expect((await present(stage, point)).status).toBe('usable')
          expect(snapshotsIn(stage)).toBe(point.manifest!.disks.members.length)
        },
      })
    },
  })
})

describe('rolling back', () => {
  const write = ({ dc }: Stage, volumeId: string, value: number): void => dc.blocks.write(volumeId, 0, Uint8Array.of(value))
  const read = ({ dc }: Stage, volumeId: string): number => dc.blocks.read(volumeId, 0, 1)[0] ?? -1
  const volumesOf = ({ dc, primary }: Stage): readonly string[] =>
    dc.instances
      .get(primary.nativeId)!
      .blockDevices.toSorted((a, b) => (a.deviceName < b.deviceName ? -1 : 1))
      .map(({ volumeId }) => volumeId)
  const allVolumes = ({ dc }: Stage): number => dc.storage.describeVolumes().items.length

  sagaLaws(rollbackSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
      const former = volumesOf(stage)
      for (const [index, volumeId] of former.entries()) write(stage, volumeId, 40 + index)
      const point = await keptPoint(stage)
      for (const volumeId of former) write(stage, volumeId, 7)
      const safety = await insertPoint(stage)
      const present = await stage.drive(stage.provider.inventory.describe(stage.primary))
      const answer = planRollback({ resource: stage.resource, point, present: redactDna(present!), traits: stage.provider.traits })
      if (!answer.ok) throw new Error(answer.reason)
      const before = await stage.look()
      const volumesBefore = allVolumes(stage)
      const safetyNow = () => stage.deps.database.stores.recoveryPoints.findById(safety.id)
      return stage.world({
        params: {
          ...{ resourceId: stage.resource.id, pointId: point.id, primary: stage.primary.nativeId, primaryEpoch: 1 },
          ...{ planHash: answer.planHash, safetyPointId: safety.id },
        },
        async expectDone() {
          expect(volumesOf(stage).map((volumeId) => read(stage, volumeId))).toEqual([40, 41])
          // The same instance, with the traffic, and what it had is kept: on its former disks and in the safety point.
          expect(await stage.look()).toEqual(before)
          expect(former.map((volumeId) => read(stage, volumeId))).toEqual([7, 7])
          expect(allVolumes(stage)).toBe(volumesBefore + former.length)
          expect(await safetyNow()).toMatchObject({ status: 'usable', sequence: 2, manifest: { parent: { point: point.id } } })
        },
        async expectCleanSlate() {
          expect(volumesOf(stage)).toEqual(former)
          expect(former.map((volumeId) => read(stage, volumeId))).toEqual([7, 7])
          expect(await stage.look()).toEqual(before)
          expect(allVolumes(stage)).toBe(volumesBefore)
          // Kept as a whole, or not at all.
          const kept = await safetyNow()
          const sets = kept?.status === 'usable' ? 2 : 1
          expect(snapshotsIn(stage)).toBe(sets * former.length)
          expect(kept?.status).toBeOneOf(['usable', 'failed', 'capturing'])
        },
      })
    },
  })
})
