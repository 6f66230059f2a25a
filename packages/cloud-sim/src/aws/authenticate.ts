import { SimError } from '../datacentre/sim-error.ts'
import type { AccessKey, AccessKeys } from './access-keys.ts'
import {
  declaredHashMatches,
  headerText,
  parseAmzDate,
  parseAuthorization,
  signatureMatches,
  type Authorization,
  type SignedRequest,
} from './sigv4.ts'

/** The services refuse a signature made this long before or after their own time. */
const maxSkewMs = 5 * 60_000

/**
 * Who signed the request. Throws what the service would answer: EC2 has its own words for a key it does not know
 * (`AuthFailure`, 401) and for a clock that is off (`RequestExpired`).
 */
export function authenticate(request: SignedRequest, authorization: Authorization | undefined, keys: AccessKeys, nowMs: number): AccessKey {
  if (authorization === undefined) throw refusal(request.headers.authorization)
  const ec2 = authorization.service === 'ec2'
  const key = keys.find(authorization.accessKeyId)
  if (key === undefined)
    throw ec2
      ? new SimError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401)
      : new SimError('InvalidClientTokenId', 'The security token included in the request is invalid.', 403)
  const timestamp = headerText(request.headers['x-amz-date'])
  const signedMs = parseAmzDate(timestamp)
  if (!timestamp.startsWith(authorization.date))
    throw mismatch('Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP')
  if (Number.isNaN(signedMs) || Math.abs(nowMs - signedMs) > maxSkewMs) {
    if (ec2) throw new SimError('RequestExpired', 'Request has expired.', 400)
    throw mismatch(`Signature ${signedMs < nowMs ? 'expired' : 'not yet current'}: ${timestamp} is outside the 5 minutes around the present time`)
  }
  if (!declaredHashMatches(request) || !signatureMatches(request, authorization, key.secretAccessKey))
    throw mismatch(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    )
  return key
}

const mismatch = (message: string): SimError => new SimError('SignatureDoesNotMatch', message, 403)

function refusal(header: string | string[] | undefined): SimError {
  if (header === undefined) return new SimError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403)
  if (parseAuthorization(headerText(header)) === undefined)
    return new SimError(
      'IncompleteSignature',
      "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters of AWS4-HMAC-SHA256.",
      400,
    )
  return new SimError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403)
}
