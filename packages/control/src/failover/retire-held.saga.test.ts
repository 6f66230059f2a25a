import { ownTags } from '@understudy/core'
import type { StepContext } from '@understudy/saga'
import { sagaLaws } from '@understudy/testing/saga-laws'
import type { LawWorld } from '@understudy/testing/saga-laws'
import { describe, expect, it } from 'vitest'
import type { SagaDeps } from '../context.ts'
import { failureOf } from '../operations/failure.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import type { Stage } from '../testing/stage.ts'
import { contextOf } from '../testing/stage-rows.ts'
import { awaitSaved, endHeld, requireSaved, saveMaxMs } from './held-primary.ts'
import type { HeldPrimary } from './held-primary.ts'
import { retireHeldSaga } from './retire-held.saga.ts'

const bench = useLawBench()
const engine = { makeStore: bench.makeStore, classify: failureOf } as const
const hourMs = 3_600_000

/** Another instance is the primary; the capture of the former one goes on. */
async function setHeld(snapshotMs: number, { fails = false, lateMs = saveMaxMs } = {}) {
  const stage = await setStage(bench, hotTier, { purchase: 'on-demand', latencies: { snapshot: { minMs: snapshotMs, maxMs: snapshotMs } } })
  const { provider, deps, resource, primary, clock } = stage
  const shadow = await stage.addShadow()
  if (fails) stage.dc.faults.failSnapshots()
  const context = contextOf(`state ${resource.id}`, { [ownTags.resource]: resource.id })
  const { _result, ...handle } = await stage.drive(provider.snapshots!.capture(primary, context))
  const capture = handle as unknown as HeldPrimary['capture'] // plain JSON by its type
  const ref = { ...provider.scope, nativeId: shadow.nativeId ?? '', zone: shadow.zone }
  await stage.drive(provider.traffic!.setWeights(stage.binding, [{ ref, weight: 100 }], contextOf('weights', {})))
  const at = new Date(clock.nowMs())
  await deps.database.stores.resources.promote({
    ...{ id: resource.id, seenEpoch: resource.primaryEpoch, accountId: resource.accountId, nativeId: ref.nativeId, zone: shadow.zone },
    ...{ dna: { ...resource.dna, ref }, dnaHash: resource.dnaHash, at },
  })
  const params = {
    ...{ resourceId: resource.id, projectId: resource.projectId, accountId: resource.accountId, primary: primary.nativeId },
    ...{ setId: context.idempotencyKey, capture, lateAt: new Date(clock.nowMs() + lateMs).toISOString() },
  }
  return { stage, params }
}

const states = ({ dc }: Stage): string[] => [...new Set(dc.storage.describeSnapshots().items.map(({ state }) => state))]
const primaryState = ({ dc, primary }: Stage): string => dc.instances.get(primary.nativeId)?.state ?? 'gone'
const told = async ({ deps, resource }: Stage): Promise<string[]> =>
  (await deps.database.stores.audit.list(resource.projectId, { after: 0, limit: 1000, target: resource.id })).map(({ action }) => action)

/** Whatever happens, it is there as long as its disks are not saved, and nobody has said that they could not be. */
function watched(stage: Stage, world: LawWorld<SagaDeps>): LawWorld<SagaDeps> {
  stage.dc.subscribe((event) => {
    if (event.kind === 'instance_state' && event.instanceId === stage.primary.nativeId && event.to === 'shutting-down')
      if (states(stage).includes('pending')) throw new Error('the former primary was ended before its disks were saved')
  })
  return world
}

describe('a former primary whose disks are saved in an hour', () => {
  sagaLaws(retireHeldSaga, {
    ...engine,
    async makeWorld() {
      const { stage, params } = await setHeld(hourMs)
      return watched(
        stage,
        stage.world({
          params,
          async expectDone(outputs) {
            expect(outputs).toMatchObject({ saved: { state: 'complete' }, retired: { fate: expect.toBeOneOf(['terminated', 'gone']) as string } })
            expect(states(stage)).toEqual(['completed'])
            expect(primaryState(stage)).toBeOneOf(['terminated', 'gone'])
            expect(await told(stage)).toEqual([])
          },
          expectCleanSlate: () => Promise.resolve(expect(primaryState(stage)).toBe('running')),
        }),
      )
    },
  })
})

describe('a former primary whose disks the cloud could not save', () => {
  sagaLaws(retireHeldSaga, {
    ...engine,
    faultsAt: ['retired'],
    async makeWorld() {
      const { stage, params } = await setHeld(hourMs, { fails: true })
      return watched(
        stage,
        stage.world({
          params,
          async expectDone(outputs) {
            expect(outputs).toMatchObject({ saved: { state: 'failed' } })
            expect(await told(stage)).toContain('failover.state_failed')
            expect(primaryState(stage)).toBeOneOf(['terminated', 'gone'])
          },
          expectCleanSlate: () => Promise.resolve(expect(primaryState(stage)).toBe('running')),
        }),
      )
    },
  })
})

it('one whose disks are not saved in time is kept, a person is called, and it is ended when they are saved after all', async () => {
  const { stage, params } = await setHeld(2 * hourMs, { lateMs: hourMs })
  const { deps, clock } = stage
  const step: StepContext<HeldPrimary, object> = {
    ...{ operationId: 'op_held', step: 'saved', attempt: 1, outputs: {}, signal: new AbortController().signal, deadlineMs: undefined },
    ...{ dueMs: clock.nowMs() + 7 * hourMs, key: (suffix = '') => `${suffix}${'c'.repeat(32)}`.slice(0, 32), params },
    ...{ note: () => Promise.resolve(), audit: () => Promise.resolve() },
  }
  expect(await stage.drive(awaitSaved(deps, step))).toEqual({ state: 'late' })
  expect(await told(stage)).toContain('failover.state_late')
  await expect(stage.drive(requireSaved(deps, step))).rejects.toMatchObject({
    kind: 'conflict',
    message: expect.stringContaining(`${stage.primary.nativeId} are not saved`) as string,
  })
  expect(primaryState(stage)).toBe('running')
  await clock.advanceAsync(2 * hourMs)
  expect(await stage.drive(requireSaved(deps, step))).toEqual({ saved: true })
  expect(await stage.drive(endHeld(deps, step))).toEqual({ fate: 'terminated' })
  // Skipping does the same without them, and one that is somebody's primary again is left alone.
  const back = { ...step, params: { ...params, primary: (await deps.database.stores.resources.findById(stage.resource.id))!.nativeId } }
  expect(await stage.drive(endHeld(deps, back))).toEqual({ fate: 'in-use' })
  stage.dc.close()
})
