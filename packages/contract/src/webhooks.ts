import { z } from 'zod'
import { etag, idOf, idParams, noBody, pageOf, pageQuery, text, time } from './common.ts'
import { defineRoute, json, noContent } from './route.ts'

export const webhookId = idOf('webhook', 'webhook endpoint')
const deliveryId = idOf('delivery', 'delivery')

const url = z.url({ protocol: /^https?$/ }).max(2000)
const types = z
  .array(text(200))
  .max(50)
  .meta({ description: 'Event types, or prefixes that end in `.`; empty: all.', examples: [['io.understudy.failover.']] })
const description = z.string().max(500)

export const WebhookEndpoint = z
  .object({
    id: webhookId,
    url: z.string(),
    description: z.string(),
    types: z.array(z.string()),
    status: z.enum(['enabled', 'disabled']),
    disabledReason: z.string().optional(),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'WebhookEndpoint' })

export const CreatedWebhook = z
  .object({ endpoint: WebhookEndpoint, secret: z.string().meta({ description: 'Signs the deliveries (Standard Webhooks). Shown once.' }) })
  .meta({ id: 'CreatedWebhook' })

export const WebhookSecret = z
  .object({ secret: z.string().meta({ description: 'Shown once. The one before it signs too for a while.' }) })
  .meta({ id: 'WebhookSecret' })

export const Delivery = z
  .object({
    id: deliveryId,
    endpointId: z.string(),
    eventId: z.string(),
    eventType: z.string(),
    status: z.enum(['pending', 'succeeded', 'failed']),
    attempts: z.number().int(),
    nextAttemptAt: time.optional(),
    lastStatusCode: z.number().int().optional(),
    lastError: z.string().optional(),
    createdAt: time,
    finishedAt: time.optional(),
    body: z.string().meta({ description: 'Exactly what is signed and sent.' }),
  })
  .meta({ id: 'Delivery' })

const tags = ['webhooks'] as const
const params = idParams(webhookId)

export const createWebhook = defineRoute({
  method: 'POST',
  url: '/v1/webhook-endpoints',
  access: { role: 'admin', idempotent: true, secret: true },
  schema: {
    operationId: 'createWebhook',
    tags,
    summary: 'Add a webhook endpoint',
    description: 'Addresses that lead into private, link-local or metadata networks are refused.',
    body: z.strictObject({ url, description: description.optional(), types: types.optional() }).meta({ id: 'CreateWebhook' }),
    response: { 201: json('The endpoint and its secret.', CreatedWebhook) },
  },
})

export const listWebhooks = defineRoute({
  method: 'GET',
  url: '/v1/webhook-endpoints',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listWebhooks',
    tags,
    summary: 'List webhook endpoints',
    description: 'Their secrets are not shown.',
    querystring: z.strictObject(pageQuery),
    response: { 200: json('One page.', pageOf('WebhookEndpointPage', WebhookEndpoint)) },
  },
})

export const getWebhook = defineRoute({
  method: 'GET',
  url: '/v1/webhook-endpoints/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getWebhook',
    tags,
    summary: 'Read a webhook endpoint',
    description: 'Its secret is not shown.',
    params,
    response: { 200: json('The endpoint.', WebhookEndpoint) },
  },
})

export const updateWebhook = defineRoute({
  method: 'PATCH',
  url: '/v1/webhook-endpoints/{id}',
  access: { role: 'admin', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'updateWebhook',
    tags,
    summary: 'Change a webhook endpoint',
    description: 'Set `status` to `enabled` to use an endpoint again that was disabled.',
    params,
    body: z
      .strictObject({
        url: url.optional(),
        description: description.optional(),
        types: types.optional(),
        status: z.enum(['enabled', 'disabled']).optional(),
      })
      .refine((body) => Object.keys(body).length > 0, 'name at least one thing to change')
      .meta({ id: 'UpdateWebhook' }),
    response: { 200: json('The endpoint as it is now.', WebhookEndpoint) },
  },
})

export const deleteWebhook = defineRoute({
  method: 'DELETE',
  url: '/v1/webhook-endpoints/{id}',
  access: { role: 'admin', ifMatch: true },
  schema: {
    operationId: 'deleteWebhook',
    tags,
    summary: 'Remove a webhook endpoint',
    description: 'Deliveries that wait are dropped.',
    params,
    response: { 204: noContent },
  },
})

export const rotateWebhookSecret = defineRoute({
  method: 'POST',
  url: '/v1/webhook-endpoints/{id}:rotateSecret',
  access: { role: 'admin', idempotent: true, secret: true },
  schema: {
    operationId: 'rotateWebhookSecret',
    tags,
    summary: 'Make a new signing secret',
    description: 'For a while deliveries carry two signatures, so that the receiver can change over.',
    params,
    body: noBody,
    response: { 200: json('The secret, shown once.', WebhookSecret) },
  },
})

export const testWebhook = defineRoute({
  method: 'POST',
  url: '/v1/webhook-endpoints/{id}:test',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'testWebhook',
    tags,
    summary: 'Send a test event',
    description: 'The delivery is tried shortly after.',
    params,
    body: noBody,
    response: { 200: json('The delivery, waiting.', Delivery) },
  },
})

export const listDeliveries = defineRoute({
  method: 'GET',
  url: '/v1/deliveries',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listDeliveries',
    tags,
    summary: 'List deliveries',
    description: 'Newest first.',
    querystring: z.strictObject({ ...pageQuery, endpointId: webhookId.optional(), status: Delivery.shape.status.optional() }),
    response: { 200: json('One page.', pageOf('DeliveryPage', Delivery)) },
  },
})

export const resendDelivery = defineRoute({
  method: 'POST',
  url: '/v1/deliveries/{id}:resend',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'resendDelivery',
    tags,
    summary: 'Send a delivery again',
    description: 'With the same id and body, so that the receiver can recognise it.',
    params: idParams(deliveryId),
    body: noBody,
    response: { 200: json('The delivery, waiting.', Delivery) },
  },
})
