import { SimError } from '../datacentre/sim-error.ts'

/** What Compute Engine answers when it refuses a request: HTTP status, the legacy reason, a sentence. */
export class GoogleError extends Error {
  readonly status: number
  readonly reason: string
  constructor(status: number, reason: string, message: string) {
    super(message)
    this.name = 'GoogleError'
    this.status = status
    this.reason = reason
  }
}

export const notFound = (path: string): GoogleError => new GoogleError(404, 'notFound', `The resource '${path}' was not found`)
export const alreadyExists = (path: string): GoogleError => new GoogleError(409, 'alreadyExists', `The resource '${path}' already exists`)
export const invalid = (field: string, value: unknown, why = ''): GoogleError =>
  new GoogleError(400, 'invalid', `Invalid value for field '${field}': '${String(value)}'.${why === '' ? '' : ` ${why}`}`)
export const required = (field: string): GoogleError => new GoogleError(400, 'required', `Required field '${field}' not specified`)
export const staleFingerprint = (what: string): GoogleError =>
  new GoogleError(412, 'conditionNotMet', `${what} fingerprint either invalid or resource labels have changed`)
export const notReady = (path: string): GoogleError => new GoogleError(400, 'resourceNotReady', `The resource '${path}' is not ready`)

/** A refusal that Google makes inside the operation: by then the request has been accepted. */
export interface OperationFailure {
  readonly status: number
  readonly code: string
  readonly message: string
}

const capacity = new Set(['InsufficientInstanceCapacity', 'Unsupported'])
const noNodes = 'No feasible nodes found for the instance given its node affinities and resource requirements.'

export function operationFailure(error: unknown, zone: string): OperationFailure | undefined {
  if (error instanceof SimError && error.code === 'InsufficientHostCapacity') return { status: 412, code: 'CONDITION_NOT_MET', message: noNodes }
  if (!(error instanceof SimError) || !capacity.has(error.code)) return undefined
  const message = `The zone 'projects/-/zones/${zone}' does not have enough resources available to fulfill the request.  Try a different zone, or try again later.`
  return { status: 503, code: 'ZONE_RESOURCE_POOL_EXHAUSTED', message }
}

/** The data centre speaks EC2; this is how Compute Engine says the same. Bugs pass unchanged. */
export function asGoogle(error: unknown): unknown {
  if (!(error instanceof SimError)) return error
  if (error.code === 'RequestLimitExceeded' || error.code === 'Throttling')
    return new GoogleError(403, 'rateLimitExceeded', "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'.")
  if (error.code === 'OperationNotPermitted') {
    const sentence = "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'."
    return new GoogleError(400, 'invalidResourceUsage', sentence)
  }
  if (/NotFound/.test(error.code)) return new GoogleError(404, 'notFound', error.message)
  if (/^Incorrect|^VolumeInUse|^UnsupportedOperation/.test(error.code)) return new GoogleError(400, 'resourceNotReady', error.message)
  if (error.status >= 500) return new GoogleError(503, 'backendError', error.message)
  return new GoogleError(400, 'invalid', error.message)
}

export const errorBody = ({ status, reason, message }: GoogleError) => ({
  error: { code: status, message, errors: [{ message, domain: 'global', reason }] },
})
