import { randomIds } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import { failureOf } from '../../operations/failure.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import type { Stage } from '../../testing/stage.ts'
import { checkTransitionSaga } from './check-transition.saga.ts'
import { postponeTransitionSaga } from './postpone-transition.saga.ts'
import type { Transition } from './transition.ts'

const bench = useLawBench()
const hourMs = 3_600_000

async function insertTransition({ deps, resource, clock }: Stage, overrides: Partial<Transition> = {}): Promise<Transition> {
  const at = new Date(clock.nowMs())
  const transition: Transition = {
    ...{ id: randomIds.next('transition'), projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId },
    ...{ nativeId: resource.nativeId, source: 'cloud', effect: 'stop', reason: 'the laws', requestedBy: 'laws', startsAt: at },
    ...{ estimatedSeconds: undefined, postponeUntil: undefined, canExpedite: true, signalIds: [], status: 'started', pointId: undefined },
    ...{ lentTier: false, check: undefined, operationId: undefined, createdAt: at, updatedAt: at, version: 1 },
    ...overrides,
  }
  await deps.database.stores.transitions.insert(transition)
  return transition
}
const present = async ({ deps }: Stage, { id }: Transition): Promise<Transition> => (await deps.database.stores.transitions.findById(id))!
const startOf = ({ dc, primary }: Stage): number => dc.instances.get(primary.nativeId)!.scheduledEvents[0]!.notBeforeMs

describe('postponing what a cloud has announced', () => {
  sagaLaws(postponeTransitionSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const nowMs = stage.clock.nowMs()
      const [start, until] = [nowMs + 24 * hourMs, nowMs + 72 * hourMs]
      stage.dc.maintenance.schedule(stage.primary.nativeId, { code: 'instance-stop', notBeforeMs: start, notBeforeDeadlineMs: nowMs + 96 * hourMs })
      const transition = await insertTransition(stage, { startsAt: new Date(start), status: 'prepared' })
      return stage.world({
        params: { transitionId: transition.id, until: new Date(until).toISOString() },
        async expectDone() {
          expect(startOf(stage)).toBe(until)
          expect(await present(stage, transition)).toMatchObject({ startsAt: new Date(until), status: 'announced' })
        },
        async expectCleanSlate() {
          expect(startOf(stage)).toBe(start)
          expect(await present(stage, transition)).toEqual(transition)
        },
      })
    },
  })
})

describe('looking at a resource after its transition', () => {
  sagaLaws(checkTransitionSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const transition = await insertTransition(stage)
      const before = await stage.look()
      return stage.world({
        params: { transitionId: transition.id },
        async expectDone() {
          expect(await present(stage, transition)).toMatchObject({ status: 'verified', check: { findings: [], recommendedPointId: null } })
          expect(await stage.look()).toEqual(before)
        },
        async expectCleanSlate() {
          // What was found stays true.
          expect((await present(stage, transition)).status).toBeOneOf(['started', 'verified'])
          expect(await stage.look()).toEqual(before)
        },
      })
    },
  })
})
