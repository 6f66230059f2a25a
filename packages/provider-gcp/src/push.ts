import type { Push } from '@understudy/provider'
import { validateGcpSettings } from './validate-settings.ts'

const googleIssuers = ['https://accounts.google.com', 'accounts.google.com']
const googleKeysUrl = 'https://www.googleapis.com/oauth2/v3/certs'

/**
 * The OpenID token that a push subscription of Pub/Sub sends as a bearer token: signed by Google, for the audience of the
 * subscription, in the name of its service account. https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
 */
export const gcpPush: Push = {
  token(settings) {
    const read = validateGcpSettings(settings)
    if (!read.ok || read.value.push === undefined) return undefined
    const { audience, serviceAccount, issuer, keysUrl = googleKeysUrl } = read.value.push
    return {
      issuers: issuer === undefined ? googleIssuers : [issuer],
      audience,
      keysUrl,
      claims: [
        { names: ['email'], value: serviceAccount },
        { names: ['email_verified'], value: true },
      ],
    }
  },
}
