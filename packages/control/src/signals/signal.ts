import type { Json } from '@understudy/core'
import type { ChangePhase, NeutralSignal } from '@understudy/provider'

/** Something a cloud, an agent or a forecast says about a resource. */
export interface Signal {
  readonly id: string
  readonly projectId: string
  readonly accountId: string
  readonly kind: NeutralSignal['kind']
  readonly effect: NeutralSignal['effect']
  /** How far the change is that it speaks of; of everything but maintenance: `announced`. */
  readonly phase: ChangePhase
  /** The cloud's own id of that change, and the list in which it stands with the version that was read last. */
  readonly changeId: string | undefined
  readonly list: string | undefined
  readonly listSequence: number | undefined
  /** Of an announcement: the signal that has taken it back, or said that it is over. */
  readonly endedBy: string | undefined
  readonly nativeId: string
  readonly resourceId: string | undefined
  readonly shadowId: string | undefined
  readonly deadline: Date | undefined
  readonly confidence: NeutralSignal['confidence']
  readonly cause: NeutralSignal['cause']
  readonly canPostponeUntil: Date | undefined
  readonly canExpedite: boolean
  readonly source: SignalSource
  readonly observedAt: Date
  readonly receivedAt: Date
  readonly outcome: SignalOutcome
  readonly reason: string | undefined
  readonly operationId: string | undefined
  /** Unique per account: the cloud's event id, or resource, kind and deadline where it has none. */
  readonly deduplicationKey: string
  readonly raw: Json
}
export type SignalSource = 'push' | 'queue' | 'agent' | 'api' | 'poll'
/**
 * accepted: it started or joined an operation · armed: shadows were prepared · unmatched: no resource of ours ·
 * late: its deadline has passed · duplicate: counted on the first one · ignored: of no concern · recorded: kept, nothing to do
 */
export type SignalOutcome = 'accepted' | 'armed' | 'unmatched' | 'late' | 'ignored' | 'recorded' | 'malformed'
