import { createApiKey, revokeApiKey } from '@understudy/control'
import {
  createUnderstudyClient,
  dataOf,
  followEvents,
  followOperation,
  ProblemError,
  waitForOperation,
  OperationTimeout,
} from '@understudy/contract/client'
import type { FollowedEvent, OperationUpdate, UnderstudyClient } from '@understudy/contract/client'
import { systemClock } from '@understudy/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aTenant } from '../testing/tenant.ts'
import type { Tenant } from '../testing/tenant.ts'
import { startTestApp } from '../testing/test-app.ts'
import type { TestApp } from '../testing/test-app.ts'

let api: TestApp
let ours: Tenant
let theirs: Tenant
let baseUrl: string
let client: UnderstudyClient
beforeAll(async () => {
  api = await startTestApp({ clock: systemClock({ keepAlive: true }), settings: { streamPollMs: 10, streamHeartbeatMs: 50, streamsPerKeyMax: 5 } })
  ours = await aTenant(api, 'ours')
  theirs = await aTenant(api, 'theirs')
  baseUrl = await api.app.listen({ host: '127.0.0.1', port: 0 })
  client = createUnderstudyClient({ baseUrl, apiKey: ours.keys.operator })
})
afterAll(() => api.close())

const appendEvent = (projectId: string, n: number) =>
  api.control.database.stores.events.append([
    {
      id: api.control.ids.next('event'),
      projectId,
      type: 'io.understudy.tests.counted.v1',
      subject: `tests/${n}`,
      at: new Date(api.clock.nowMs()),
      data: { n },
    },
  ])
const numberOf = (event: FollowedEvent): number => (event.data as { n: number }).n

/** Reads a stream of the project's own test events until `count` have come. */
async function take(count: number, options: Parameters<typeof followEvents>[1], onOpen?: () => Promise<void>): Promise<FollowedEvent[]> {
  const stop = new AbortController()
  const seen: FollowedEvent[] = []
  const events = followEvents(client, { ...options, types: ['io.understudy.tests.'], signal: stop.signal })
  await onOpen?.()
  for await (const event of events) {
    seen.push(event)
    if (seen.length === count) stop.abort()
  }
  return seen
}

test('the event stream resumes after any event, gives each once and in order, and shows no other project', async () => {
  for (let n = 0; n < 10; n++) {
    await appendEvent(ours.projectId, n)
    await appendEvent(theirs.projectId, 1000 + n)
  }
  const first = await take(10, { afterSequence: '0' })
  expect(first.map(numberOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(first[0]).toMatchObject({
    specversion: '1.0',
    type: 'io.understudy.tests.counted.v1',
    subject: 'tests/0',
    datacontenttype: 'application/json',
  })
  const resumed = await take(5, { afterSequence: first[4]!.sequence })
  expect(resumed.map(numberOf)).toEqual([5, 6, 7, 8, 9])
})

test('events that happen while the past is being read come after it, once', async () => {
  const from = (await take(1, { afterSequence: '0' }))[0]!.sequence
  const writing = (async () => {
    for (let n = 10; n < 40; n++) await appendEvent(ours.projectId, n)
  })()
  const seen = await take(39, { afterSequence: from })
  await writing
  expect(seen.map(numberOf)).toEqual(Array.from({ length: 39 }, (_, i) => i + 1))
})

test('the same events are pages of JSON', async () => {
  const page = await dataOf(client.GET('/v1/events', { params: { query: { pageSize: 3, types: 'io.understudy.tests.counted.v1' } } }))
  if (!('items' in page)) throw new Error('a page is JSON')
  expect(page.items.map((event) => numberOf(event))).toEqual([0, 1, 2])
  const next = await dataOf(
    client.GET('/v1/events', { params: { query: { pageSize: 3, types: 'io.understudy.tests.counted.v1', pageToken: page.nextPageToken! } } }),
  )
  if (!('items' in next)) throw new Error('a page is JSON')
  expect(next.items.map((event) => numberOf(event))).toEqual([3, 4, 5])
})

test('an operation is followed step by step until it has ended', async () => {
  const { id } = await ours.anOperation()
  const { sagas } = api.control.database
  const [claimed] = await sagas.claim({
    runner: 'test',
    limit: 1,
    leaseMs: 60_000,
    nowMs: api.clock.nowMs(),
    sagas: ['account.verify'],
    operationId: id,
  })
  const seen: OperationUpdate[] = []
  const steps = [
    () => sagas.append(claimed!, [{ sequence: 1, type: 'started', step: 'identity', attempt: 1, data: null, atMs: api.clock.nowMs() }]),
    () => sagas.note(claimed!, { step: 'identity', message: 'The cloud answered', atMs: api.clock.nowMs() }),
    () => sagas.append(claimed!, [{ sequence: 2, type: 'succeeded', step: 'identity', attempt: 1, data: { hidden: true }, atMs: api.clock.nowMs() }]),
    () => sagas.finish(claimed!, { status: 'succeeded', output: { account: '123456789012' }, atMs: api.clock.nowMs() }),
  ]
  for await (const update of followOperation(client, id)) {
    seen.push(update)
    await steps.shift()?.()
  }
  const entries = seen.flatMap((update) => (update.type === 'timeline' ? [update.entry] : []))
  expect(entries.map(({ type }) => type).toSorted()).toEqual(['note', 'step_started', 'step_succeeded'])
  expect(JSON.stringify(entries)).not.toContain('hidden')
  expect(seen.at(-1)).toMatchObject({ type: 'done', operation: { id, done: true, status: 'succeeded', response: { account: '123456789012' } } })
})

test('a returning follower of an operation misses nothing and sees nothing twice', async () => {
  const { operation } = await ours.aStuckOperation()
  const read = async (lastEventId: string | undefined): Promise<string[]> => {
    const stop = new AbortController()
    const headers = { accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) }
    const { body } = await client.open(`/v1/operations/${operation.id}/events`, headers, stop.signal)
    let text = ''
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.includes('event: operation')) break
    }
    stop.abort()
    return [...text.matchAll(/^id: (\S+)\nevent: timeline$/gm)].map(([, id]) => id!)
  }
  const all = await read(undefined)
  expect(all).toHaveLength(5)
  expect(await read(all[2])).toEqual(all.slice(3))
  expect(await read(all[4])).toEqual([])
})

test('a stream ends when its key is revoked', async () => {
  const { key, secret } = await createApiKey(api.control, ours.admin, { name: 'short', role: 'viewer' })
  const response = await createUnderstudyClient({ baseUrl, apiKey: secret }).open('/v1/events', { accept: 'text/event-stream' })
  const text = response.text()
  await revokeApiKey(api.control, ours.admin, { id: key.id })
  expect(await text).toContain(': heartbeat')
})

test('a key may hold only so many streams', async () => {
  const own = createUnderstudyClient({ baseUrl, apiKey: ours.keys.viewer })
  const stop = new AbortController()
  for (let i = 0; i < 5; i++) await own.open('/v1/events', { accept: 'text/event-stream' }, stop.signal)
  await expect(own.open('/v1/events', { accept: 'text/event-stream' }, stop.signal)).rejects.toMatchObject({ status: 429, code: 'rate_limited' })
  stop.abort()
})

test('the client adds a key to what changes something, and throws what is refused as a typed problem', async () => {
  const admin = createUnderstudyClient({ baseUrl, apiKey: ours.keys.admin })
  const made = await dataOf(admin.POST('/v1/api-keys', { body: { name: 'from the client', role: 'viewer' } }))
  expect(made.secret).toMatch(/^usk_/)
  const refused = await admin.GET('/v1/resources/{id}', { params: { path: { id: `res_${'0'.repeat(20)}` } } }).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(ProblemError)
  expect(refused).toMatchObject({ status: 404, code: 'not_found', retryable: false, requestId: expect.stringMatching(/^req_/) })
  const gone = await admin.DELETE('/v1/api-keys/{id}', { params: { path: { id: made.key.id } } })
  expect(gone.response.status).toBe(204)
})

test('waiting for an operation answers when it is stuck, and gives up in time', async () => {
  const { operation } = await ours.aStuckOperation()
  expect(await waitForOperation(client, operation.id, { timeoutMs: 60_000 })).toMatchObject({
    status: 'stuck',
    error: { code: 'provider_unauthorized' },
  })
  const pending = await ours.anOperation()
  await expect(waitForOperation(client, pending.id, { timeoutMs: 30, pollMs: 10 })).rejects.toBeInstanceOf(OperationTimeout)
})

test('bytes that are not HTTP are answered with a problem too', async () => {
  const { connect } = await import('node:net')
  const { port, hostname } = new URL(baseUrl)
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write('HELO example\r\n\r\n'))
    let received = ''
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
    socket.on('end', () => resolve(received))
    socket.on('error', reject)
  })
  expect(text).toMatch(/^HTTP\/1.1 400 Bad Request/)
  expect(text).toContain('"code":"invalid_request"')
})

test('closing the server ends its streams cleanly', async () => {
  const own = await startTestApp({ clock: systemClock({ keepAlive: true }), settings: { streamPollMs: 10 } })
  const url = await own.app.listen({ host: '127.0.0.1', port: 0 })
  const response = await createUnderstudyClient({ baseUrl: url, apiKey: own.rootKey }).open('/v1/events', { accept: 'text/event-stream' })
  const text = response.text()
  await own.close()
  expect(await text).toContain('retry: 2000')
})
