import type { Clock } from '@understudy/core'
import type { Provider } from '../provider.ts'
import { aroundProvider, outcomeOf } from './around.ts'

export interface ObservedCall {
  readonly provider: string
  readonly region: string
  /** `compute.start`. */
  readonly call: string
  /** `ok`, the kind of the provider error, or `bug`. */
  readonly outcome: string
  readonly durationMs: number
}

/** Tells `observe` about every call when it has ended. An observer that throws is a bug and fails the call. */
export function withMetrics<P extends Provider>(
  provider: P,
  { clock, observe }: { readonly clock: Clock; readonly observe: (call: ObservedCall) => void },
): P {
  const { provider: name, region } = provider.scope
  return aroundProvider(provider, async (call, next) => {
    const startedMs = clock.nowMs()
    const tell = (outcome: string): void => observe({ provider: name, region, call: call.name, outcome, durationMs: clock.nowMs() - startedMs })
    try {
      const result = await next()
      tell('ok')
      return result
    } catch (error) {
      tell(outcomeOf(error))
      throw error
    }
  })
}
