import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createWebhook,
  deleteWebhook,
  fanOutEvents,
  getWebhook,
  listDeliveries,
  listWebhooks,
  resendDelivery,
  rotateWebhookSecret,
  sendDueDeliveries,
  testWebhook,
  updateWebhook,
} from '@understudy/control'
import type { Delivery, NewDomainEvent, WebhookAnswer, WebhookRequest, WebhookSender } from '@understudy/control'
import { randomIds } from '@understudy/core'
import { createWebhookSender } from '@understudy/worker'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { kindOf, refusalOf, useRooms } from './rooms.ts'
import type { Tenant } from './rooms.ts'

const rooms = useRooms()
let tenant: Tenant
beforeEach(async () => {
  tenant = await rooms().newTenant('notified')
  // What happened before a test is no concern of its endpoints.
  await fanOutAll()
})
afterEach(async () => {
  const { control } = rooms()
  for (const endpoint of await control.database.stores.webhooks.listEnabled(tenant.projectId)) {
    await deleteWebhook(control, tenant.admin, { id: endpoint.id, seenVersion: endpoint.version })
  }
})

/** The other side: keeps what came, and answers as told. */
class Receiver implements WebhookSender {
  readonly requests: WebhookRequest[] = []
  answer: (request: WebhookRequest) => WebhookAnswer | Promise<WebhookAnswer> = () => ({ outcome: 'answered', statusCode: 200 })
  async send(request: WebhookRequest): Promise<WebhookAnswer> {
    this.requests.push(request)
    return this.answer(request)
  }
}

async function fanOutAll(): Promise<number> {
  let deliveries = 0
  for (;;) {
    const result = await fanOutEvents(rooms().control)
    deliveries += result.deliveries
    if (!result.more) return deliveries
  }
}
const sendAll = (sender: WebhookSender) => rooms().drive(sendDueDeliveries(rooms().control, sender))

async function newEndpoint(overrides: Partial<Parameters<typeof createWebhook>[2]> = {}) {
  const made = await createWebhook(rooms().control, tenant.admin, { url: 'https://hooks.example/a', ...overrides })
  // Its own creation is an event too.
  await fanOutAll()
  await sendAll(new Receiver())
  return made
}

async function happen(type = 'io.understudy.test.happened.v1', overrides: Partial<NewDomainEvent> = {}): Promise<NewDomainEvent> {
  const { control, clock } = rooms()
  const event: NewDomainEvent = {
    id: randomIds.next('event'),
    projectId: tenant.projectId,
    type,
    subject: 'tests/one',
    at: new Date(clock.nowMs()),
    data: { id: 'one' },
    ...overrides,
  }
  await control.database.stores.events.append([event])
  return event
}
const deliveryOf = async (event: Pick<NewDomainEvent, 'id'>): Promise<Delivery> => {
  const { items } = await listDeliveries(rooms().control, tenant.viewer, { pageSize: 1000 })
  const found = items.find(({ eventId }) => eventId === event.id)
  if (found === undefined) throw new Error(`there is no delivery of ${event.id}`)
  return found
}

/** As a receiver checks it, with the standard's own words: any of the signatures, in constant time. */
function isSigned(request: WebhookRequest, secret: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = request.headers
  const expected = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${id}.${timestamp}.${request.body}`)
    .digest()
  return signatures.split(' ').some((entry) => {
    const [version, value = ''] = entry.split(',')
    const given = Buffer.from(value, 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

describe('an event', () => {
  test('is delivered once, signed, as a CloudEvent, to every endpoint of its project that wants it', async () => {
    const { clock, control } = rooms()
    const all = await newEndpoint({ url: 'https://hooks.example/all' })
    await newEndpoint({ url: 'https://hooks.example/prefix', types: ['io.understudy.test.'] })
    await newEndpoint({ url: 'https://hooks.example/exact', types: ['io.understudy.test.happened.v1'] })
    await newEndpoint({ url: 'https://hooks.example/other', types: ['io.understudy.failover.', 'io.understudy.test.happened.v2'] })
    const other = rooms().them
    const foreign = await createWebhook(control, other.admin, { url: 'https://hooks.example/foreign' })
    await fanOutAll()
    const receiver = new Receiver()
    await sendAll(new Receiver())

    const event = await happen('io.understudy.test.happened.v1', { expiresAt: new Date(clock.nowMs() + 120_000) })
    expect(await fanOutAll()).toBe(3)
    expect(await fanOutAll()).toBe(0)
    expect(await sendAll(receiver)).toEqual({ attempts: 3, postponed: 0 })
    expect(receiver.requests.map(({ url }) => url).toSorted()).toEqual(['all', 'exact', 'prefix'].map((path) => `https://hooks.example/${path}`))
    const [request] = receiver.requests.filter(({ url }) => url.endsWith('/all'))
    expect(request && isSigned(request, all.secret)).toBe(true)
    expect(request && isSigned({ ...request, body: `${request.body} ` }, all.secret)).toBe(false)
    expect(request?.headers).toMatchObject({
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'webhook-id': event.id,
      'webhook-timestamp': String(Math.floor(clock.nowMs() / 1000)),
    })
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      specversion: '1.0',
      id: event.id,
      source: 'urn:understudy:test',
      type: 'io.understudy.test.happened.v1',
      subject: 'tests/one',
      expirytime: event.expiresAt?.toISOString(),
      data: { id: 'one' },
    })
    expect(await deliveryOf(event)).toMatchObject({ status: 'succeeded', attempts: 1, lastStatusCode: 200, lastError: undefined })
    await deleteWebhook(control, other.admin, { id: foreign.endpoint.id, seenVersion: foreign.endpoint.version })
  })

  test('from before an endpoint was made is not sent to it', async () => {
    const { clock } = rooms()
    await happen()
    clock.advance(1000)
    await createWebhook(rooms().control, tenant.admin, { url: 'https://hooks.example/a' })
    expect(await fanOutAll()).toBe(1) // its own creation
  })

  test('is fanned out once by workers that do it at the same time', async () => {
    await newEndpoint()
    const events = []
    for (let index = 0; index < 20; index++) events.push(await happen())
    const results = await Promise.all(Array.from({ length: 6 }, () => fanOutEvents(rooms().control)))
    expect(results.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(20)
    const receiver = new Receiver()
    await Promise.all(Array.from({ length: 4 }, () => sendAll(receiver)))
    expect(receiver.requests.map(({ headers }) => headers['webhook-id']).toSorted()).toEqual(events.map(({ id }) => id).toSorted())
  })

  test('that is too long is sent without its data', async () => {
    await newEndpoint()
    const receiver = new Receiver()
    await happen('io.understudy.test.happened.v1', { data: { id: 'big', text: 'x'.repeat(30_000) } })
    await fanOutAll()
    await sendAll(receiver)
    const [{ body } = { body: '' }] = receiver.requests
    expect(Buffer.byteLength(body)).toBeLessThan(20_000)
    expect(JSON.parse(body)).toMatchObject({ datatruncated: true, data: { id: 'big' } })
  })
})

describe('a failed delivery', () => {
  test('is repeated with the same id and body, further and further apart, for about three days, and then given up', async () => {
    const { clock } = rooms()
    await newEndpoint()
    const receiver = new Receiver()
    receiver.answer = () => ({ outcome: 'answered', statusCode: 500 })
    const event = await happen()
    await fanOutAll()
    const startMs = clock.nowMs()
    const waits: number[] = []
    for (;;) {
      await sendAll(receiver)
      const delivery = await deliveryOf(event)
      if (delivery.nextAttemptAt === undefined) break
      const waitMs = delivery.nextAttemptAt.getTime() - clock.nowMs()
      waits.push(waitMs)
      clock.advance(waitMs - 1)
      await sendAll(receiver)
      expect((await deliveryOf(event)).attempts).toBe(delivery.attempts)
      clock.advance(1)
    }
    expect(await deliveryOf(event)).toMatchObject({ status: 'failed', attempts: 10, lastStatusCode: 500, lastError: 'The endpoint answered 500.' })
    expect(receiver.requests).toHaveLength(10)
    expect(new Set(receiver.requests.map(({ body, headers }) => `${headers['webhook-id']} ${body}`)).size).toBe(1)
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(10)
    expect(waits.toSorted((a, b) => a - b)).toEqual(waits)
    expect((clock.nowMs() - startMs) / 3_600_000).toBeGreaterThan(67)
  })

  test.each<[string, WebhookAnswer, string]>([
    ['a redirect', { outcome: 'answered', statusCode: 302 }, 'The endpoint answered 302; redirects are not followed.'],
    ['silence', { outcome: 'failed', reason: 'There was no answer within 15 s.', timedOut: true }, 'There was no answer within 15 s.'],
    ['a refused address', { outcome: 'refused', reason: '10.0.0.1 is a private address' }, 'Nothing was sent: 10.0.0.1 is a private address.'],
  ])('says why: %s', async (_what, answer, lastError) => {
    await newEndpoint()
    const receiver = new Receiver()
    receiver.answer = () => answer
    const event = await happen()
    await fanOutAll()
    await sendAll(receiver)
    expect(await deliveryOf(event)).toMatchObject({ status: 'pending', attempts: 1, lastError })
  })

  test('waits as long as the endpoint asks', async () => {
    const { clock } = rooms()
    await newEndpoint()
    const receiver = new Receiver()
    receiver.answer = () => ({ outcome: 'answered', statusCode: 429, retryAfterMs: 3_600_000 })
    const event = await happen()
    await fanOutAll()
    await sendAll(receiver)
    expect((await deliveryOf(event)).nextAttemptAt?.getTime()).toBe(clock.nowMs() + 3_600_000)
  })

  test('with 410 disables its endpoint, tells the others, and ends what was waiting', async () => {
    const { control } = rooms()
    const { endpoint } = await newEndpoint({ url: 'https://hooks.example/gone' })
    await newEndpoint({ url: 'https://hooks.example/alive', types: ['io.understudy.notifications.'] })
    const receiver = new Receiver()
    receiver.answer = ({ url }) => ({ outcome: 'answered', statusCode: url.endsWith('/gone') ? 410 : 200 })
    const first = await happen()
    await fanOutAll()
    await sendAll(receiver)
    expect(await getWebhook(control, tenant.viewer, { id: endpoint.id })).toMatchObject({
      status: 'disabled',
      disabledReason: 'It answered 410 Gone.',
      version: endpoint.version + 1,
    })
    expect(await deliveryOf(first)).toMatchObject({ status: 'failed', attempts: 1, lastStatusCode: 410 })
    await happen()
    await fanOutAll()
    await sendAll(receiver)
    expect(receiver.requests.filter(({ url }) => url.endsWith('/gone'))).toHaveLength(1)
    expect(receiver.requests.at(-1)?.body).toContain('io.understudy.notifications.webhook_disabled.v1')
    expect(await kindOf(testWebhook(control, tenant.operator, { id: endpoint.id }))).toBe('conflict')
    expect(await kindOf(resendDelivery(control, tenant.operator, { id: (await deliveryOf(first)).id }))).toBe('conflict')

    const seen = await getWebhook(control, tenant.viewer, { id: endpoint.id })
    const enabled = await updateWebhook(control, tenant.admin, { id: endpoint.id, seenVersion: seen.version, status: 'enabled' })
    expect(enabled).toMatchObject({ status: 'enabled', disabledReason: undefined })
    receiver.answer = () => ({ outcome: 'answered', statusCode: 200 })
    await resendDelivery(control, tenant.operator, { id: (await deliveryOf(first)).id })
    await sendAll(receiver)
    expect(await deliveryOf(first)).toMatchObject({ status: 'succeeded', attempts: 1 })
  })

  test('of an endpoint that hangs does not hold up the others', async () => {
    const { clock } = rooms()
    await newEndpoint({ url: 'https://hooks.example/hangs' })
    await newEndpoint({ url: 'https://hooks.example/quick' })
    for (let index = 0; index < 30; index++) await happen()
    await fanOutAll()
    const receiver = new Receiver()
    const quickAtMs: number[] = []
    const startMs = clock.nowMs()
    receiver.answer = ({ url, signal }) => {
      if (url.endsWith('/quick')) {
        quickAtMs.push(clock.nowMs() - startMs)
        return { outcome: 'answered', statusCode: 200 }
      }
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve({ outcome: 'failed', reason: 'no answer', timedOut: true })))
    }
    const { postponed } = await sendAll(receiver)
    expect(quickAtMs).toHaveLength(30)
    expect(Math.max(...quickAtMs)).toBeLessThan(5000)
    expect(receiver.requests.filter(({ url }) => url.endsWith('/hangs')).length).toBeLessThanOrEqual(8)
    expect(postponed).toBeGreaterThan(0)
  })

  test('is sent again when the worker that had it has died', async () => {
    const { control, clock } = rooms()
    await newEndpoint()
    const event = await happen()
    await fanOutAll()
    expect(await control.database.stores.webhooks.claimDue({ at: new Date(clock.nowMs()), limit: 10, leaseMs: 60_000 })).toHaveLength(1)
    const receiver = new Receiver()
    await sendAll(receiver)
    expect(receiver.requests).toEqual([])
    clock.advance(60_000)
    await sendAll(receiver)
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([event.id])
  })
})

describe('an endpoint', () => {
  test('has its secret answered once; a rotation signs with both for a day', async () => {
    const { control, clock } = rooms()
    const { endpoint, secret } = await newEndpoint()
    expect(secret).toMatch(/^whsec_/)
    expect(JSON.stringify(await listWebhooks(control, tenant.viewer, {}))).not.toContain(secret)
    const rotated = await rotateWebhookSecret(control, tenant.admin, { id: endpoint.id })
    await fanOutAll()
    const receiver = new Receiver()
    await sendAll(new Receiver())
    const sendOne = async (): Promise<WebhookRequest> => {
      await happen()
      await fanOutAll()
      await sendAll(receiver)
      return receiver.requests.at(-1)!
    }
    const during = await sendOne()
    expect([secret, rotated.secret].map((key) => isSigned(during, key))).toEqual([true, true])
    clock.advance(24 * 3_600_000)
    const after = await sendOne()
    expect([secret, rotated.secret].map((key) => isSigned(after, key))).toEqual([false, true])
    const everything = JSON.stringify([
      await control.database.stores.audit.list(tenant.projectId, { after: 0, limit: 1000 }),
      await control.database.stores.events.listAfter(0, { projectId: tenant.projectId, limit: 1000 }),
      await control.database.stores.webhooks.secrets(endpoint.id),
    ])
    expect(everything).not.toContain(secret)
    expect(everything).not.toContain(rotated.secret)
  })

  test('is tested with an event that nobody else is told of', async () => {
    const { control } = rooms()
    const { endpoint } = await newEndpoint({ types: ['io.understudy.failover.'] })
    await newEndpoint({ url: 'https://hooks.example/b' })
    const receiver = new Receiver()
    const delivery = await testWebhook(control, tenant.operator, { id: endpoint.id })
    expect(delivery).toMatchObject({ status: 'pending', eventType: 'io.understudy.notifications.webhook_tested.v1' })
    expect(await fanOutAll()).toBe(0)
    await sendAll(receiver)
    expect(receiver.requests.map(({ url }) => url)).toEqual([endpoint.url])
    expect(await deliveryOf({ id: delivery.eventId })).toMatchObject({ status: 'succeeded' })
  })

  test.each<[string, Partial<Parameters<typeof createWebhook>[2]>, string, string]>([
    ['a private address', { url: 'http://10.0.0.1/' }, 'destination_refused', '/url'],
    ['a metadata service', { url: 'http://169.254.169.254/' }, 'destination_refused', '/url'],
    ['no URL', { url: 'nonsense' }, 'invalid_request', '/url'],
    ['a type that can match nothing', { types: ['io.understudy..'] }, 'invalid_request', '/types/0'],
    ['a description that is too long', { description: 'x'.repeat(501) }, 'invalid_request', '/description'],
  ])('with %s is refused', async (_what, change, kind, pointer) => {
    const { control } = rooms()
    const refused = await refusalOf(createWebhook(control, tenant.admin, { url: 'https://hooks.example/', ...change }))
    expect(refused.kind).toBe(kind)
    expect(refused.errors[0]?.pointer).toBe(pointer)
    const { endpoint } = await newEndpoint()
    expect(await kindOf(updateWebhook(control, tenant.admin, { id: endpoint.id, seenVersion: endpoint.version, ...change }))).toBe(kind)
  })

  test('is changed from the version that was seen, by admins', async () => {
    const { control } = rooms()
    const { endpoint } = await newEndpoint({ description: 'first', types: ['a.b'] })
    const seen = { id: endpoint.id, seenVersion: endpoint.version }
    const changed = await updateWebhook(control, tenant.admin, { ...seen, description: '', types: [] })
    expect(changed).toMatchObject({ description: '', types: [], url: endpoint.url, version: endpoint.version + 1 })
    expect(await kindOf(updateWebhook(control, tenant.admin, { ...seen, description: 'late' }))).toBe('precondition_failed')
    expect(await kindOf(deleteWebhook(control, tenant.admin, seen))).toBe('precondition_failed')
    for (const attempt of [
      () => createWebhook(control, tenant.operator, { url: endpoint.url }),
      () => updateWebhook(control, tenant.operator, { ...seen, description: 'x' }),
      () => deleteWebhook(control, tenant.operator, seen),
      () => rotateWebhookSecret(control, tenant.operator, { id: endpoint.id }),
      () => testWebhook(control, tenant.viewer, { id: endpoint.id }),
    ])
      expect(await kindOf(attempt())).toBe('forbidden')
    const disabled = await updateWebhook(control, tenant.admin, { id: endpoint.id, seenVersion: changed.version, status: 'disabled' })
    expect(disabled.disabledReason).toBe(`Disabled by key:${tenant.admin.keyId}.`)
    await deleteWebhook(control, tenant.admin, { id: endpoint.id, seenVersion: disabled.version })
    expect(await kindOf(getWebhook(control, tenant.viewer, { id: endpoint.id }))).toBe('not_found')
  })

  test('and its deliveries are nothing to another project', async () => {
    const { control, them } = rooms()
    const { endpoint } = await newEndpoint()
    const delivery = await testWebhook(control, tenant.operator, { id: endpoint.id })
    const seen = { id: endpoint.id, seenVersion: endpoint.version }
    for (const attempt of [
      () => getWebhook(control, them.admin, seen),
      () => updateWebhook(control, them.admin, { ...seen, description: 'x' }),
      () => deleteWebhook(control, them.admin, seen),
      () => rotateWebhookSecret(control, them.admin, seen),
      () => testWebhook(control, them.admin, seen),
      () => resendDelivery(control, them.admin, { id: delivery.id }),
    ])
      expect(await kindOf(attempt())).toBe('not_found')
    expect((await listWebhooks(control, them.admin, {})).items).toEqual([])
    expect((await listDeliveries(control, them.admin, { endpointId: endpoint.id })).items).toEqual([])
  })

  test('has its deliveries listed newest first, by endpoint and by status', async () => {
    const { control, clock } = rooms()
    const { endpoint } = await newEndpoint()
    const events: string[] = []
    for (let index = 0; index < 3; index++) {
      clock.advance(1000)
      events.unshift((await happen()).id)
      await fanOutAll()
    }
    const list = async (more: object) =>
      (await listDeliveries(control, tenant.viewer, { endpointId: endpoint.id, ...more })).items.map(({ eventId }) => eventId)
    expect(await list({ status: 'pending' })).toEqual(events)
    expect(await list({ status: 'failed' })).toEqual([])
    expect((await list({})).slice(0, 3)).toEqual(events)
    await sendAll(new Receiver())
    expect(await list({ status: 'pending' })).toEqual([])
  })
})

describe('over a real connection', () => {
  test('a receiver sees the signed bytes', async () => {
    const { control } = rooms()
    const seen: WebhookRequest[] = []
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
        seen.push({ url: request.url ?? '', headers, body: Buffer.concat(parts).toString(), signal: new AbortController().signal })
        response.writeHead(202).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const { endpoint, secret } = await createWebhook(control, tenant.admin, { url: `http://127.0.0.1:${port}/hook` })
      const delivery = await testWebhook(control, tenant.operator, { id: endpoint.id })
      const sender = createWebhookSender({ clock: control.clock, allowedNetworks: control.settings.webhookAllowedNetworks })
      await sendDueDeliveries(control, sender)
      expect(seen.map((request) => isSigned(request, secret))).toEqual([true])
      expect(await deliveryOf({ id: delivery.eventId })).toMatchObject({ status: 'succeeded', lastStatusCode: 202 })
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })
})
