import { SimError } from '../../datacentre/sim-error.ts'

/** A refusal of the EBS direct APIs: beside its name it has a reason. */
export class EbsError extends SimError {
  readonly reason: string
  constructor(code: string, reason: string, message: string, status = 400) {
    super(code, message, status)
    this.reason = reason
  }
}

export const invalid = (reason: string, message: string): EbsError => new EbsError('ValidationException', reason, message)

/** What the data centre refuses, in the words of this service. */
export function asEbsSaysIt(error: SimError): SimError {
  if (error.code === 'RequestLimitExceeded') return new EbsError('RequestThrottledException', 'ACCOUNT_THROTTLED', 'Request throttled.')
  if (error.code === 'InvalidSnapshot.NotFound')
    return new EbsError('ResourceNotFoundException', 'SNAPSHOT_NOT_FOUND', 'The specified snapshot does not exist.', 404)
  if (error.code === 'AccessDenied') return new EbsError('AccessDeniedException', 'UNAUTHORIZED_ACCOUNT', error.message, 403)
  return error.status >= 500 ? new EbsError('InternalServerException', '', error.message, 500) : error
}
