import type { VerifyToken } from '@understudy/control'
import { AppError } from '@understudy/core'
import type { Clock } from '@understudy/core'
import type { ExpectedToken } from '@understudy/provider'
import { errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import { KeysUnavailable } from './key-sets.ts'
import type { KeySets } from './key-sets.ts'

/** Asymmetric only: a key that verifies must not be one that signs. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']
/** Clocks of clouds and ours differ. */
const toleranceSeconds = 60

/** Checks signature, time, issuer, audience and the claims that are expected, in this order; a refusal names the claim. */
export function tokenVerifier(clock: Clock, keySets: KeySets): VerifyToken {
  return async (token, expected) => {
    try {
      const { payload } = await jwtVerify(token, keySets(expected.keysUrl), {
        algorithms,
        issuer: [...expected.issuers],
        audience: expected.audience,
        currentDate: new Date(clock.nowMs()),
        clockTolerance: toleranceSeconds,
        requiredClaims: ['exp'],
      })
      checkClaims(payload, expected)
    } catch (error) {
      throw meaningOf(error)
    }
  }
}

function checkClaims(payload: JWTPayload, { claims }: ExpectedToken): void {
  for (const { names, value } of claims) {
    const claim = names.find((name) => payload[name] !== undefined)
    if (claim === undefined) throw refused(names[0] ?? 'claims', 'is missing')
    if (payload[claim] !== value) throw refused(claim, 'is not the one that the settings of the account name')
  }
}

function meaningOf(error: unknown): unknown {
  if (error instanceof KeysUnavailable) {
    return new AppError(
      'unavailable',
      'The public keys of the issuer of this token cannot be read at the moment, so that it cannot be checked. Nothing of the push was taken in: send it again, as clouds do by themselves.',
      { cause: error },
    )
  }
  if (error instanceof errors.JWTExpired) return refused('exp', 'has passed', error)
  if (error instanceof errors.JWTClaimValidationFailed) return refused(error.claim, problemOf(error), error)
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return refused('signature', 'is by none of the keys of the issuer', error)
  return error instanceof errors.JOSEError ? refused('token', 'is not one that can be checked', error) : error
}

function problemOf({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return 'is missing'
  if (reason === 'invalid') return 'has the wrong form'
  return claim === 'nbf' ? 'lies in the future' : 'is not the one that the settings of the account name'
}

/** What is expected is not said: a stranger may have a token signed, too. */
function refused(claim: string, problem: string, cause?: unknown): AppError {
  const what = claim === 'token' ? 'The token' : claim === 'signature' ? 'The signature of the token' : `The claim ${claim} of the token`
  return new AppError('unauthenticated', `${what} ${problem}. Compare the subscription in the cloud with the settings of the account.`, {
    errors: [{ pointer: `/headers/authorization/${claim}`, message: problem }],
    ...(cause === undefined ? {} : { cause }),
  })
}
