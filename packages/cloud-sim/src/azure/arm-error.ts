import type { SimError } from '../datacentre/sim-error.ts'

/** What ARM refuses with: `{"error":{"code","message","details"}}` under this HTTP status. */
export class ArmError extends Error {
  readonly status: number
  readonly code: string
  readonly details: readonly ErrorDetail[]
  readonly retryAfterSeconds: number | undefined
  constructor(status: number, code: string, message: string, more: { details?: readonly ErrorDetail[]; retryAfterSeconds?: number } = {}) {
    super(message)
    this.name = 'ArmError'
    this.status = status
    this.code = code
    this.details = more.details ?? []
    this.retryAfterSeconds = more.retryAfterSeconds
  }
  get body(): ErrorBody {
    return { code: this.code, message: this.message, ...(this.details.length === 0 ? {} : { details: this.details }) }
  }
}
export interface ErrorDetail {
  readonly code: string
  readonly message: string
}
export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly details?: readonly ErrorDetail[]
}

/** The data centre speaks EC2's words; here they become ARM's. What has no counterpart is a bug and comes out as a 500. */
export function armErrorOf(error: SimError): ArmError {
  switch (error.code) {
    case 'RequestLimitExceeded':
    case 'Throttling':
      return new ArmError(
        429,
        'OperationNotAllowed',
        'The server rejected the request because too many requests have been received for this subscription.',
        {
          details: [{ code: 'TooManyRequests', message: '{"operationGroup":"HighCostGet","allowedRequestCount":1,"measuredRequestCount":2}' }],
          retryAfterSeconds: 2,
        },
      )
    case 'InsufficientInstanceCapacity':
      return /placement group/.test(error.message) ? overconstrained() : allocationFailed()
    case 'InsufficientHostCapacity':
      return new ArmError(409, 'AllocationFailed', 'Allocation failed. There is no room on the hosts of the dedicated host group.')
    case 'InvalidPlacementGroup.InUse':
      return overconstrained()
    case 'InvalidPlacementGroup.Unknown':
    case 'InvalidHostID.NotFound':
      return new ArmError(404, 'NotFound', error.message)
    case 'InvalidParameterValue':
      return new ArmError(400, 'InvalidParameter', error.message)
    case 'Unavailable':
      return new ArmError(503, 'ServiceUnavailable', 'The service is unavailable. Please try again.')
    case 'SpotMaxPriceTooLow':
      return new ArmError(409, 'SpotPriceGreaterThanProvidedMaxPrice', error.message)
    case 'InvalidInstanceType':
      return new ArmError(400, 'InvalidParameter', error.message)
    case 'Unsupported':
      return new ArmError(409, 'SkuNotAvailable', error.message)
    case 'IncorrectInstanceState':
    case 'IncorrectState':
    case 'UnsupportedHibernationConfiguration':
    case 'UnsupportedOperation':
      return new ArmError(409, 'OperationNotAllowed', error.message)
    default:
      return new ArmError(500, 'InternalServerError', 'Encountered internal server error.')
  }
}

/** Of a placement that the group allows and that has no room. */
const overconstrained = (): ArmError =>
  new ArmError(
    409,
    'OverconstrainedAllocationRequest',
    'Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is too restrictive.',
  )

export const allocationFailed = (): ArmError =>
  new ArmError(409, 'AllocationFailed', 'Allocation failed. We do not have sufficient capacity for the requested VM size in this region.', {
    details: [{ code: 'ZonalAllocationFailed', message: 'There is no capacity for the size in the zone.' }],
  })
