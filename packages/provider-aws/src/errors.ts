import { addressRefusedCode, isProviderError, providerError } from '@understudy/provider'
import type { Offering, ProviderError, ProviderErrorKind } from '@understudy/provider'

/**
 * The only file that knows AWS error codes. Everything else branches on the kind.
 * Codes come without the `Exception` suffix that some services add and others do not.
 */
const codes: Readonly<Partial<Record<ProviderErrorKind, ReadonlySet<string>>>> = {
  not_found: new Set([
    'TargetGroupNotFound',
    'ListenerNotFound',
    'RuleNotFound',
    'LoadBalancerNotFound',
    'QueueDoesNotExist',
    'AWS.SimpleQueueService.NonExistentQueue',
    'InvalidInstanceID.NotFound',
    'InvalidVolume.NotFound',
    'InvalidSnapshot.NotFound',
    'InvalidAllocationID.NotFound',
    'InvalidGroup.NotFound',
    'InvalidGroupId.NotFound',
    'InvalidPermission.NotFound',
    'InvalidSubnetID.NotFound',
    'InvalidAMIID.NotFound',
    'InvalidAMIID.Unavailable',
    'InvalidPlacementGroup.Unknown',
    'InvocationDoesNotExist',
    'InvalidKeyPair.NotFound',
    'ResourceNotFound',
  ]),
  already_exists: new Set(['InvalidKeyPair.Duplicate', 'InvalidGroup.Duplicate', 'InvalidPermission.Duplicate']),
  conflict: new Set([
    'IncorrectInstanceState',
    'IncorrectState',
    'IncorrectSpotRequestState',
    'InvalidState',
    'InvalidInstanceState',
    'VolumeInUse',
    'DependencyViolation',
    'Resource.AlreadyAssociated',
    'ConcurrentTagAccess',
    'ResourceInUse',
    'InvalidSnapshot.InUse',
    'IdempotentInstanceTerminated',
    // Of Systems Manager: its agent is not there, or not yet.
    'InvalidInstanceId',
  ]),
  protected: new Set(['OperationNotPermitted']),
  idempotency_mismatch: new Set(['IdempotentParameterMismatch']),
  insufficient_capacity: new Set([
    'InsufficientInstanceCapacity',
    'InsufficientHostCapacity',
    'InsufficientCapacity',
    'InsufficientReservedInstanceCapacity',
    'InsufficientCapacityOnHost',
    'InsufficientVolumeCapacity',
    'InsufficientAddressCapacity',
    'UnfulfillableCapacity',
    'ReservationCapacityExceeded',
    'InsufficientFreeAddressesInSubnet',
  ]),
  price_too_low: new Set(['SpotMaxPriceTooLow']),
  quota_exceeded: new Set([
    'VcpuLimitExceeded',
    'InstanceLimitExceeded',
    'MaxSpotInstanceCountExceeded',
    'MaxFleetCountExceeded',
    'VolumeLimitExceeded',
    'MaxIOPSLimitExceeded',
    'SnapshotLimitExceeded',
    'PendingSnapshotLimitExceeded',
    'ConcurrentSnapshotLimitExceeded',
    'AddressLimitExceeded',
    'TagLimitExceeded',
    'TooManyTargets',
    'TooManyRegistrationsForTargetId',
    'TooManyTargetGroups',
    'TargetGroupAssociationLimit',
    'TooManyUniqueTargetGroupsPerLoadBalancer',
  ]),
  throttled: new Set([
    'RequestLimitExceeded',
    'Throttling',
    'Throttled',
    'ThrottlingException',
    'ThrottledException',
    'RequestThrottled',
    'EC2Throttled',
    'TooManyRequests',
    'BandwidthLimitExceeded',
    'ConcurrentLimitExceeded',
    'SlowDown',
    'SnapshotCreationPerVolumeRateExceeded',
    'PriorRequestNotComplete',
    // As many copies of snapshots as a region takes at once: it passes when one of them is complete.
    'ResourceLimitExceeded',
  ]),
  unauthorized: new Set([
    'UnauthorizedOperation',
    'AccessDenied',
    'AuthFailure',
    'InvalidClientTokenId',
    'InvalidAccessKeyId',
    'SignatureDoesNotMatch',
    'IncompleteSignature',
    'ExpiredToken',
    'RequestExpired',
    'MissingAuthenticationToken',
    'UnrecognizedClient',
    'InvalidSecurity',
    'OptInRequired',
    'Blocked',
    'PendingVerification',
    'CredentialsProviderError',
    'TokenProviderError',
    'KMSAccessDenied',
  ]),
  unsupported: new Set([
    'Unsupported',
    'UnsupportedOperation',
    'UnsupportedHibernationConfiguration',
    'UnsupportedInstanceAttribute',
    'InvalidAction',
  ]),
  unavailable: new Set(['InternalError', 'InternalFailure', 'Internal', 'ServiceUnavailable', 'Unavailable', 'ServerInternal', 'InternalServer']),
}

/** Network failures that happen before a byte of the request has left: the call cannot have taken effect. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

const minuteMs = 60_000
/** How long an offering that was refused is left alone. Three minutes is what schedulers of spot fleets use for capacity. */
const avoidTtlMs = { capacity: 3 * minuteMs, price: 3 * minuteMs, quota: 10 * minuteMs } as const

/**
 * What the failed call would have done, which decides whether its loss is ambiguous:
 * `read` nothing · `repeatable` the same state again · `token` guarded by a client token · `once` a second thing.
 */
export type CallEffect = 'read' | 'repeatable' | 'token' | 'once'

export interface CallFacts {
  readonly effect: CallEffect
  readonly offering?: Offering | undefined
  /** Texts that must not appear in anything thrown. */
  readonly secrets?: readonly string[]
}

/** Any error of the SDK, or of the network below it, as a `ProviderError`. A `ProviderError` passes unchanged. */
export function classify(error: unknown, facts: CallFacts): ProviderError {
  if (isProviderError(error)) return error
  const redact = redactor(facts.secrets ?? [])
  const seen = readSdkError(error, redact)
  const cause = redactedCause(error, seen, redact)
  if (seen.aborted) return abortedError(cause, facts.effect === 'once')
  const kind = kindOf(seen)
  const lost = kind === 'unavailable' && !neverSent.has(seen.code)
  const avoid = avoidFor(seen.code, kind, facts.offering)
  return providerError(kind, seen.code, seen.message, {
    ...(seen.httpStatus === undefined ? {} : { httpStatus: seen.httpStatus }),
    ...(seen.requestId === undefined ? {} : { requestId: seen.requestId }),
    ...(seen.retryAfterMs === undefined ? {} : { retryAfterMs: seen.retryAfterMs }),
    ...(avoid === undefined ? {} : { avoid }),
    ...(lost && facts.effect === 'once' ? { ambiguous: true } : {}),
    cause,
  })
}

/** The same error, saying what not to ask for: for calls whose batch knew several offerings. */
export function withOffering(error: unknown, offering: Offering): unknown {
  if (!isProviderError(error) || error.shape.avoid !== undefined) return error
  const avoid = avoidFor(error.shape.nativeCode, error.kind, offering)
  if (avoid === undefined) return error
  const { kind, nativeCode, message, retryable: _follows, ...rest } = error.shape
  return providerError(kind, nativeCode, message, { ...rest, avoid, cause: error.cause })
}

/** The caller's signal aborted before the cloud answered. */
export const abortedError = (cause: unknown, ambiguous = false): ProviderError =>
  providerError('unavailable', 'Aborted', 'The call was given up because its time had run out.', { ...(ambiguous ? { ambiguous } : {}), cause })

/** What became of an instance by itself, from EC2's `StateReason`. `undefined`: nothing that counts as a failure. */
export function stateReasonError(
  reason: { readonly code: string; readonly message: string } | undefined,
  offering: Offering | undefined,
): ProviderError | undefined {
  if (reason === undefined) return undefined
  const [side, code = ''] = reason.code.split(/\.(.*)/s)
  if (code === 'SpotInstanceTermination' || code === 'SpotInstanceShutdown' || code === 'SpotInstanceHibernation') {
    return providerError('preempted', reason.code, reason.message || 'EC2 took the spot instance back.', {
      ...(offering === undefined ? {} : { avoid: { ...offering, ttlMs: avoidTtlMs.capacity } }),
    })
  }
  if (side === 'Client' && (code.startsWith('UserInitiated') || code.startsWith('InstanceInitiated'))) return undefined
  const kind = kindOf({ code, message: reason.message, httpStatus: side === 'Server' ? 500 : 400, network: false })
  const avoid = avoidFor(code, kind, offering)
  return providerError(kind, reason.code, reason.message || `EC2 ended the instance: ${reason.code}.`, avoid === undefined ? {} : { avoid })
}

/** Who ended or stopped an instance, as far as EC2's `StateReason` tells. */
export function causeOfStateReason(code: string | undefined): 'platform' | 'user' | 'unknown' {
  if (code === undefined || code === '') return 'unknown'
  if (code.startsWith('Server.')) return 'platform'
  if (code.startsWith('Client.UserInitiated') || code.startsWith('Client.InstanceInitiated')) return 'user'
  return code === 'Client.InternalError' ? 'platform' : 'unknown'
}

/** True for errors that one bad member of a batch causes for all of them: the batch is then split. */
export const isBadMember = (error: unknown): boolean =>
  isProviderError(error, 'not_found', 'protected', 'conflict', 'invalid', 'unsupported', 'insufficient_capacity', 'quota_exceeded')

interface SeenError {
  readonly code: string
  readonly message: string
  readonly httpStatus?: number | undefined
  readonly requestId?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly network: boolean
  readonly aborted?: boolean
}

function readSdkError(error: unknown, redact: Redact): SeenError {
  if (!(error instanceof Error)) return { code: 'Unknown', message: 'The cloud call failed without an error.', network: false }
  const fields = error as Error & {
    code?: unknown
    Reason?: unknown
    $metadata?: { httpStatusCode?: number; requestId?: string }
    $response?: { headers?: Record<string, string> }
  }
  const { httpStatusCode, requestId } = fields.$metadata ?? {}
  const network = fields.$metadata?.httpStatusCode === undefined && (typeof fields.code === 'string' || error.name === 'TimeoutError')
  const nativeCode = network && typeof fields.code === 'string' ? fields.code : error.name
  const retryAfterSeconds = Number(fields.$response?.headers?.['retry-after'])
  return {
    // The EBS direct APIs have one name for everything that is wrong with a request, and say beside it what.
    code:
      nativeCode.replace(/(?<=.)Exception$/, '') +
      (error.name === 'ValidationException' && typeof fields.Reason === 'string' ? `.${fields.Reason}` : ''),
    message: redact(error.message) || nativeCode,
    httpStatus: httpStatusCode,
    requestId,
    retryAfterMs: Number.isFinite(retryAfterSeconds) && retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : undefined,
    network,
    aborted: error.name === 'AbortError' || error.name === 'DeadlineExceeded',
  }
}

function kindOf({ code, message, httpStatus, network }: SeenError): ProviderErrorKind {
  // EC2 answers `Unsupported` both for "not in this zone", which another zone cures, and for "never".
  if (code === 'Unsupported' && /availability zone/i.test(message)) return 'insufficient_capacity'
  // EC2 documents no code for the eighth instance of a spread group in a zone.
  if (/placement group/i.test(message) && /limit|maximum|exceed|insufficient/i.test(message)) return 'insufficient_capacity'
  for (const [kind, set] of Object.entries(codes)) {
    if (set.has(code)) return kind as ProviderErrorKind // the keys of `codes` are kinds
  }
  if (code === addressRefusedCode) return 'invalid'
  if (network || code === 'TimeoutError') return 'unavailable'
  if (code.endsWith('.NotFound')) return 'not_found'
  if (code.endsWith('.Duplicate')) return 'already_exists'
  if (/^(Invalid|Malformed|Missing|Validation|Parameter|UnknownParameter)/.test(code)) return 'invalid'
  if (httpStatus === undefined) return 'unknown'
  if (httpStatus === 429) return 'throttled'
  if (httpStatus === 401 || httpStatus === 403) return 'unauthorized'
  return httpStatus >= 500 ? 'unavailable' : 'unknown'
}

function avoidFor(code: string, kind: ProviderErrorKind, offering: Offering | undefined): (Offering & { ttlMs: number }) | undefined {
  if (offering === undefined) return undefined
  if (kind === 'insufficient_capacity') {
    // A subnet without addresses is full for every type.
    if (code === 'InsufficientFreeAddressesInSubnet') {
      return offering.zone === undefined ? undefined : { zone: offering.zone, ttlMs: avoidTtlMs.capacity }
    }
    return { ...offering, ttlMs: avoidTtlMs.capacity }
  }
  if (kind === 'price_too_low') return { ...offering, purchase: 'spot', ttlMs: avoidTtlMs.price }
  if (kind !== 'quota_exceeded') return undefined
  // Quotas count across the region: no other zone helps.
  if (code === 'MaxSpotInstanceCountExceeded') return { purchase: 'spot', ttlMs: avoidTtlMs.quota }
  if (code !== 'VcpuLimitExceeded' && code !== 'InstanceLimitExceeded') return undefined
  return {
    ...(offering.instanceType === undefined ? {} : { instanceType: offering.instanceType }),
    ...(offering.purchase === undefined ? {} : { purchase: offering.purchase }),
    ttlMs: avoidTtlMs.quota,
  }
}

type Redact = (text: string) => string

/**
 * Access key ids, signatures and session tokens can be quoted in a cloud's own message. Those of the default chain are not
 * known here; the patterns find key ids, what stands behind a telling name, and texts as long as only a token is.
 */
function redactor(secrets: readonly string[]): Redact {
  return (text) => {
    let redacted = text
    for (const secret of secrets) redacted = redacted.replaceAll(secret, '[redacted]')
    return redacted
      .replace(/Encoded authorization failure message: \S+/, 'See the encoded authorization failure message in the log of AWS.')
      .replace(/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g, '[redacted]')
      .replace(/(Credential=|Signature=|X-Amz-Security-Token[=:]\s*|AWSAccessKeyId[=:]\s*)[^\s,&'"]+/gi, '$1[redacted]')
      .replace(/[A-Za-z0-9/+=]{100,}/g, '[redacted]')
  }
}

/** The SDK's error carries its request, headers included; the log gets name, message, code and stack instead. */
function redactedCause(error: unknown, seen: SeenError, redact: Redact): Error {
  const cause = new Error(seen.message)
  cause.name = error instanceof Error ? error.name : 'NonError'
  if (error instanceof Error && error.stack !== undefined) cause.stack = redact(error.stack)
  return cause
}
