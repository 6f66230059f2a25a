import type { JsonObject } from '@understudy/core'
import type { CallContext } from '../refs.ts'

/** What a cloud says about an instance, in one vocabulary for all clouds. */
export type SignalKind = 'interruption' | 'rebalance' | 'maintenance' | 'failure' | 'risk'
export type SignalEffect = 'terminate' | 'stop' | 'hibernate' | 'reboot' | 'freeze' | 'redeploy' | 'unknown'
/**
 * How far an announced change is. `started`: it has begun, earlier perhaps than it was announced for · `completed`: it has happened, or
 * something else has settled it · `cancelled`: it was taken back, and will not happen.
 */
export type ChangePhase = 'announced' | 'started' | 'completed' | 'cancelled'

export interface NeutralSignal {
  readonly kind: SignalKind
  readonly effect: SignalEffect
  /** The cloud's id of the instance concerned. */
  readonly nativeId: string
  /** The cloud's own id of the event, for deduplication; absent where it has none (guest metadata). */
  readonly eventId?: string
  /** Of `maintenance` only. Left out: announced, and still to come. */
  readonly phase?: ChangePhase
  /** The cloud's id of the change, equal in everything that it says of it. Left out: `eventId`. */
  readonly changeId?: string
  /** The list of the cloud's that it stands in, where it was read from one; see `ReadList`. */
  readonly list?: string
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

/**
 * Everything that one list of the cloud's said of an instance at one moment. What stood there before and no longer does is over, and
 * needs no word of its own: taken back when its time had not come, done otherwise. Only the same list says so, since lists differ in what they hold.
 */
export interface ReadList {
  readonly nativeId: string
  readonly list: string
  /** When it was read. RFC 3339. */
  readonly observedAt: string
  /** The cloud's own count of its versions, where it has one: documents arrive out of order. */
  readonly sequence?: number
}

/** What clouds say at once: signals, and which lists were read to their ends for them. */
export interface ScheduledChanges {
  readonly signals: readonly NeutralSignal[]
  readonly lists: readonly ReadList[]
}

/** Result of reading one raw event; `lists` may say something where `signals` is empty. `ignored` is not an error: clouds send more than concerns us. */
export type ParsedSignal =
  | { readonly outcome: 'signals'; readonly signals: readonly NeutralSignal[]; readonly lists?: readonly ReadList[] }
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
  /**
   * Changes the cloud has scheduled for these instances, from its own books: finds what a lost push said. With what is over and still
   * stands there, by its phase; and the lists that name only what is ahead.
   */
  scheduled(nativeIds: readonly string[]): Promise<ScheduledChanges>
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
