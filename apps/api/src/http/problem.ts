import type { Problem } from '@understudy/contract'
import { AppError, errorTable, isAppError } from '@understudy/core'
import type { ErrorKind } from '@understudy/core'
import { ProviderError } from '@understudy/provider'
import type { ProviderErrorKind } from '@understudy/provider'

const providerKinds: Record<ProviderErrorKind, ErrorKind> = {
  not_found: 'provider_rejected',
  already_exists: 'provider_rejected',
  conflict: 'provider_rejected',
  invalid: 'provider_rejected',
  unsupported: 'unsupported',
  protected: 'provider_rejected',
  insufficient_capacity: 'insufficient_capacity',
  price_too_low: 'insufficient_capacity',
  quota_exceeded: 'quota_exceeded',
  throttled: 'provider_unavailable',
  unauthorized: 'provider_unauthorized',
  unavailable: 'provider_unavailable',
  preempted: 'insufficient_capacity',
  idempotency_mismatch: 'provider_rejected',
  unknown: 'provider_unavailable',
}

const frameworkKinds: Record<string, readonly [ErrorKind, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'The body is larger than this route takes. Send less.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send JSON, with content-type: application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'The body is not as long as content-length says.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The path is not a valid URL: check its percent-encoding.'],
  FST_ERR_ASYNC_CONSTRAINT: ['invalid_request', 'The request cannot be routed.'],
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  '57P01',
  '57P03',
  '53300',
  'P1001',
  'P1002',
  'P1017',
  'P2024',
])
const generic = 'Something went wrong on our side. Try again; when it stays, give the requestId to whoever runs this service.'

/** Any error as one that may be shown. What is not an expected failure becomes `internal`, with nothing of its text. */
export function publicError(error: unknown): AppError {
  if (isAppError(error)) return error.kind === 'internal' ? new AppError('internal', generic, { cause: error }) : error
  if (error instanceof ProviderError) {
    return new AppError(providerKinds[error.kind], `The cloud answered ${error.shape.nativeCode}: ${error.message}`, { cause: error })
  }
  const framework = frameworkKinds[codeOf(error) ?? '']
  if (framework !== undefined) return new AppError(framework[0], framework[1], { cause: error })
  if (causes(error).some((cause) => connectionCodes.has(codeOf(cause) ?? ''))) {
    return new AppError('unavailable', 'The service cannot reach its database at the moment. Try again shortly.', { cause: error })
  }
  return new AppError('internal', generic, { cause: error })
}

export function problemOf(error: AppError, request: { readonly id: string; readonly url: string }, errorsUrl: string): Problem {
  const row = errorTable[error.kind]
  const { operationId, nearest, alternatives } = error.details
  return {
    type: `${errorsUrl}#${error.kind}`,
    title: row.title,
    status: row.status,
    detail: error.message,
    instance: pathOf(request.url),
    code: error.kind,
    requestId: request.id,
    retryable: row.retry === 'later',
    ...(typeof operationId === 'string' ? { operationId } : {}),
    ...(Array.isArray(alternatives) ? { alternatives: alternatives as NonNullable<Problem['alternatives']> } : {}), // as whoever throws it promises
    ...(typeof nearest === 'object' && nearest !== null ? { nearest: nearest as NonNullable<Problem['nearest']> } : {}), // JSON, as whoever throws it promises
    ...(error.errors.length > 0 ? { errors: error.errors.map(({ pointer, message }) => ({ pointer, message })) } : {}),
  }
}

/** Without the query, which may hold more than people want in a log. */
const pathOf = (url: string): string => url.split('?', 1)[0] ?? url

function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function causes(error: unknown): unknown[] {
  const found: unknown[] = []
  for (let at: unknown = error; at instanceof Error && found.length < 8; at = at.cause) found.push(at)
  return found
}
