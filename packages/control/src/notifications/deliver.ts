import { assert, now, timeoutSignal } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { retryDelayMs } from './retry-schedule.ts'
import { signedHeaders } from './sign.ts'
import type { WebhookAnswer, WebhookSender } from './webhook-sender.ts'
import type { Delivery, WebhookEndpoint, WebhookSecrets } from './webhook.ts'

export type DeliveringControl = Pick<Control, 'database' | 'clock' | 'ids' | 'random' | 'vault'>

/** For the whole exchange, connecting included. */
const timeoutMs = 15_000
const userAgent = 'Understudy-Webhooks/1'
const errorLengthMax = 300

/** One attempt: sign, send, and record what came of it. Answers whether the endpoint let us wait in vain. */
export async function deliver(control: DeliveringControl, sender: WebhookSender, delivery: Delivery): Promise<{ readonly timedOut: boolean }> {
  const { webhooks } = control.database.stores
  const endpoint = await webhooks.find(delivery.projectId, delivery.endpointId)
  if (endpoint === undefined) return { timedOut: false } // deleted, and the delivery with it
  if (endpoint.status === 'disabled') {
    await webhooks.updateDelivery(
      finished(control, delivery, { status: 'failed', lastError: `The endpoint is disabled. ${endpoint.disabledReason ?? ''}`.trim() }),
    )
    return { timedOut: false }
  }
  const secrets = await webhooks.secrets(endpoint.id)
  assert(secrets !== undefined, 'every webhook endpoint has a secret')
  const answer = await send(control, sender, endpoint, secrets, delivery)
  await record(control, endpoint, delivery, answer)
  return { timedOut: answer.outcome === 'failed' && answer.timedOut }
}

async function send(
  control: DeliveringControl,
  sender: WebhookSender,
  endpoint: WebhookEndpoint,
  secrets: WebhookSecrets,
  delivery: Delivery,
): Promise<WebhookAnswer> {
  const atMs = control.clock.nowMs()
  const isOverlap = secrets.previous !== undefined && secrets.previousUntil !== undefined && secrets.previousUntil.getTime() > atMs
  const sealed = isOverlap && secrets.previous !== undefined ? [secrets.current, secrets.previous] : [secrets.current]
  const opened = sealed.map((secret) => control.vault.open(secret, endpoint.id))
  const timeout = timeoutSignal(control.clock, timeoutMs)
  try {
    return await sender.send({
      url: endpoint.url,
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': userAgent,
        ...signedHeaders({ id: delivery.eventId, atMs, body: delivery.body }, opened),
      },
      body: delivery.body,
      signal: timeout.signal,
    })
  } finally {
    timeout.release()
  }
}

async function record(control: DeliveringControl, endpoint: WebhookEndpoint, delivery: Delivery, answer: WebhookAnswer): Promise<void> {
  const attempts = delivery.attempts + 1
  const lastStatusCode = answer.outcome === 'answered' ? answer.statusCode : undefined
  const tried: Delivery = { ...delivery, attempts, lastStatusCode, lastError: problemOf(answer) }
  const { webhooks } = control.database.stores
  if (tried.lastError === undefined) return webhooks.updateDelivery(finished(control, tried, { status: 'succeeded' }))
  if (lastStatusCode === 410) {
    await webhooks.updateDelivery(finished(control, tried, { status: 'failed' }))
    return disable(control, endpoint)
  }
  const askedForMs = answer.outcome === 'answered' ? answer.retryAfterMs : undefined
  const delayMs = retryDelayMs(attempts, control.random, askedForMs)
  if (delayMs === undefined) return webhooks.updateDelivery(finished(control, tried, { status: 'failed' }))
  return webhooks.updateDelivery({ ...tried, nextAttemptAt: new Date(control.clock.nowMs() + delayMs) })
}

function problemOf(answer: WebhookAnswer): string | undefined {
  switch (answer.outcome) {
    case 'answered':
      if (answer.statusCode >= 200 && answer.statusCode < 300) return undefined
      return answer.statusCode >= 300 && answer.statusCode < 400
        ? `The endpoint answered ${answer.statusCode}; redirects are not followed.`
        : `The endpoint answered ${answer.statusCode}.`
    case 'refused':
      return `Nothing was sent: ${answer.reason}.`.slice(0, errorLengthMax)
    case 'failed':
      return answer.reason.slice(0, errorLengthMax)
  }
}

const finished = (
  control: DeliveringControl,
  delivery: Delivery,
  result: Pick<Delivery, 'status'> & Partial<Pick<Delivery, 'lastError'>>,
): Delivery => ({
  ...delivery,
  ...result,
  nextAttemptAt: undefined,
  finishedAt: now(control.clock),
})

/** 410 is how an endpoint says that it does not want any more. Its other deliveries end when their turn comes. */
async function disable(control: DeliveringControl, seen: WebhookEndpoint): Promise<void> {
  await control.database.transaction(async (stores) => {
    const endpoint = await stores.webhooks.find(seen.projectId, seen.id)
    // Changed meanwhile: it may well have another address, and the 410 was the old one's.
    if (endpoint === undefined || endpoint.version !== seen.version || endpoint.status === 'disabled') return
    const disabled: WebhookEndpoint = {
      ...endpoint,
      status: 'disabled',
      disabledReason: 'It answered 410 Gone.',
      updatedAt: now(control.clock),
      version: endpoint.version + 1,
    }
    await stores.webhooks.update(disabled, endpoint.version)
    await recordChange(control, stores, {
      projectId: endpoint.projectId,
      actor: systemActor('notifications'),
      what: 'notifications.webhook_disabled',
      subject: `webhook-endpoints/${endpoint.id}`,
      data: { reason: disabled.disabledReason },
    })
  })
}
