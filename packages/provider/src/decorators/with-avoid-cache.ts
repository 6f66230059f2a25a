import type { Clock } from '@understudy/core'
import type { CloneSpec } from '../capabilities/compute.ts'
import { isProviderError, providerError } from '../provider-error.ts'
import type { Provider } from '../provider.ts'
import type { Offering, OperationStatus, ProviderErrorShape } from '../refs.ts'
import { aroundProvider } from './around.ts'

export interface AvoidCache {
  /** True while some refusal that covers this offering is remembered. Absent fields of the question mean "any of them". */
  isAvoided(offering: Offering): boolean
  /** What is remembered, for people. */
  avoided(): readonly (Offering & { readonly untilMs: number; readonly nativeCode: string })[]
}

/**
 * Remembers what the cloud has refused for lack of capacity, price or quota, and refuses it to background work until the
 * refusal is stale, so that a launch goes to the next zone at once. `failover` calls always try: for them a small chance is worth a call.
 */
export function withAvoidCache<P extends Provider>(provider: P, { clock }: { readonly clock: Clock }): P & { readonly avoid: AvoidCache } {
  const remembered = new Map<string, Offering & { readonly untilMs: number; readonly nativeCode: string }>()

  const remember = ({ avoid, nativeCode }: ProviderErrorShape): void => {
    if (avoid === undefined) return
    const { ttlMs, ...offering } = avoid
    remembered.set(JSON.stringify([offering.instanceType, offering.zone, offering.purchase]), {
      ...offering,
      untilMs: clock.nowMs() + ttlMs,
      nativeCode,
    })
  }
  const find = (offering: Offering) => {
    for (const [key, entry] of remembered) {
      if (entry.untilMs <= clock.nowMs()) remembered.delete(key)
      else if (covers(entry, offering)) return entry
    }
    return undefined
  }

  const decorated = aroundProvider(provider, async (call, next) => {
    if (call.name === 'compute.provision' && call.context?.priority !== 'failover') refuse(call.args[1] as CloneSpec) // its second parameter
    try {
      const result = await next()
      if (call.name === 'compute.poll') {
        const status = result as OperationStatus<unknown> // what `poll` answers
        if (status.phase === 'failed') remember(status.error)
      }
      return result
    } catch (error) {
      if (isProviderError(error)) remember(error.shape)
      throw error
    }
  })

  function refuse({ instanceType, zone, purchase }: CloneSpec): void {
    const entry = find({ instanceType, zone, purchase })
    if (entry === undefined) return
    throw providerError(
      'insufficient_capacity',
      'AvoidedOffering',
      `${instanceType} (${purchase}) in ${zone} was refused a moment ago with ${entry.nativeCode}. Choose another offering.`,
      {
        avoid: { instanceType, zone, purchase, ttlMs: entry.untilMs - clock.nowMs() },
      },
    )
  }

  const avoid: AvoidCache = {
    isAvoided: (offering) => find(offering) !== undefined,
    avoided: () => [...remembered.values()].filter(({ untilMs }) => untilMs > clock.nowMs()),
  }
  return new Proxy(decorated, { get: (target, key) => (key === 'avoid' ? avoid : Reflect.get(target, key)) }) as P & { readonly avoid: AvoidCache }
}

/** A refusal of everything in a zone covers each type in it; a refusal of one type does not cover the zone. */
const covers = (refused: Offering, asked: Offering): boolean =>
  (refused.instanceType === undefined || refused.instanceType === asked.instanceType) &&
  (refused.zone === undefined || refused.zone === asked.zone) &&
  (refused.purchase === undefined || refused.purchase === asked.purchase)
