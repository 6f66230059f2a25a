import type { JsonObject } from '@understudy/core'
import { isObject } from '@understudy/provider/adapter-kit'
import type { Push } from '@understudy/provider'
import { readSettings } from './validate-settings.ts'

/** Event Grid's application in the public cloud, in whose name it asks for tokens. */
const eventGridApplication = '4962773b-9cdb-44cf-a8bf-237846a00ab7'
const publicAuthority = 'https://login.microsoftonline.com'

/**
 * Event Grid asks before it pushes (https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema),
 * and signs in with Microsoft Entra ID where the subscription says so
 * (https://learn.microsoft.com/azure/event-grid/secure-webhook-delivery). Its validation counts only when it is answered 200.
 */
export const azurePush: Push = {
  token(settings) {
    const read = readSettings(settings)
    if (!read.ok || read.value.push === undefined) return undefined
    const { tenantId, audience, application = eventGridApplication, issuer, keysUrl } = read.value.push
    const authority = (read.value.authority ?? publicAuthority).replace(/\/$/, '')
    return {
      // Version 2 and version 1 of the tenant's tokens.
      issuers: issuer === undefined ? [`${authority}/${tenantId}/v2.0`, `https://sts.windows.net/${tenantId}/`] : [issuer],
      audience,
      keysUrl: keysUrl ?? `${authority}/${tenantId}/discovery/v2.0/keys`,
      claims: [{ names: ['azp', 'appid'], value: application }],
    }
  },
  handshake(document): JsonObject | undefined {
    if (!isObject(document) || document['eventType'] !== 'Microsoft.EventGrid.SubscriptionValidationEvent') return undefined
    const code = isObject(document['data']) ? document['data']['validationCode'] : undefined
    return typeof code === 'string' ? { validationResponse: code } : undefined
  },
}
