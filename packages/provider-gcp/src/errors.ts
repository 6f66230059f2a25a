import { addressRefusedCode, isProviderError, providerError } from '@understudy/provider'
import type { Offering, ProviderError, ProviderErrorKind } from '@understudy/provider'

/**
 * The only file that knows Google's error codes. They come in three shapes: the JSON of a refused request as text in the
 * error's message (`reason`), an error of gax whose `code` is gRPC's number, and the errors inside an operation that was
 * accepted and failed (`code`). Nothing is decided on the number alone: 403 is a permission, a quota or a rate limit.
 */
const codes: Readonly<Partial<Record<ProviderErrorKind, ReadonlySet<string>>>> = {
  not_found: new Set(['notFound', 'RESOURCE_NOT_FOUND', 'NOT_FOUND']),
  already_exists: new Set(['alreadyExists', 'duplicate', 'RESOURCE_ALREADY_EXISTS', 'ALREADY_EXISTS']),
  conflict: new Set([
    'conditionNotMet',
    'CONDITION_NOT_MET',
    'resourceNotReady',
    'RESOURCE_NOT_READY',
    'resourceInUseByAnotherResource',
    'RESOURCE_IN_USE_BY_ANOTHER_RESOURCE',
    'invalidResourceUsage',
    'INVALID_RESOURCE_USAGE',
  ]),
  invalid: new Set(['invalid', 'required', 'badRequest', 'parseError', 'INVALID_FIELD_VALUE', 'INVALID_USAGE', 'INVALID_ARGUMENT']),
  unsupported: new Set(['UNSUPPORTED_OPERATION', 'unsupportedOperation']),
  insufficient_capacity: new Set([
    'ZONE_RESOURCE_POOL_EXHAUSTED',
    'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS',
    'REGION_RESOURCE_POOL_EXHAUSTED',
    'IP_SPACE_EXHAUSTED',
    'IP_SPACE_EXHAUSTED_WITH_DETAILS',
  ]),
  quota_exceeded: new Set(['quotaExceeded', 'QUOTA_EXCEEDED', 'limitExceeded']),
  throttled: new Set([
    'rateLimitExceeded',
    'userRateLimitExceeded',
    'RATE_LIMIT_EXCEEDED',
    'RESOURCE_OPERATION_RATE_EXCEEDED',
    'resourceOperationRateExceeded',
  ]),
  unauthorized: new Set([
    'forbidden',
    'authError',
    'required_login',
    'accessNotConfigured',
    'PERMISSION_DENIED',
    'IAM_PERMISSION_DENIED',
    'UNAUTHENTICATED',
    'SERVICE_DISABLED',
  ]),
  unavailable: new Set(['backendError', 'internalError', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'serviceUnavailable']),
}

/** Our choice: Google says nothing about when a pool fills up again. */
const avoidTtlMs = { capacity: 300_000, quota: 600_000 } as const
/** Quotas of calls are refilled at the turn of the minute. */
const minuteMs = 60_000
const networkCodes = new Set(['ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_SOCKET', 'ECONNABORTED'])

/** `once`: losing the answer leaves the caller in doubt. With a request id or a declared state a call is `repeatable`. */
export type CallEffect = 'read' | 'repeatable' | 'once'
export interface CallFacts {
  readonly effect: CallEffect
  readonly offering?: Offering | undefined
  readonly secrets: readonly string[]
}

interface SeenError {
  readonly code: string
  readonly message: string
  readonly httpStatus?: number | undefined
}

/** What a call has thrown, as the port says it. */
export function classify(error: unknown, { effect, offering, secrets }: CallFacts): ProviderError {
  if (isProviderError(error)) return error
  const seen = seenIn(error)
  const kind = kindOf(seen)
  const message = redact(seen.message, secrets)
  const cause = new Error(message)
  if (error instanceof Error && error.stack !== undefined) cause.stack = redact(error.stack, secrets)
  return errorOf(kind, { ...seen, message }, offering, { ambiguous: kind === 'unavailable' && effect === 'once', cause })
}

/** The first error of an operation that was accepted and has failed. */
export function operationError(
  failure: { readonly code?: string | null; readonly message?: string | null },
  httpStatus: number | null | undefined,
  offering?: Offering,
): ProviderError {
  const seen = {
    code: failure.code ?? 'UNKNOWN',
    message: failure.message ?? 'The operation failed and Google did not say why.',
    httpStatus: httpStatus ?? undefined,
  }
  return errorOf(kindOf(seen), seen, offering, {})
}

/** No answer came, as far as we know. */
export const isLostConnection = (error: unknown): boolean => isProviderError(error, 'unavailable') && networkCodes.has(error.shape.nativeCode)

export const abortedError = (cause: unknown): ProviderError =>
  providerError('unavailable', 'Aborted', 'The call was given up because its time had run out.', { ambiguous: true, cause })

function errorOf(
  kind: ProviderErrorKind,
  { code, message, httpStatus }: SeenError,
  offering: Offering | undefined,
  more: { readonly ambiguous?: boolean; readonly cause?: unknown },
): ProviderError {
  const avoid = avoidFor(code, kind, offering)
  return providerError(kind, code, message, {
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(kind === 'throttled' ? { retryAfterMs: minuteMs } : {}),
    ...(avoid === undefined ? {} : { avoid }),
    ...(more.ambiguous === true ? { ambiguous: true } : {}),
    ...(more.cause === undefined ? {} : { cause: more.cause }),
  })
}

function kindOf({ code, message, httpStatus }: SeenError): ProviderErrorKind {
  // A protected instance is refused as one that is used wrongly; only the sentence tells.
  if (/protected against deletion|deletion ?protection/i.test(message)) return 'protected'
  if (/rate ?limit exceeded|quota exceeded for quota (metric|group)/i.test(message) && httpStatus !== 404) return 'throttled'
  // Of sole-tenant nodes: as a condition that is not met, which says nothing.
  if (/no feasible nodes/i.test(message)) return 'insufficient_capacity'
  for (const [kind, set] of Object.entries(codes)) {
    if (set.has(code)) return kind as ProviderErrorKind // the keys of `codes` are kinds
  }
  if (code === addressRefusedCode) return 'invalid'
  if (networkCodes.has(code)) return 'unavailable'
  if (httpStatus === undefined) return 'unknown'
  if (httpStatus === 400) return 'invalid'
  if (httpStatus === 401 || httpStatus === 403) return /quota/i.test(message) ? 'quota_exceeded' : 'unauthorized'
  if (httpStatus === 404) return 'not_found'
  if (httpStatus === 409) return /already exists/i.test(message) ? 'already_exists' : 'conflict'
  if (httpStatus === 412) return 'conflict'
  if (httpStatus === 429) return 'throttled'
  return httpStatus >= 500 ? 'unavailable' : 'unknown'
}

function avoidFor(code: string, kind: ProviderErrorKind, offering: Offering | undefined): (Offering & { ttlMs: number }) | undefined {
  if (offering === undefined) return undefined
  if (kind === 'insufficient_capacity') {
    // A subnet without addresses is full for every type.
    if (code.startsWith('IP_SPACE_EXHAUSTED')) return offering.zone === undefined ? undefined : { zone: offering.zone, ttlMs: avoidTtlMs.capacity }
    return { ...offering, ttlMs: avoidTtlMs.capacity }
  }
  // Quotas count across the region: no other zone helps.
  if (kind !== 'quota_exceeded' || offering.instanceType === undefined) return undefined
  return { instanceType: offering.instanceType, ...(offering.purchase === undefined ? {} : { purchase: offering.purchase }), ttlMs: avoidTtlMs.quota }
}

const httpOfGrpc: Readonly<Record<number, number>> = { 3: 400, 5: 404, 7: 403, 8: 429, 9: 412, 10: 409, 13: 500, 14: 503, 16: 401 }

function seenIn(error: unknown): SeenError {
  if (!(error instanceof Error)) return { code: 'NonError', message: String(error) }
  const { code, httpStatusCode, reason, cause } = error as Error & { code?: unknown; httpStatusCode?: unknown; reason?: unknown }
  const document = documentIn(error.message)
  if (document !== undefined) {
    const [first] = document.errors
    return { code: first?.reason ?? document.status ?? String(document.code), message: document.message, httpStatus: document.code }
  }
  if (typeof httpStatusCode === 'number')
    return { code: typeof reason === 'string' ? reason : String(httpStatusCode), message: error.message, httpStatus: httpStatusCode }
  const number = typeof code === 'number' ? code : typeof code === 'string' && /^\d+$/.test(code) ? Number(code) : undefined
  if (number !== undefined)
    return {
      code: typeof reason === 'string' ? reason : String(number),
      message: error.message,
      httpStatus: number >= 100 ? number : httpOfGrpc[number],
    }
  // A connection that broke: Node's own code, wherever the library has put it.
  const inner = typeof code === 'string' ? code : cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
  const network = inner ?? /\b(ECONNRESET|ECONNREFUSED|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN)\b/.exec(error.message)?.[1]
  if (network !== undefined) return { code: network, message: error.message }
  return /socket hang up|premature close|fetch failed/i.test(error.message)
    ? { code: 'ECONNRESET', message: error.message }
    : { code: error.name, message: error.message }
}

interface ErrorDocument {
  readonly code: number
  readonly message: string
  readonly status?: string
  readonly errors: readonly { readonly reason?: string }[]
}

/** The body of a refused request, which this version of the SDK hands on as text. */
function documentIn(text: string): ErrorDocument | undefined {
  const start = text.indexOf('{')
  if (start < 0) return undefined
  try {
    const parsed: unknown = JSON.parse(text.slice(start))
    if (!isObject(parsed) || !isObject(parsed['error'])) return undefined
    const { code, message, status, errors } = parsed['error']
    if (typeof code !== 'number') return undefined
    return {
      code,
      message: typeof message === 'string' ? message : `HTTP ${code}`,
      ...(typeof status === 'string' ? { status } : {}),
      errors: Array.isArray(errors) ? errors.filter(isObject).map(({ reason }) => (typeof reason === 'string' ? { reason } : {})) : [],
    }
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Tokens and keys must not reach a log by way of a message. */
function redact(text: string, secrets: readonly string[]): string {
  let redacted = text
  for (const secret of secrets) redacted = redacted.replaceAll(secret, '[redacted]')
  return redacted.replace(/ya29\.[\w-]+/g, '[redacted]').replace(/Bearer\s+\S+/gi, 'Bearer [redacted]')
}
