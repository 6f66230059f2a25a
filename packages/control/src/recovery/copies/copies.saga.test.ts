import { ownTags, randomIds } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../operations/failure.ts'
import { keptPoint } from '../../testing/kept-point.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import type { Stage } from '../../testing/stage.ts'
import { purgeRecoveryPointSaga } from '../purge-recovery-point.saga.ts'
import type { RecoveryPoint } from '../recovery-point.ts'
import { copyRecoveryPointSaga } from './copy-recovery-point.saga.ts'
import { recoveryCopiesReconciler } from './recovery-copies.reconciler.ts'
import { copyRef, pauseAfter } from './recovery-copy.ts'
import type { RecoveryCopy } from './recovery-copy.ts'

const bench = useLawBench()
const region = 'sim-west-1'

const copiesIn = ({ dc }: Stage) => dc.storage.describeSnapshots({}, region).items
const snapshotsIn = ({ dc }: Stage) => dc.storage.describeSnapshots().items
const rowNow = async ({ deps }: Stage, { id }: RecoveryCopy): Promise<RecoveryCopy> => (await deps.database.stores.recoveryCopies.findById(id))!

async function insertRow(stage: Stage, point: RecoveryPoint, overrides: Partial<RecoveryCopy> = {}): Promise<RecoveryCopy> {
  const at = new Date(stage.clock.nowMs())
  const row: RecoveryCopy = {
    ...{ id: randomIds.next('recoveryCopy'), projectId: point.projectId, resourceId: point.resourceId, accountId: point.accountId },
    ...{ pointId: point.id, region, status: 'copying', members: [], attempts: 1, nextAttemptAt: undefined, operationId: 'op_laws' },
    ...{ lastError: undefined, completedAt: undefined, deletedAt: undefined, createdAt: at, updatedAt: at, version: 1, ...overrides },
  }
  await stage.deps.database.stores.recoveryCopies.insert([row])
  return row
}

// First, while no other world has left rows behind.
test('what a policy wants is begun once, in its regions, and neither in the own region nor where snapshots are not copied', async () => {
  const stage = await setStage(bench, hotTier)
  const { deps, clock, provider, resource } = stage
  const point = await keptPoint(stage)
  const at = new Date(clock.nowMs())
  const policy = {
    ...{ id: randomIds.next('rollbackPolicy'), projectId: resource.projectId, name: 'far', description: '', priority: 0, scheduleSince: at },
    ...{ appliesTo: { types: [], labels: {}, group: undefined }, rules: { copies: [{ region }, { region: provider.scope.region }] } },
    ...{ deleteTime: undefined, purgeTime: undefined, createdAt: at, updatedAt: at, version: 1 },
  }
  await deps.database.stores.rollbackPolicies.insert(policy)
  const pass = async (opened: object) => {
    const control = { ...deps, providers: { open: () => Promise.resolve(opened) } } as unknown as Parameters<typeof recoveryCopiesReconciler.pass>[0] // what a pass uses
    return (await recoveryCopiesReconciler.pass(control)).result
  }
  const { copies: _none, ...without } = provider
  expect(await pass(without)).toEqual({ started: 0, failingAccounts: {} })
  expect(await pass(provider)).toEqual({ started: 1, failingAccounts: {} })
  expect(await pass(provider)).toEqual({ started: 0, failingAccounts: {} })
  const [row, ...more] = await deps.database.stores.recoveryCopies.listOf(point.projectId, [point.id])
  expect(more).toEqual([])
  expect(row).toMatchObject({ region, status: 'copying', attempts: 1 })
  const operation = await deps.database.stores.operations.findById(row!.operationId)
  expect(operation).toMatchObject({ kind: 'recovery.copy', params: { copyId: row!.id, pointId: point.id } })
  await deps.database.stores.rollbackPolicies.update({ ...policy, deleteTime: at, purgeTime: at }, 1)
})

test('what has failed is tried again after a while that grows to a day', () => {
  expect([1, 2, 3, 8, 9, 100].map((attempts) => pauseAfter(attempts) / 60_000)).toEqual([10, 20, 40, 1280, 1440, 1440])
})

describe('copying a point to another region', () => {
  sagaLaws(copyRecoveryPointSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const volumes = stage.dc.instances.get(stage.primary.nativeId)!.blockDevices
      for (const { volumeId } of volumes) stage.dc.blocks.write(volumeId, 0, Uint8Array.of(5))
      const point = await keptPoint(stage)
      for (const { volumeId } of volumes) stage.dc.blocks.write(volumeId, 0, Uint8Array.of(9))
      const row = await insertRow(stage, point)
      const { members } = point.manifest!.disks
      return stage.world({
        params: { copyId: row.id, pointId: point.id },
        async expectDone() {
          const copied = await rowNow(stage, row)
          expect(copied).toMatchObject({ status: 'complete', completedAt: expect.any(Date) as Date, lastError: undefined })
          const ids = (of: readonly { readonly source: string }[]) => of.map(({ source }) => source).toSorted()
          expect(ids(copied.members)).toEqual(members.map(({ snapshot }) => snapshot).toSorted())
          // Each member once, with the bytes of then, and ours by its tags.
          expect(
            copiesIn(stage)
              .map(({ snapshotId }) => snapshotId)
              .toSorted(),
          ).toEqual(copied.members.map(({ copy }) => copy).toSorted())
          for (const { snapshotId, tags } of copiesIn(stage)) {
            expect(stage.dc.blocks.read(snapshotId, 0, 1)[0]).toBe(5)
            expect(tags).toMatchObject({ [ownTags.managed]: 'true', [ownTags.recoveryPoint]: point.id, [ownTags.resource]: point.resourceId })
          }
          expect(snapshotsIn(stage)).toHaveLength(members.length)
        },
        async expectCleanSlate() {
          expect(copiesIn(stage)).toEqual([])
          expect((await rowNow(stage, row)).status).toBeOneOf(['copying', 'failed'])
          expect(snapshotsIn(stage)).toHaveLength(members.length)
        },
      })
    },
  })
})

describe('purging a point that has a copy', () => {
  sagaLaws(purgeRecoveryPointSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const due = new Date(stage.clock.nowMs())
      const point = await keptPoint(stage, { deleteTime: due, purgeTime: due })
      const row = await insertRow(stage, point, { status: 'complete', completedAt: due })
      const context = { idempotencyKey: copyRef(row).copyId, tags: {}, actor: 'laws', priority: 'background' } as const
      await stage.drive(stage.provider.copies!.copy({ setId: point.manifest!.disks.set }, { region }, context))
      const count = point.manifest!.disks.members.length
      return stage.world({
        params: { pointId: point.id },
        async expectDone() {
          expect([copiesIn(stage), snapshotsIn(stage)]).toEqual([[], []])
          expect(await rowNow(stage, row)).toMatchObject({ status: 'deleted', deletedAt: expect.any(Date) as Date })
        },
        async expectCleanSlate() {
          expect([copiesIn(stage).length, snapshotsIn(stage).length]).toEqual([count, count])
          expect((await rowNow(stage, row)).status).toBe('complete')
        },
      })
    },
  })
})
