import type { JsonObject } from '@understudy/core'

/** Where a resource lives: one account (AWS account, Azure subscription, GCP project) in one region. */
export interface Scope {
  /** Name of the adapter, for instance `aws`. The application treats it as opaque. */
  readonly provider: string
  readonly account: string
  readonly region: string
}

/** An instance. `nativeId` is the cloud's own immutable id. */
export interface InstanceRef extends Scope {
  readonly nativeId: string
  /** Availability zone, as the cloud names it in this account. */
  readonly zone?: string
  /** Where it answers. Given where whoever is asked cannot look it up: the instance is another account's. */
  readonly address?: string
}
export interface DiskRef extends Scope {
  readonly nativeId: string
  readonly zone?: string
}
export interface SnapshotRef extends Scope {
  readonly nativeId: string
}

/**
 * What every mutating call takes.
 * One `idempotencyKey` is one intent: 32 lowercase hex characters, derived from what is stored (operation, step, epoch), so
 * that a restarted process presents the same key. Adapters derive client tokens, request ids and names from it.
 */
export interface CallContext {
  readonly idempotencyKey: string
  /** Written on everything the call creates, together with `understudy:op` = the key; `adopt` searches for it. */
  readonly tags: Readonly<Record<string, string>>
  /** Who asked; reaches the cloud's own audit log where it takes one. */
  readonly actor: string
  /** Aborts when the step's budget has run out. */
  readonly signal?: AbortSignal
  /** `failover` calls may use the share of the rate limit that background work may not. */
  readonly priority: 'failover' | 'background'
}

/** A running change in the cloud. Plain JSON: a restarted process polls it as if nothing had happened. */
export interface OperationHandle<Result = unknown> {
  readonly v: 1
  readonly provider: string
  /** For instance `compute.start`; tells the adapter how to poll. */
  readonly verb: string
  readonly idempotencyKey: string
  readonly startedAt: string
  /** Private to the adapter. */
  readonly native: JsonObject
  readonly _result?: Result
}

export type OperationStatus<Result> =
  | { readonly phase: 'running'; readonly nativeState?: string; readonly progress?: number; readonly retryAfterMs?: number }
  | { readonly phase: 'succeeded'; readonly result: Result }
  | { readonly phase: 'failed'; readonly error: ProviderErrorShape }

/** The closed set of provider failures. The application branches on these and on nothing else. */
export const providerErrorKinds = [
  'not_found',
  'already_exists',
  'conflict',
  'invalid',
  'unsupported',
  'protected',
  'insufficient_capacity',
  'price_too_low',
  'quota_exceeded',
  'throttled',
  'unauthorized',
  'unavailable',
  'preempted',
  'idempotency_mismatch',
  'unknown',
] as const
export type ProviderErrorKind = (typeof providerErrorKinds)[number]

/** An offering is what can be bought: a type in a zone under a purchase model. Absent fields mean "any". */
export interface Offering {
  readonly instanceType?: string
  readonly zone?: string
  readonly purchase?: PurchaseModel
}
export type PurchaseModel = 'on-demand' | 'spot' | 'reserved'

export interface ProviderErrorShape {
  readonly kind: ProviderErrorKind
  /** The cloud's own code, for people and for the audit trail: `InsufficientInstanceCapacity`. */
  readonly nativeCode: string
  readonly httpStatus?: number
  readonly message: string
  readonly requestId?: string
  /** Whether the same call may succeed when repeated soon. Exactly the kinds `throttled` and `unavailable`. */
  readonly retryable: boolean
  readonly retryAfterMs?: number
  /** Set for capacity and quota failures: what not to ask for, and for how long. */
  readonly avoid?: Offering & { readonly ttlMs: number }
  /** True when the call may have taken effect although it failed (reset, timeout): look before repeating. */
  readonly ambiguous?: boolean
}
