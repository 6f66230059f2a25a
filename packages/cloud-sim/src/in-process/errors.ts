import { isProviderError, providerError, type Offering, type ProviderError, type ProviderErrorKind } from '@understudy/provider'
import { ConnectionReset, SimError } from '../datacentre/sim-error.ts'

/** `once`: losing the answer leaves the caller in doubt. The other effects can be repeated without harm. */
export interface CallFacts {
  readonly effect: 'read' | 'repeatable' | 'token' | 'once'
  readonly offering?: Offering
}

const kinds: Readonly<Record<string, ProviderErrorKind>> = {
  IncorrectInstanceState: 'conflict',
  IncorrectState: 'conflict',
  IncorrectSpotRequestState: 'conflict',
  VolumeInUse: 'conflict',
  ResourceInUse: 'conflict',
  'InvalidSnapshot.InUse': 'conflict',
  'Resource.AlreadyAssociated': 'conflict',
  IdempotentInstanceTerminated: 'conflict',
  DependencyViolation: 'conflict',
  'InvalidGroup.Duplicate': 'already_exists',
  'InvalidPermission.Duplicate': 'already_exists',
  OperationNotPermitted: 'protected',
  IdempotentParameterMismatch: 'idempotency_mismatch',
  InsufficientInstanceCapacity: 'insufficient_capacity',
  InsufficientFreeAddressesInSubnet: 'insufficient_capacity',
  InsufficientHostCapacity: 'insufficient_capacity',
  'InvalidPlacementGroup.Unknown': 'not_found',
  SpotMaxPriceTooLow: 'price_too_low',
  ConcurrentSnapshotLimitExceeded: 'quota_exceeded',
  TagLimitExceeded: 'quota_exceeded',
  VcpuLimitExceeded: 'quota_exceeded',
  // Of copies of snapshots: it passes when one of them is complete.
  ResourceLimitExceeded: 'throttled',
  RequestLimitExceeded: 'throttled',
  Throttling: 'throttled',
  UnauthorizedOperation: 'unauthorized',
  AuthFailure: 'unauthorized',
  UnsupportedOperation: 'unsupported',
  UnsupportedHibernationConfiguration: 'unsupported',
  InternalError: 'unavailable',
  Unavailable: 'unavailable',
}

const avoidTtlMs: Partial<Record<ProviderErrorKind, number>> = { insufficient_capacity: 180_000, price_too_low: 180_000, quota_exceeded: 600_000 }

/** What the data centre threw, as the port says it. Bugs pass unchanged: they are nobody's expected failure. */
export function classify(error: unknown, facts: CallFacts): unknown {
  if (isProviderError(error)) return error
  if (error instanceof ConnectionReset) {
    return providerError('unavailable', 'ECONNRESET', 'The connection to the cloud broke before its answer came.', {
      ...(facts.effect === 'once' ? { ambiguous: true } : {}),
      cause: error,
    })
  }
  if (!(error instanceof SimError)) return error
  const kind = kindOf(error)
  return providerError(kind, error.code, error.message, {
    httpStatus: error.status,
    ...avoidFor(kind, facts.offering),
    // A server error may come after the effect.
    ...(kind === 'unavailable' && facts.effect === 'once' ? { ambiguous: true } : {}),
    cause: error,
  })
}

/** Why an instance ended or stopped by itself; `undefined` when somebody wanted it. */
export function stateReasonError(
  reason: { readonly code: string; readonly message: string } | undefined,
  offering: Offering,
): ProviderError | undefined {
  if (!reason || reason.code.startsWith('Client.UserInitiated')) return undefined
  const preempted = reason.code.startsWith('Server.SpotInstance')
  const kind: ProviderErrorKind = preempted ? 'preempted' : reason.code.includes('InsufficientInstanceCapacity') ? 'insufficient_capacity' : 'unknown'
  return providerError(kind, reason.code, reason.message, preempted ? { avoid: { ...offering, ttlMs: 180_000 } } : avoidFor(kind, offering))
}

function avoidFor(kind: ProviderErrorKind, offering: Offering | undefined): { readonly avoid?: Offering & { readonly ttlMs: number } } {
  const ttlMs = avoidTtlMs[kind]
  return ttlMs === undefined || offering === undefined ? {} : { avoid: { ...offering, ttlMs } }
}

function kindOf(error: SimError): ProviderErrorKind {
  // "Not in this zone" is cured by another zone, as a lack of capacity is.
  if (error.code === 'Unsupported') return /availability zone/i.test(error.message) ? 'insufficient_capacity' : 'unsupported'
  const known = kinds[error.code]
  if (known) return known
  if (/NotFound$|^InvalidInstanceEventIDNotFound$/.test(error.code)) return 'not_found'
  if (/^Invalid|^Missing|^Validation|Malformed/.test(error.code)) return 'invalid'
  return error.status >= 500 ? 'unavailable' : 'unknown'
}
