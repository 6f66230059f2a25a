import type { NeutralSignal } from '@understudy/provider'
import { isHeld } from '../resources/resource.ts'
import type { Resource } from '../resources/resource.ts'
import type { SignalOutcome, SignalSource } from './signal.ts'

/** After its deadline has passed by this much, a notice is history: the primary's real state decides, not the notice. */
export const lateAfterMs = 15 * 60_000

export type SignalDecision =
  /** Have the primary itself looked at: the cloud's own books say who stopped it. */
  | { readonly act: 'look'; readonly outcome: Extract<SignalOutcome, 'recorded'>; readonly reason: string }
  | { readonly act: 'shift' | 'arm'; readonly outcome: Extract<SignalOutcome, 'accepted' | 'armed'> }
  | { readonly act: 'nothing'; readonly outcome: SignalOutcome; readonly reason: string }

/**
 * What a signal about a primary calls for. An interruption or a failure shifts; a rebalance recommendation arms, and moves no
 * traffic; maintenance is recorded. A held resource is left alone, and an unprotected one only told about.
 */
export function decide(
  signal: Pick<NeutralSignal, 'kind' | 'effect' | 'cause' | 'confidence' | 'phase'> & {
    readonly deadlineMs: number | undefined
    readonly source: SignalSource
  },
  resource: Pick<Resource, 'hold' | 'tier' | 'id'>,
  nowMs: number,
): SignalDecision {
  const { phase = 'announced' } = signal
  // A word about an announcement is never late: the transition that came of that one follows it.
  if (phase !== 'announced') return { act: 'nothing', outcome: 'recorded', reason: `It is ${phase}.` }
  if (signal.deadlineMs !== undefined && nowMs - signal.deadlineMs > lateAfterMs) {
    return { act: 'nothing', outcome: 'late', reason: `Its deadline passed ${Math.round((nowMs - signal.deadlineMs) / 1000)} s ago.` }
  }
  if (isHeld(resource, nowMs)) return { act: 'nothing', outcome: 'recorded', reason: `${resource.id} is held: ${resource.hold?.reason ?? ''}` }
  if (resource.tier === undefined)
    return { act: 'nothing', outcome: 'recorded', reason: `${resource.id} is not protected, so nothing is done about it.` }
  switch (signal.kind) {
    case 'interruption':
      return { act: 'shift', outcome: 'accepted' }
    case 'failure':
      // Events of a change of state do not say whose doing it was.
      if (signal.cause === 'unknown' && signal.source !== 'poll') {
        return { act: 'look', outcome: 'recorded', reason: 'It does not say who stopped it: the primary is looked at.' }
      }
      // A person who stops an instance means it, and can start it again. One that is ended is lost, whoever ended it.
      return signal.cause === 'us' || (signal.cause === 'user' && signal.effect !== 'terminate')
        ? { act: 'nothing', outcome: 'recorded', reason: `It was stopped on purpose (cause: ${signal.cause}).` }
        : { act: 'shift', outcome: 'accepted' }
    case 'rebalance':
    case 'risk':
      return { act: 'arm', outcome: 'armed' }
    case 'maintenance':
      return { act: 'nothing', outcome: 'recorded', reason: 'Maintenance is recorded; it is not due yet.' }
  }
}
