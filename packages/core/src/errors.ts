/**
 * The closed set of things that can go wrong for a caller. A new kind is added only when a *program* has to tell the cases
 * apart; the table below then refuses to compile until its row exists, and `docs/errors.md` needs a heading (a test says so).
 */
export const errorKinds = [
  'invalid_request',
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
  'unauthenticated',
  'forbidden',
  'not_found',
  'route_not_found',
  'method_not_allowed',
  'already_exists',
  'conflict',
  'precondition_required',
  'precondition_failed',
  'idempotency_key_required',
  'idempotency_key_reused',
  'idempotency_in_progress',
  'plan_stale',
  'point_damaged',
  'verification_failed',
  'held',
  'busy',
  'too_late',
  'unsupported',
  'no_usable_shadow',
  'insufficient_capacity',
  'quota_exceeded',
  'provider_rejected',
  'provider_unauthorized',
  'provider_unavailable',
  'destination_refused',
  'rate_limited',
  'deadline_exceeded',
  'unavailable',
  'internal',
] as const
export type ErrorKind = (typeof errorKinds)[number]

/** What a caller may do: nothing, try the same again later, or change something first. */
export type Retry = 'no' | 'later' | 'after_change'
export interface ErrorRow {
  readonly status: number
  readonly title: string
  readonly retry: Retry
}

export const errorTable: Record<ErrorKind, ErrorRow> = {
  invalid_request: { status: 400, title: 'The request is not valid', retry: 'after_change' },
  malformed_json: { status: 400, title: 'The body is not JSON', retry: 'after_change' },
  payload_too_large: { status: 413, title: 'The body is too large', retry: 'after_change' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported', retry: 'after_change' },
  unauthenticated: { status: 401, title: 'A valid API key is required', retry: 'after_change' },
  forbidden: { status: 403, title: 'The role of this key does not allow this', retry: 'after_change' },
  not_found: { status: 404, title: 'Not found', retry: 'after_change' },
  route_not_found: { status: 404, title: 'No such route', retry: 'after_change' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here', retry: 'after_change' },
  already_exists: { status: 409, title: 'It exists already', retry: 'after_change' },
  conflict: { status: 409, title: 'The state does not allow this', retry: 'after_change' },
  precondition_required: { status: 428, title: 'If-Match is required', retry: 'after_change' },
  precondition_failed: { status: 412, title: 'It has changed since you read it', retry: 'after_change' },
  idempotency_key_required: { status: 400, title: 'Idempotency-Key is required', retry: 'after_change' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for another request', retry: 'after_change' },
  idempotency_in_progress: { status: 409, title: 'The first request with this Idempotency-Key is still running', retry: 'later' },
  plan_stale: { status: 409, title: 'The world has moved since the plan was made', retry: 'after_change' },
  point_damaged: { status: 409, title: 'The recovery point is not what was kept', retry: 'after_change' },
  verification_failed: { status: 409, title: 'What came back does not pass its checks', retry: 'after_change' },
  held: { status: 409, title: 'A person holds this resource', retry: 'after_change' },
  busy: { status: 409, title: 'Another operation works on this resource', retry: 'later' },
  too_late: { status: 409, title: 'The point of no return has passed', retry: 'no' },
  unsupported: { status: 422, title: 'The provider cannot do this', retry: 'after_change' },
  no_usable_shadow: { status: 409, title: 'No shadow can take over', retry: 'later' },
  insufficient_capacity: { status: 503, title: 'The cloud has no capacity', retry: 'later' },
  quota_exceeded: { status: 422, title: 'A quota of the cloud account is exhausted', retry: 'after_change' },
  provider_rejected: { status: 422, title: 'The cloud refused the request', retry: 'after_change' },
  provider_unauthorized: { status: 422, title: 'The cloud refused the credentials', retry: 'after_change' },
  provider_unavailable: { status: 502, title: 'The cloud does not answer', retry: 'later' },
  destination_refused: { status: 422, title: 'The destination address is not allowed', retry: 'after_change' },
  rate_limited: { status: 429, title: 'Too many requests', retry: 'later' },
  deadline_exceeded: { status: 504, title: 'It took longer than its deadline', retry: 'later' },
  unavailable: { status: 503, title: 'The service is not ready', retry: 'later' },
  internal: { status: 500, title: 'Something went wrong on our side', retry: 'later' },
}

export interface FieldError {
  readonly pointer: string
  readonly message: string
}

/**
 * An expected failure. `message` is public: it says what happened and what to do, and never repeats its `cause`, which goes
 * to the log only. Anything thrown that is not an `AppError` is a bug and becomes a generic 500.
 */
export class AppError extends Error {
  readonly kind: ErrorKind
  readonly errors: readonly FieldError[]
  readonly details: Readonly<Record<string, unknown>>
  constructor(
    kind: ErrorKind,
    message: string,
    options: { cause?: unknown; errors?: readonly FieldError[]; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.kind = kind
    this.errors = options.errors ?? []
    this.details = options.details ?? {}
  }
}

export const isAppError = (error: unknown, kind?: ErrorKind): error is AppError =>
  error instanceof AppError && (kind === undefined || error.kind === kind)

/** A 404 that says nothing about whether the thing exists for somebody else. */
export const notFound = (noun: string): AppError => new AppError('not_found', `There is no such ${noun}. Check the id and the project of your key.`)

/** Throws when an invariant of our own does not hold: a bug, never the caller's fault. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant violated: ${invariant}`)
}

/** The tail of an exhaustive switch: the compiler refuses it while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
