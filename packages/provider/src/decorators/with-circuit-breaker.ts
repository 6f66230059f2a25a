import type { Clock } from '@understudy/core'
import { isProviderError, providerError } from '../provider-error.ts'
import type { ProviderError } from '../provider-error.ts'
import type { Provider } from '../provider.ts'
import { aroundProvider } from './around.ts'

export interface CircuitBreakerOptions {
  readonly clock: Clock
  /** Consecutive failures of one capability that open its circuit. Default 5. */
  readonly failures?: number
  /** How long it stays open before one call may try. Default 10 s. */
  readonly openMs?: number
  readonly onChange?: (change: { readonly capability: string; readonly state: 'open' | 'closed' }) => void
}

interface Circuit {
  failures: number
  openUntilMs: number | undefined
  isProbing: boolean
  /** The failure that counted last. */
  lastError: Error | undefined
}

/** Calls outside of every circuit: whoever asks who they are wants the cloud's own answer. */
const exempt: ReadonlySet<string> = new Set(['identify'])

/**
 * Stops asking a service that does not answer: after some consecutive `unavailable` the calls of that capability fail at once
 * with `unavailable` and a `retryAfterMs`; then one call tries, and closes the circuit or opens it again.
 * Calls with `failover` priority always try: in a mass reclaim a guess that the cloud is down must not be what loses traffic.
 */
export function withCircuitBreaker<P extends Provider>(provider: P, options: CircuitBreakerOptions): P {
  const { clock, failures: allowed = 5, openMs = 10_000, onChange } = options
  const circuits = new Map<string, Circuit>()
  const circuitOf = (capability: string): Circuit => {
    const circuit = circuits.get(capability) ?? { failures: 0, openUntilMs: undefined, isProbing: false, lastError: undefined }
    circuits.set(capability, circuit)
    return circuit
  }
  return aroundProvider(provider, async (call, next) => {
    if (exempt.has(call.name)) return await next()
    const circuit = circuitOf(call.capability)
    const mayTry = call.context?.priority === 'failover'
    if (circuit.openUntilMs !== undefined && !mayTry) {
      const waitMs = circuit.openUntilMs - clock.nowMs()
      if (waitMs > 0 || circuit.isProbing) throw open(call.capability, Math.max(waitMs, 1_000), circuit.lastError)
      circuit.isProbing = true
    }
    const isProbe = circuit.isProbing && !mayTry
    try {
      const result = await next()
      close(circuit, call.capability)
      return result
    } catch (error) {
      if (isOutage(error)) fail(circuit, call.capability, error)
      // Any other refusal is an answer: the service is there. An abort says nothing.
      else if (!isAborted(error)) close(circuit, call.capability)
      throw error
    } finally {
      if (isProbe) circuit.isProbing = false
    }
  })

  function fail(circuit: Circuit, capability: string, error: Error): void {
    circuit.failures += 1
    circuit.lastError = error
    if (circuit.failures < allowed) return
    const wasClosed = circuit.openUntilMs === undefined
    circuit.openUntilMs = clock.nowMs() + openMs
    if (wasClosed) onChange?.({ capability, state: 'open' })
  }

  function close(circuit: Circuit, capability: string): void {
    circuit.failures = 0
    if (circuit.openUntilMs === undefined) return
    circuit.openUntilMs = undefined
    onChange?.({ capability, state: 'closed' })
  }
}

const isAborted = (error: unknown): boolean => isProviderError(error, 'unavailable') && error.shape.nativeCode === 'Aborted'
const isOutage = (error: unknown): error is ProviderError => isProviderError(error, 'unavailable') && !isAborted(error)
/** Says what has failed: whoever meets only this one has to know it too. */
const open = (capability: string, retryAfterMs: number, last: Error | undefined) =>
  providerError(
    'unavailable',
    'CircuitOpen',
    `The cloud has not answered calls of ${capability} lately, which are held back for a moment. The last one: ${last?.message ?? 'unknown'}`,
    { retryAfterMs, cause: last },
  )
