import type { Provider } from '@understudy/provider'
import { expect, it } from 'vitest'
import type { SagaDeps } from '../context.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import type { Stage } from '../testing/stage.ts'
import type { StandIn } from './failover.ts'
import type { FailoverStep } from './failover.world.ts'
import { retirePrimary } from './retire-primary.ts'

const bench = useLawBench()
const drainSeconds = 40

/** A cloud that shows nobody who drains, and only says how long that takes. */
function withUnseenDrain(stage: Stage): { readonly deps: SagaDeps; readonly removedMs: number[] } {
  const { traffic } = stage.provider
  if (traffic === undefined) throw new Error('the simulated region directs traffic')
  const removedMs: number[] = []
  const provider: Provider = {
    ...stage.provider,
    traffic: {
      ...traffic,
      state: async (binding) => (await traffic.state(binding)).filter(({ health }) => health !== 'draining'),
      drainSeconds: () => Promise.resolve(drainSeconds),
      async remove(binding, ref, context) {
        removedMs.push(stage.clock.nowMs())
        await traffic.remove(binding, ref, context)
      },
    },
  }
  return { deps: { ...stage.deps, openProvider: () => Promise.resolve(provider) }, removedMs }
}

async function scene() {
  const stage = await setStage(bench, hotTier)
  const { id: shadowId, nativeId = '', zone, instanceType } = await stage.addShadow()
  const standIn: StandIn = { shadowId, nativeId, zone, instanceType, purchase: 'spot', accountId: stage.resource.accountId }
  const ref = { ...stage.provider.scope, nativeId, zone }
  const context = { idempotencyKey: 'a'.repeat(32), tags: {}, actor: 'test', priority: 'failover' } as const
  await stage.drive(stage.provider.traffic?.setWeights(stage.binding, [{ ref, weight: 100 }], context) ?? Promise.resolve())
  const stepWith = (signal: AbortSignal): FailoverStep => ({
    ...{ operationId: 'op_drain', step: 'retired', attempt: 1, outputs: {}, signal, deadlineMs: undefined },
    ...{ dueMs: stage.clock.nowMs() + 600_000, key: (suffix = '') => `${suffix}${'b'.repeat(32)}`.slice(0, 32) },
    params: { resourceId: stage.resource.id, primary: stage.primary.nativeId, primaryEpoch: stage.resource.primaryEpoch, mode: 'interruption' },
    note: () => Promise.resolve(),
    audit: () => Promise.resolve(),
  })
  const isThere = (): boolean => stage.dc.instances.get(stage.primary.nativeId)?.state === 'running'
  return { stage, standIn, stepWith, isThere, ...withUnseenDrain(stage) }
}

it('keeps a primary that drains unseen until it has drained, also in a worker that takes over', async () => {
  const { stage, standIn, stepWith, isThere, deps, removedMs } = await scene()
  const dying = new AbortController()
  stage.clock.schedule(25_000, () => dying.abort(new Error('the worker has died')))
  await expect(stage.drive(retirePrimary(deps, stepWith(dying.signal), standIn))).rejects.toThrow('the worker has died')
  expect(isThere()).toBe(true)
  const seen: boolean[] = []
  stage.clock.schedule((drainSeconds - 1) * 1000, () => void seen.push(isThere()))
  expect(await stage.drive(retirePrimary(deps, stepWith(new AbortController().signal), standIn))).toEqual({ fate: 'terminated' })
  expect(removedMs).toHaveLength(2)
  expect(seen).toEqual([true])
  stage.dc.close()
})

it('waits for no requests of a primary that does not run any more', async () => {
  const { stage, standIn, stepWith, deps, removedMs } = await scene()
  stage.dc.market.reclaim(stage.primary.nativeId)
  await stage.clock.advanceAsync(60_000)
  await stage.drive(retirePrimary(deps, stepWith(new AbortController().signal), standIn))
  expect(stage.clock.nowMs() - (removedMs[0] ?? 0)).toBeLessThan(drainSeconds * 1000)
  stage.dc.close()
})
