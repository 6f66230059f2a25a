import type { Clock } from '@understudy/core'
import type { TrafficMember } from '@understudy/provider'

/**
 * Members that were taken out and still finish what they have. Google shows nobody who drains, so that this process remembers whom
 * it has taken out and for how long the load balancer keeps their connections. Another process does not know, and ends them sooner.
 */
export interface Drains {
  note(entry: string, nativeId: string, seconds: number): void
  /** With those who drain, unless they are back. */
  beside(entry: string, members: readonly TrafficMember[]): readonly TrafficMember[]
}

export function drains(clock: Clock): Drains {
  const until = new Map<string, Map<string, number>>()
  return {
    note(entry, nativeId, seconds) {
      const drained = until.get(entry) ?? new Map<string, number>()
      until.set(entry, drained.set(nativeId, clock.nowMs() + seconds * 1000))
    },
    beside(entry, members) {
      const drained = until.get(entry)
      if (drained === undefined) return members
      for (const [nativeId, untilMs] of drained)
        if (untilMs <= clock.nowMs() || members.some((member) => member.nativeId === nativeId)) drained.delete(nativeId)
      if (drained.size === 0) until.delete(entry)
      return [...members, ...[...drained.keys()].map((nativeId): TrafficMember => ({ nativeId, weight: 0, health: 'draining' }))]
    },
  }
}
