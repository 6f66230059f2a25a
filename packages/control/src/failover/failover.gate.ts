import { isHeld } from '../resources/resource.ts'
import type { Resource } from '../resources/resource.ts'

export type GateAnswer = { readonly ok: true } | { readonly ok: false; readonly kind: 'held' | 'plan_stale' | 'conflict'; readonly reason: string }

/** Whether a failover may begin. Asked by the use-case, and again by the saga's first step: the world may have moved in between. */
export function failoverGate(question: {
  readonly resource: Pick<Resource, 'id' | 'nativeId' | 'hold' | 'primaryEpoch'>
  readonly expected: { readonly primary: string; readonly primaryEpoch: number }
  readonly nowMs: number
}): GateAnswer {
  const { resource, expected, nowMs } = question
  if (resource.primaryEpoch !== expected.primaryEpoch || resource.nativeId !== expected.primary) {
    return {
      ok: false,
      kind: 'plan_stale',
      reason: `The primary of ${resource.id} is ${resource.nativeId} now, not ${expected.primary}: somebody else has failed it over.`,
    }
  }
  if (isHeld(resource, nowMs)) {
    return {
      ok: false,
      kind: 'held',
      reason: `${resource.hold?.by ?? 'Somebody'} holds ${resource.id} until ${resource.hold?.until.toISOString() ?? ''}: ${resource.hold?.reason ?? ''}. Release the hold first.`,
    }
  }
  return { ok: true }
}
