import {
  given,
  isKeysUrl,
  isObject,
  keysUrlMessage,
  isText,
  readExpectedSeconds,
  readLimits,
  readObject,
  readUrl,
  validated,
} from '@understudy/provider/adapter-kit'
import type { Fail, Validated } from '@understudy/provider/adapter-kit'
import type { GcpAccountSettings, GcpCredentials, GcpPushSettings } from './settings.ts'

/** Checks the part of an account that is not secret. */
export function validateGcpSettings(document: unknown): Validated<GcpAccountSettings> {
  return validated((fail) => {
    const fields = readObject(document, '/settings', ['endpoint', 'eventsSubscription', 'expectedSeconds', 'limits', 'push'], fail)
    if (fields === undefined) return undefined
    const { endpoint, eventsSubscription, expectedSeconds, limits, push } = fields
    return {
      ...given('endpoint', endpoint, (value) => readEndpoint(value, fail)),
      ...given('eventsSubscription', eventsSubscription, (value) => readSubscription(value, fail)),
      ...given('expectedSeconds', expectedSeconds, (value) => readExpectedSeconds(value, fail)),
      ...given('limits', limits, (value) => readLimits(value, fail)),
      ...given('push', push, (value) => readPush(value, fail)),
    }
  })
}

/** Checks the secret part. */
export function validateGcpCredentials(document: unknown): Validated<GcpCredentials> {
  return validated((fail) => {
    if (!isObject(document)) return fail('/credentials', 'must be an object')
    if ('source' in document) {
      readObject(document, '/credentials', ['source'], fail)
      return document['source'] === 'default-chain' ? 'default-chain' : fail('/credentials/source', 'must be default-chain')
    }
    if ('accessToken' in document) {
      readObject(document, '/credentials', ['accessToken'], fail)
      const { accessToken } = document
      return isText(accessToken) ? { accessToken } : fail('/credentials/accessToken', 'must be a text that is not empty')
    }
    // The file as it was downloaded has more fields; whoever pastes it whole has done nothing wrong.
    const { client_email: clientEmail, private_key: privateKey } = document
    const isEmail = isText(clientEmail) && clientEmail.includes('@')
    if (!isEmail) fail('/credentials/client_email', 'must be the e-mail address of a service account')
    const isKey = isText(privateKey) && privateKey.includes('PRIVATE KEY')
    if (!isKey) fail('/credentials/private_key', 'must be a private key in PEM form')
    return isEmail && isKey ? { clientEmail, privateKey } : undefined
  })
}

function readEndpoint(value: unknown, fail: Fail): string | undefined {
  const url = readUrl(value, '/settings/endpoint', fail)
  if (url === undefined || new URL(url).pathname === '/') return url
  return fail('/settings/endpoint', 'must be a host and a port only: the SDK takes no path')
}

function readPush(value: unknown, fail: Fail): GcpPushSettings | undefined {
  const fields = readObject(value, '/settings/push', ['audience', 'serviceAccount', 'issuer', 'keysUrl'], fail)
  if (fields === undefined) return undefined
  const { audience, serviceAccount, issuer, keysUrl } = fields
  const isAudience = isText(audience)
  if (!isAudience) fail('/settings/push/audience', 'must be the audience of the subscription: by default the address it pushes to')
  const isEmail = isText(serviceAccount) && serviceAccount.includes('@')
  if (!isEmail) fail('/settings/push/serviceAccount', 'must be the e-mail address of the service account that the subscription signs as')
  const isIssuer = issuer === undefined || isText(issuer)
  if (!isIssuer) fail('/settings/push/issuer', 'must be a text that is not empty')
  const keys = given('keysUrl', keysUrl, (url) => (isKeysUrl(url) ? url : fail('/settings/push/keysUrl', keysUrlMessage)))
  if (!isAudience || !isEmail || !isIssuer) return undefined
  return { audience, serviceAccount, ...(issuer === undefined ? {} : { issuer }), ...keys }
}

/** A name of Pub/Sub: it becomes a part of a path. */
function readSubscription(value: unknown, fail: Fail): string | undefined {
  const isOne = typeof value === 'string' && /^(projects\/[a-z][a-z0-9:.-]{4,62}\/subscriptions\/)?[A-Za-z][\w.~+%-]{2,254}$/.test(value)
  return isOne ? value : fail('/settings/eventsSubscription', 'must be a subscription: its name, or projects/my-project/subscriptions/its-name')
}
