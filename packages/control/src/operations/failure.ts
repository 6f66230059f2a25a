import { AppError, DeadlineExceeded, errorTable, isAppError } from '@understudy/core'
import type { ErrorKind } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { ProviderErrorKind, ProviderErrorShape } from '@understudy/provider'
import type { StepFailure } from '@understudy/saga'

/**
 * What any error of a step means: the code a program can branch on, a sentence for people, whether repeating may help, and what
 * to do. The runner's classification. Never holds a secret: clouds may quote one in their message, so that is cleaned again here.
 */
export function failureOf(error: unknown): StepFailure {
  if (isProviderError(error)) return providerFailure(error.shape)
  if (isAppError(error)) return appFailure(error)
  if (error instanceof DeadlineExceeded) {
    const seconds = Math.round(error.waitedMs / 1000)
    return { code: 'deadline_exceeded', message: `There was no answer within ${seconds} s.`, transient: true, remedy: kinds.unavailable.remedy }
  }
  if (isConnectionLoss(error)) {
    return {
      code: 'unavailable',
      message: 'A connection of ours was lost.',
      transient: true,
      remedy: 'Nothing to do: it is repeated when the connection is back.',
    }
  }
  return {
    code: 'internal',
    message: 'Something went wrong on our side. The log has the details.',
    transient: false,
    remedy: 'Look for the id of the operation in the log of the worker, and report what it says.',
  }
}

/** The same for a use-case that asks the cloud while its caller waits. What is neither expected nor a provider's is thrown on. */
export function appErrorOf(error: unknown): AppError {
  if (isAppError(error)) return error
  if (!isProviderError(error) && !(error instanceof DeadlineExceeded)) throw error
  const { code, message, remedy } = failureOf(error)
  // Something missing in the cloud is not a missing page of ours.
  const kind = code === 'not_found' ? 'provider_rejected' : (code as ErrorKind)
  return new AppError(kind, remedy === undefined ? message : `${message} ${remedy}`, { cause: error })
}

interface Meaning {
  readonly code: ErrorKind
  /** Begins the sentence that the cloud's own words end. */
  readonly says: string
  readonly remedy: string
}

const kinds: Readonly<Record<ProviderErrorKind, Meaning>> = {
  not_found: {
    code: 'not_found',
    says: 'The cloud does not know it',
    remedy: 'Check the id, the region of the account, and whether somebody has deleted it.',
  },
  already_exists: { code: 'conflict', says: 'The cloud has one already', remedy: 'Remove or rename the one that exists, then retry.' },
  conflict: {
    code: 'conflict',
    says: 'Its state in the cloud does not allow this',
    remedy: 'Look at its state in the console of the cloud, then retry.',
  },
  invalid: { code: 'provider_rejected', says: 'The cloud calls the request invalid', remedy: 'Correct what it names, then retry.' },
  unsupported: { code: 'unsupported', says: 'The cloud cannot do this', remedy: 'Choose another instance type, zone or tier.' },
  protected: {
    code: 'provider_rejected',
    says: 'It is protected in the cloud',
    remedy: 'Switch its protection off in the console of the cloud if it may go, then retry.',
  },
  insufficient_capacity: {
    code: 'insufficient_capacity',
    says: 'The cloud has no capacity for it',
    remedy: 'Allow more zones or another instance type, or retry in a few minutes.',
  },
  price_too_low: {
    code: 'insufficient_capacity',
    says: 'The price offered is below the market',
    remedy: 'Raise the maximum price, or buy on-demand.',
  },
  quota_exceeded: {
    code: 'quota_exceeded',
    says: 'A quota of the cloud account is exhausted',
    remedy: 'Ask the cloud to raise the quota, or end what is no longer needed.',
  },
  throttled: {
    code: 'provider_unavailable',
    says: 'The cloud limits how often it may be asked',
    remedy: 'It is repeated more slowly; if it goes on, another program in this account uses up the limit.',
  },
  unauthorized: { code: 'provider_unauthorized', says: 'The cloud refuses the credentials', remedy: '' },
  unavailable: {
    code: 'provider_unavailable',
    says: 'The cloud does not answer',
    remedy: 'Check the endpoint and the region in the settings of the account, and that the worker may reach it.',
  },
  preempted: { code: 'insufficient_capacity', says: 'The cloud has taken it back', remedy: 'Allow more zones, or buy on-demand.' },
  idempotency_mismatch: {
    code: 'conflict',
    says: 'The cloud has seen this request with other contents',
    remedy: 'Start the operation anew: it was changed while it ran.',
  },
  unknown: { code: 'provider_rejected', says: 'The cloud failed in a way we do not know', remedy: 'Look up its code, and retry.' },
}

function providerFailure(shape: ProviderErrorShape): StepFailure {
  const { code, says, remedy } = kinds[shape.kind]
  return {
    code,
    message: `${says}: ${withoutSecrets(shape.message)} (${withoutSecrets(shape.nativeCode)})`,
    transient: shape.retryable,
    remedy: shape.kind === 'unauthorized' ? authorizationRemedy(shape.nativeCode) : remedy,
    nativeCode: withoutSecrets(shape.nativeCode),
    ...(shape.requestId === undefined ? {} : { requestId: shape.requestId }),
    ...(shape.retryAfterMs === undefined ? {} : { retryAfterMs: shape.retryAfterMs }),
  }
}

/** Only the wording depends on the cloud's code: what the application does is the same for all of them. */
function authorizationRemedy(nativeCode: string): string {
  if (/expired/i.test(nativeCode))
    return 'The credentials have expired, or the clock of the worker is wrong. Renew them with an update of the account.'
  if (/unauthorizedoperation|accessdenied|denied|forbidden|authorizationfailed|permission/i.test(nativeCode)) {
    return 'The credentials are valid and lack a permission. Add the call that is named to their policy, then retry.'
  }
  return 'Check the access key and its secret, and that they belong to this cloud and region. Correct them with an update of the account.'
}

function appFailure(error: AppError): StepFailure {
  const transient = errorTable[error.kind].retry === 'later' && error.kind !== 'internal' && error.kind !== 'deadline_exceeded'
  const remedy = error.details['remedy']
  return { code: error.kind, message: withoutSecrets(error.message), transient, ...(typeof remedy === 'string' ? { remedy } : {}) }
}

const connectionCodes = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'])
const isConnectionLoss = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && connectionCodes.has(error.code)

const messageMax = 500

function withoutSecrets(text: string): string {
  const clean = text
    .replace(/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g, '[redacted]')
    .replace(/\b(usk|usi|whsec)_[A-Za-z0-9+/=]{8,}/g, '[redacted]')
    .replace(/((?:credential|signature|token|secret|password|authorization)["']?\s*[=:]\s*["']?)(?:bearer\s+|basic\s+)?[^\s,&'"]+/gi, '$1[redacted]')
    .replace(/(:\/\/)[^\s/@]+@/g, '$1[redacted]@')
  return clean.length > messageMax ? `${clean.slice(0, messageMax - 1)}…` : clean
}
