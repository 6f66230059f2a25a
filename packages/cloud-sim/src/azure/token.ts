import { createHash, timingSafeEqual } from 'node:crypto'
import { type ArmReply, ok } from './call.ts'

export interface AzureApplication {
  readonly tenant: string
  readonly clientId: string
  readonly clientSecret: string
  readonly objectId: string
}

/** Entra ID as far as a client secret needs it: the tenant's description, and its token endpoint. */
export class TokenService {
  readonly #application: AzureApplication
  readonly #nowMs: () => number
  readonly #tokens = new Map<string, number>()

  /** `nowMs`: the callers' own clock, not the simulated one. */
  constructor(application: AzureApplication, nowMs: () => number) {
    this.#application = application
    this.#nowMs = nowMs
  }

  /** Answers what is below `/{tenant}/`; undefined for anything else. */
  answer(origin: string, path: string, body: string): ArmReply | undefined {
    const authority = `${origin}/${this.#application.tenant}`
    if (path === `/${this.#application.tenant}/v2.0/.well-known/openid-configuration`) {
      return ok({
        issuer: `${authority}/v2.0`,
        token_endpoint: `${authority}/oauth2/v2.0/token`,
        authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
        jwks_uri: `${authority}/discovery/v2.0/keys`,
      })
    }
    if (path !== `/${this.#application.tenant}/oauth2/v2.0/token`) return undefined
    const form = new URLSearchParams(body)
    const known = form.get('client_id') === this.#application.clientId && equal(form.get('client_secret') ?? '', this.#application.clientSecret)
    if (form.get('grant_type') !== 'client_credentials' || !known) {
      return {
        status: 401,
        body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.', error_codes: [7_000_215] },
      }
    }
    const lifeSeconds = 3_600
    const claims = {
      appid: this.#application.clientId,
      oid: this.#application.objectId,
      tid: this.#application.tenant,
      exp: Math.floor(this.#nowMs() / 1000) + lifeSeconds,
      jti: this.#tokens.size,
    }
    const token = [{ alg: 'none', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const signed = `${token}.${createHash('sha256').update(token).update(this.#application.clientSecret).digest('base64url')}`
    this.#tokens.set(signed, this.#nowMs() + lifeSeconds * 1000)
    return ok({ token_type: 'Bearer', expires_in: lifeSeconds, ext_expires_in: lifeSeconds, access_token: signed })
  }

  isValid(authorization: string | undefined): boolean {
    const token = authorization?.startsWith('Bearer ') === true ? authorization.slice('Bearer '.length) : ''
    return (this.#tokens.get(token) ?? 0) > this.#nowMs()
  }
}

/** In time that does not depend on where they differ. */
const equal = (a: string, b: string): boolean => timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
