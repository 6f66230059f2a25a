import type { JsonObject } from '@understudy/core'
import type { CallContext } from '../refs.ts'

/** What a cloud says about an instance, in one vocabulary for all clouds. */
export type SignalKind = 'interruption' | 'rebalance' | 'maintenance' | 'failure' | 'risk'
export type SignalEffect = 'terminate' | 'stop' | 'hibernate' | 'reboot' | 'freeze' | 'redeploy' | 'unknown'

export interface NeutralSignal {
  readonly kind: SignalKind
  readonly effect: SignalEffect
  /** The cloud's id of the instance concerned. */
  readonly nativeId: string
  /** The cloud's own id of the event, for deduplication; absent where it has none (guest metadata). */
  readonly eventId?: string
  /** When the instance goes, as the cloud said it (AWS: time of the notice + 120 s; hibernation: at once). RFC 3339. */
  readonly deadline?: string
  /** When the cloud noticed it. RFC 3339. */
  readonly observedAt: string
  readonly confidence: 'certain' | 'likely'
  /** `platform`: the cloud decided; `user`: a person or another program; `unknown` is a legal answer. */
  readonly cause: 'platform' | 'user' | 'us' | 'unknown'
  /** Until when it could be postponed, if it can. RFC 3339. */
  readonly canPostponeUntil?: string
  readonly canExpedite: boolean
}

/** Result of reading one raw event. `ignored` is not an error: clouds send more than concerns us. */
export type ParsedSignal =
  | { readonly outcome: 'signals'; readonly signals: readonly NeutralSignal[] }
  | { readonly outcome: 'ignored'; readonly reason: string }
  | { readonly outcome: 'malformed'; readonly reason: string }

export interface Signals {
  /** Pure: reads a raw event document (EventBridge JSON, a guest's metadata document …) without calling anything. */
  parse(document: unknown, received: { readonly at: string; readonly nativeId?: string; readonly documentKind?: string }): ParsedSignal
  /**
   * Long-polls the cloud's queue once: at most 10 documents, at most `waitSeconds`. A document that is not acknowledged comes
   * back. Absent where the cloud has no queue configured.
   */
  receive?(options: { readonly waitSeconds: number; readonly signal: AbortSignal }): Promise<readonly ReceivedDocument[]>
  /** Changes the cloud has scheduled for these instances, from its own books: finds what a lost push said. */
  scheduled(nativeIds: readonly string[]): Promise<readonly NeutralSignal[]>
  /**
   * Moves the start of a change that `scheduled` names to a later time (RFC 3339), within its `canPostponeUntil`. Repeated: the same.
   * `not_found` when the change is over or was taken back; `invalid` when the cloud does not take the time. Absent where a cloud has no
   * such call, which the trait `postponeMaintenance` says with the reason.
   */
  postpone?(change: { readonly nativeId: string; readonly eventId: string; readonly notBefore: string }, context: CallContext): Promise<void>
  /**
   * Asks the cloud who caused a `failure` whose event did not say (`cause` is `unknown`); other signals come back as they are.
   * Absent where events always say. `us` is known only to the process that acted, and only for some minutes.
   */
  attribute?(signal: NeutralSignal): Promise<NeutralSignal>
}

export interface ReceivedDocument {
  readonly document: unknown
  readonly raw: JsonObject
  acknowledge(): Promise<void>
}
