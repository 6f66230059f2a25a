import { randomIds, seededRandom } from '@understudy/core'
import { createRunner, runnable } from '@understudy/saga'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../operations/failure.ts'
import type { Operation } from '../operations/operation.ts'
import { insertPoint, keptPoint } from '../testing/kept-point.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import type { Stage } from '../testing/stage.ts'
import { submitRollback } from '../testing/submit-rollback.ts'
import type { RecoveryPoint } from './recovery-point.ts'
import { recoveryPointsReconciler } from './recovery-points.reconciler.ts'
import { rollbackSaga } from './rollback.saga.ts'

const bench = useLawBench()

/** Everything about the primary and its disks that a rollback could have changed. */
const outside = async (stage: Stage) => ({
  view: await stage.look(),
  instance: structuredClone(stage.dc.instances.get(stage.primary.nativeId)),
  volumes: stage.dc.storage.describeVolumes().items.map(({ volumeId }) => volumeId),
  snapshots: stage.dc.storage.describeSnapshots().items.length,
})

const happenings: readonly (readonly [string, string, (stage: Stage, point: RecoveryPoint) => Promise<unknown>])[] = [
  [
    'a snapshot that has become unreadable',
    'point_damaged',
    async ({ dc }, { manifest }) => dc.storage.spoilSnapshot(manifest!.disks.members[0]!.snapshot),
  ],
  ['a snapshot that was deleted', 'point_damaged', async ({ dc }, { manifest }) => dc.storage.deleteSnapshot(manifest!.disks.members[0]!.snapshot)],
  [
    'a manifest that somebody has edited',
    'point_damaged',
    ({ deps }, point) =>
      deps.database.stores.recoveryPoints.update({ ...point, manifest: { ...point.manifest!, instance: 'i-forged' } }, point.version),
  ],
  [
    'a tag that somebody has set',
    'plan_stale',
    (stage) =>
      stage.drive(
        stage.provider.labels.tag([stage.primary], { team: 'red' }, { idempotencyKey: 'a'.repeat(32), tags: {}, actor: 'x', priority: 'background' }),
      ),
  ],
]

describe('what happens between the approval of a rollback and its beginning ends it before anything is changed', () => {
  test.each(happenings)('%s', async (_what, code, happen) => {
    const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
    const point = await keptPoint(stage)
    const { id, store, read, safety } = await submitRollback(bench, stage, point)
    await happen(stage, point)
    const before = await outside(stage)
    const sagas = [runnable(rollbackSaga, () => stage.deps)]
    const runner = createRunner({ store, sagas, clock: stage.clock, random: seededRandom(1), runnerId: 'gate', classify: failureOf, leaseMs: 30_000 })
    const outcome = await stage.drive(runner.runOne(id))
    expect(outcome?.kind).toBe('finished')
    expect(await read(id)).toMatchObject({ status: 'failed', error: { code } })
    expect(await outside(stage)).toEqual(before)
    expect(await stage.deps.database.stores.recoveryPoints.findById(safety.id)).toMatchObject({ status: 'failed', manifest: undefined })
    stage.dc.close()
  })
})

test('the point of a rollback that was cancelled before it had begun is given up by the next sweep', async () => {
  const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
  const { deps, clock, resource } = stage
  const at = new Date(clock.nowMs())
  const cancelled: Operation = {
    ...{ id: randomIds.next('operation'), projectId: resource.projectId, kind: rollbackSaga.name, version: 1, resourceId: resource.id, params: {} },
    ...{ shadowId: undefined, status: 'cancelled', plan: null, planHash: undefined, deadline: undefined, priority: 20, lockKey: undefined },
    ...{ requestedBy: 'system:laws', reason: 'the laws', createdAt: at, startedAt: undefined, finishedAt: at, error: undefined, output: null },
    ...{ cancelRequestedAt: at, updatedAt: at },
  }
  await deps.database.stores.operations.insertUnlocked([cancelled])
  const safety = await insertPoint(stage, { operationId: cancelled.id })
  const control = { ...deps, ids: randomIds, clock } as unknown as Parameters<typeof recoveryPointsReconciler.pass>[0] // what a pass uses
  expect((await recoveryPointsReconciler.pass(control)).result).toMatchObject({ abandoned: 1 })
  expect(await deps.database.stores.recoveryPoints.findById(safety.id)).toMatchObject({ status: 'failed', operationId: undefined })
  expect((await recoveryPointsReconciler.pass(control)).result).toMatchObject({ abandoned: 0 })
  stage.dc.close()
})
