import type { Delivery as DeliveryView, WebhookEndpoint as WebhookEndpointView } from '@understudy/contract'
import type { Delivery, WebhookEndpoint } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

export const webhookView = (endpoint: WebhookEndpoint): z.input<typeof WebhookEndpointView> =>
  present({
    id: endpoint.id,
    url: endpoint.url,
    description: endpoint.description,
    types: [...endpoint.types],
    status: endpoint.status,
    disabledReason: endpoint.disabledReason,
    createdAt: endpoint.createdAt.toISOString(),
    updatedAt: endpoint.updatedAt.toISOString(),
    etag: etagOf(endpoint.version),
  })

export const deliveryView = (delivery: Delivery): z.input<typeof DeliveryView> =>
  present({
    id: delivery.id,
    endpointId: delivery.endpointId,
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    status: delivery.status,
    attempts: delivery.attempts,
    nextAttemptAt: timeText(delivery.nextAttemptAt),
    lastStatusCode: delivery.lastStatusCode,
    lastError: delivery.lastError,
    createdAt: delivery.createdAt.toISOString(),
    finishedAt: timeText(delivery.finishedAt),
    body: delivery.body,
  })
