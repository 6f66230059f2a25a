import { VirtualClock } from '@understudy/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aTenant } from '../testing/tenant.ts'
import type { Tenant } from '../testing/tenant.ts'
import { startTestApp } from '../testing/test-app.ts'
import type { TestAnswer, TestApp } from '../testing/test-app.ts'

const clock = new VirtualClock(Date.UTC(2026, 2, 1))
let api: TestApp
let ours: Tenant
beforeAll(async () => {
  api = await startTestApp({ clock })
  ours = await aTenant(api, 'ours')
})
afterAll(() => api.close())

const createKey = (idempotencyKey: string, name = 'ci', key = ours.keys.admin): Promise<TestAnswer> =>
  api.inject({ method: 'POST', url: '/v1/api-keys', key, headers: { 'idempotency-key': idempotencyKey }, payload: { name, role: 'viewer' } })
const keyCount = async (): Promise<number> => (await api.inject({ method: 'GET', url: '/v1/api-keys', key: ours.keys.admin })).json.items.length
const record = (key: string) =>
  api.control.database.stores.idempotency.begin(
    {
      projectId: ours.projectId,
      key,
      fingerprint: 'other',
      status: undefined,
      body: undefined,
      headers: undefined,
      createdAt: new Date(clock.nowMs()),
    },
    new Date(0),
  )

test('a repetition gets the same status, headers and body, secret included, and changes nothing twice', async () => {
  const before = await keyCount()
  const first = await createKey('a')
  const again = await createKey('a')
  expect(first.status).toBe(201)
  expect([again.status, again.text, again.headers['location'], again.headers['content-type']]).toEqual([
    201,
    first.text,
    first.headers['location'],
    first.headers['content-type'],
  ])
  expect(again.headers['idempotency-replayed']).toBe('true')
  expect(await keyCount()).toBe(before + 1)
})

test('what is remembered of an answer with a secret does not show the secret', async () => {
  const { json } = await createKey('sealed')
  const stored = await record('sealed')
  expect(stored?.status).toBe(201)
  expect(stored?.body).not.toContain(json.secret)
  expect(JSON.parse(stored?.body ?? '')).toHaveProperty('ciphertext')
})

test('the same key with another body is refused', async () => {
  await createKey('b', 'one')
  const answer = await createKey('b', 'two')
  expect(answer.json).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
})

test('a refusal is remembered too', async () => {
  const url = `/v1/operations/${(await ours.anOperation({ status: 'succeeded' })).id}:cancel`
  const cancel = () => api.inject({ method: 'POST', url, key: ours.keys.operator, headers: { 'idempotency-key': 'c' } })
  const first = await cancel()
  const again = await cancel()
  expect(first.json).toMatchObject({ status: 409, code: 'conflict' })
  expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([409, first.text, 'true'])
})

test('another project may use the same key', async () => {
  const theirs = await aTenant(api, 'theirs')
  const [first, other] = [await createKey('d'), await createKey('d', 'ci', theirs.keys.admin)]
  expect([first.status, other.status]).toEqual([201, 201])
  expect(other.json.key.id).not.toBe(first.json.key.id)
})

test('while the first request runs, a repetition is told to come back', async () => {
  expect(await record('e')).toBeUndefined()
  const other = await createKey('e')
  expect(other.json).toMatchObject({ status: 422 })
  const url = '/v1/api-keys'
  const payload = { name: 'slow', role: 'viewer' }
  const [one, two] = await Promise.all(
    [0, 1].map(() => api.inject({ method: 'POST', url, key: ours.keys.admin, headers: { 'idempotency-key': 'f' }, payload })),
  )
  const statuses = [one?.status, two?.status].toSorted()
  expect(['201,201', '201,409']).toContain(statuses.join())
  const bodies = new Set([one, two].filter((answer) => answer?.status === 201).map((answer) => answer?.text))
  expect(bodies.size).toBe(1)
  const refused = [one, two].find((answer) => answer?.status === 409)
  if (refused) expect(refused.json).toMatchObject({ code: 'idempotency_in_progress', retryable: true })
})

test('a key whose process has died is free again after two minutes, and every key after a day', async () => {
  await createKey('g')
  await record('dead')
  clock.advance(121_000)
  expect((await createKey('dead')).status).toBe(201)
  expect((await createKey('g')).headers['idempotency-replayed']).toBe('true')
  clock.advance(86_400_000)
  const fresh = await createKey('g')
  expect([fresh.status, fresh.headers['idempotency-replayed']]).toEqual([201, undefined])
})

test('an answer that invites a repetition is not remembered', async () => {
  const resource = await ours.aProtectedResource()
  const failover = () =>
    api.inject({
      method: 'POST',
      url: `/v1/resources/${resource.id}:failover`,
      key: ours.keys.operator,
      headers: { 'idempotency-key': 'h' },
      payload: { reason: 'a rehearsal' },
    })
  const lockKey = `failover:${resource.id}`
  const holder = await ours.anOperation({ kind: 'failover', resourceId: resource.id, lockKey })
  const busy = await failover()
  expect(busy.json).toMatchObject({ status: 409, code: 'busy', retryable: true, operationId: holder.id })
  const [claimed] = await api.control.database.sagas.claim({
    runner: 'test',
    limit: 1,
    leaseMs: 1000,
    nowMs: clock.nowMs(),
    sagas: ['failover'],
    operationId: holder.id,
  })
  await api.control.database.sagas.finish(claimed!, { status: 'cancelled', atMs: clock.nowMs() })
  expect((await failover()).status).toBe(202)
})

test('a dry run needs no key', async () => {
  const resource = await ours.aProtectedResource()
  const url = `/v1/resources/${resource.id}:failover?validateOnly=true`
  const answer = await api.inject({ method: 'POST', url, key: ours.keys.operator, payload: { reason: 'just asking' } })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.json.plan).toMatchObject({ resourceId: resource.id, kind: 'replacement' })
})
