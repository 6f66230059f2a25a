import { addressRefusedCode, isProviderError, providerError } from '@understudy/provider'
import type { Offering, ProviderError, ProviderErrorKind } from '@understudy/provider'
import type { Captured } from './capture.ts'

/** The only file that knows Azure's error codes. Everything else branches on the kind. */
const codes: Readonly<Partial<Record<ProviderErrorKind, ReadonlySet<string>>>> = {
  not_found: new Set([
    'ResourceNotFound',
    'ResourceGroupNotFound',
    'NotFound',
    'ParentResourceNotFound',
    'SubscriptionNotFound',
    'InvalidResourceReference',
  ]),
  already_exists: new Set(['PreconditionFailed', 'ResourceAlreadyExists']),
  insufficient_capacity: new Set([
    'AllocationFailed',
    'ZonalAllocationFailed',
    'OverconstrainedAllocationRequest',
    'OverconstrainedZonalAllocationRequest',
    'SkuNotAvailable',
    'CapacityRestricted',
  ]),
  price_too_low: new Set(['SpotPriceGreaterThanProvidedMaxPrice']),
  quota_exceeded: new Set(['QuotaExceeded', 'ResourceQuotaExceeded', 'MaxStorageAccountsCountPerSubscriptionExceeded', 'PublicIPCountLimitReached']),
  protected: new Set(['ScopeLocked']),
  conflict: new Set([
    'Conflict',
    'OperationNotAllowed',
    'OperationPreempted',
    'AttachDiskWhileBeingAttached',
    'DiskIsAttachedToVM',
    'NicInUse',
    'PublicIPAddressInUse',
    'InUseNetworkSecurityGroupCannotBeDeleted',
    'AnotherOperationInProgress',
  ]),
  throttled: new Set(['TooManyRequests', 'SubscriptionRequestsThrottled', 'ResourceRequestsThrottled', 'RetryableErrorDueToAnotherOperation']),
  unauthorized: new Set([
    'AuthorizationFailed',
    'LinkedAuthorizationFailed',
    'InvalidAuthenticationToken',
    'InvalidAuthenticationTokenTenant',
    'ExpiredAuthenticationToken',
    'AuthenticationFailed',
    'RequestDisallowedByPolicy',
  ]),
  unsupported: new Set([
    'VMPriorityCannotBeApplied',
    'AzureSpotVMNotSupportedInAvailabilitySet',
    'NoRegisteredProviderFound',
    'InvalidApiVersionParameter',
  ]),
  unavailable: new Set([
    'ServiceUnavailable',
    'InternalServerError',
    'InternalExecutionError',
    'InternalOperationError',
    'ServerTimeout',
    'GatewayTimeout',
    'OperationTimedOut',
  ]),
  invalid: new Set([
    'InvalidParameter',
    'InvalidRequestContent',
    'BadRequest',
    'InvalidRequestFormat',
    'MaxPriceChangeNotAllowedForAllocatedVMs',
    // Whatever the state: it will not be allowed later either.
    'PropertyChangeNotAllowed',
    'InvalidTemplate',
  ]),
}

/** Failures of the network before a byte of the request has left: the call cannot have taken effect. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
])

const hour = 3_600_000
const avoidMs: Readonly<Partial<Record<ProviderErrorKind, number>>> = {
  insufficient_capacity: hour,
  quota_exceeded: hour / 6,
  price_too_low: hour / 6,
}

/** The credentials' own word for an authority that does not answer as one, or that does not know the tenant. */
const noAuthority = /^endpoints_resolution_error\b/

/** OAuth's words for credentials that are wrong or have expired; the SDK has them in the message. */
const refusedCredential = /^(invalid_client|unauthorized_client|invalid_grant|invalid_request|access_denied)\b/

/** A failed operation's error has lost its code on the way through the SDK; its message still begins with it. */
const lostCode = /^The long-running operation has (?:failed|been canceled)\.\s*([A-Za-z0-9]+)\./

interface Seen {
  readonly code: string
  readonly status: number | undefined
  readonly message: string
  readonly details: readonly { readonly code: string; readonly message: string }[]
}

/**
 * What Azure's refusal means. `captured` is what the wire showed of it: the SDK drops the code of failed operations and the
 * inner `details` of all errors, where the quota that was passed is told from a state that does not allow the call.
 */
export function translate(error: unknown, captured: Captured, offering?: Offering): ProviderError {
  if (isProviderError(error)) return error
  const seen = seenIn(error, captured)
  const kind = kindOf(seen)
  const ttlMs = avoidMs[kind]
  const unsure = seen.status === undefined && !neverSent.has(seen.code) && seen.code !== addressRefusedCode && kind === 'unavailable'
  return providerError(kind, nativeCodeOf(seen), seen.message, {
    cause: error,
    ...(seen.status === undefined ? {} : { httpStatus: seen.status }),
    ...(captured.requestId === undefined ? {} : { requestId: captured.requestId }),
    ...(captured.retryAfterMs === undefined || (kind !== 'throttled' && kind !== 'unavailable') ? {} : { retryAfterMs: captured.retryAfterMs }),
    ...(ttlMs === undefined || offering === undefined ? {} : { avoid: { ...offering, ttlMs } }),
    // A gateway that gave up has not said whether Azure did.
    ...(unsure || (seen.status !== undefined && [502, 504].includes(seen.status)) ? { ambiguous: true } : {}),
  })
}

function seenIn(error: unknown, captured: Captured): Seen {
  if (captured.refused !== undefined) return { code: addressRefusedCode, status: undefined, message: captured.refused, details: [] }
  const { code, statusCode, name } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown
    statusCode?: unknown
    name?: unknown
  } // an SDK's error: read, not trusted
  const message = error instanceof Error ? error.message : String(error)
  const { unreachable } = captured
  if (unreachable !== undefined && captured.status === undefined)
    return { code: unreachable.code, status: undefined, message: `${unreachable.host} cannot be reached (${unreachable.code})`, details: [] }
  if (noAuthority.test(message))
    return { code: 'endpoints_resolution_error', status: undefined, message: 'The authority does not know the tenant, or is none', details: [] }
  const named = name === 'AbortError' || name === 'AuthenticationError' || name === 'CredentialUnavailableError' ? name : ''
  const told = refusedCredential.exec(message)?.[1] ?? lostCode.exec(message)?.[1] ?? named
  const own = typeof code === 'string' ? code : told
  return {
    code: captured.error?.code ?? own,
    status: captured.status ?? (typeof statusCode === 'number' ? statusCode : undefined),
    message: captured.error?.message ?? firstLine(message),
    details: captured.error?.details ?? [],
  }
}

/** Credentials' errors have pages of text, and trace ids of the authority. */
const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 500)

function kindOf({ code, status, message, details }: Seen): ProviderErrorKind {
  const words = [code, ...details.map((detail) => detail.code)]
  const text = [message, ...details.map((detail) => detail.message)].join(' ')
  if (code === addressRefusedCode) return 'invalid'
  if (
    refusedCredential.test(message) ||
    code === 'endpoints_resolution_error' ||
    code === 'AuthenticationError' ||
    code === 'AuthenticationRequiredError' ||
    code === 'CredentialUnavailableError'
  )
    return 'unauthorized'
  if (status === 429) return 'throttled'
  // One code for three things: a limit that was passed, and what the state or the kind of the VM does not allow.
  if (words.includes('OperationNotAllowed') && /quota/i.test(text)) return 'quota_exceeded'
  if (words.includes('OperationNotAllowed') && /hibernat\w+ is not supported|cannot be hibernated/i.test(text)) return 'unsupported'
  for (const [kind, known] of Object.entries(codes)) {
    if (words.some((word) => known.has(word))) return kind as ProviderErrorKind // the table's own keys
  }
  return kindByStatus(status)
}

function kindByStatus(status: number | undefined): ProviderErrorKind {
  switch (status) {
    case undefined:
      return 'unavailable'
    case 400:
      return 'invalid'
    case 401:
    case 403:
      return 'unauthorized'
    case 404:
      return 'not_found'
    case 409:
      return 'conflict'
    case 412:
      return 'already_exists'
    default:
      return status >= 500 ? 'unavailable' : 'unknown'
  }
}

const nativeCodeOf = ({ code, status }: Seen): string => (code !== '' ? code : status === undefined ? 'NetworkError' : `Http${status}`)
