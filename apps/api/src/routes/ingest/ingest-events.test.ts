import type { Account } from '@understudy/control'
import { VirtualClock } from '@understudy/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aTenant } from '../../testing/tenant.ts'
import type { Tenant } from '../../testing/tenant.ts'
import { startTestApp } from '../../testing/test-app.ts'
import type { TestAnswer, TestApp } from '../../testing/test-app.ts'

const clock = new VirtualClock(Date.UTC(2026, 2, 1, 12))
let api: TestApp
let ours: Tenant
let account: Account
let key: string
beforeAll(async () => {
  api = await startTestApp({ clock })
  ours = await aTenant(api, 'ours')
  account = await ours.anAccount()
  key = await ours.anIngestKey(account)
})
afterAll(() => api.close())

const push = (payload: unknown, headers: Record<string, string> = { 'x-understudy-ingest-key': key }): Promise<TestAnswer> =>
  api.inject({
    method: 'POST',
    url: `/v1/ingest/aws/${account.id}`,
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })

/** As EventBridge sends it. */
const interruption = (instance: string, id = `event-of-${instance}`) => ({
  version: '0',
  id,
  'detail-type': 'EC2 Spot Instance Interruption Warning',
  source: 'aws.ec2',
  account: '123456789012',
  time: new Date(clock.nowMs()).toISOString(),
  region: 'eu-central-1',
  resources: [`arn:aws:ec2:eu-central-1a:instance/${instance}`],
  detail: { 'instance-id': instance, 'instance-action': 'terminate' },
})

test('an interruption of a protected resource starts a failover, durably and with the bell rung', async () => {
  const resource = await ours.aResource({ accountId: account.id, tier: (await ours.aProtectedResource()).tier, status: 'protected' })
  const answer = await push(interruption(resource.nativeId))
  expect(answer.status, answer.text).toBe(202)
  const [signal] = answer.json.signals
  expect(signal).toMatchObject({ kind: 'interruption', outcome: 'accepted', nativeId: resource.nativeId, operationId: expect.stringMatching(/^op_/) })
  const operation = await api.inject({ method: 'GET', url: `/v1/operations/${signal.operationId}`, key: ours.keys.viewer })
  expect(operation.json).toMatchObject({ kind: 'failover', resourceId: resource.id, done: false, metadata: { priority: 1 } })
  expect(operation.json.metadata.deadline).toBe(new Date(clock.nowMs() + 120_000).toISOString())
  expect(api.rung).toContainEqual({ topic: 'operations.wake', key: signal.operationId })
  const again = await push(interruption(resource.nativeId))
  expect(again.json.signals).toMatchObject([{ outcome: 'duplicate', duplicateOf: signal.id }])
})

test('the key may come in its own header, as a bearer token, or as a password', async () => {
  const basic = `Basic ${Buffer.from(`understudy:${key}`).toString('base64')}`
  for (const headers of [{ 'x-understudy-ingest-key': key }, { authorization: `Bearer ${key}` }, { authorization: basic }]) {
    expect((await push({}, headers)).status).toBe(202)
  }
})

test('no key, a wrong one, an API key, another account and another provider are refused alike', async () => {
  const wrong = [
    {},
    { 'x-understudy-ingest-key': `usi_${'0'.repeat(40)}` },
    { authorization: `Bearer ${ours.keys.admin}` },
    { authorization: 'Basic %%%' },
  ]
  const answers = await Promise.all(wrong.map((headers) => push({}, headers)))
  const headers = { 'x-understudy-ingest-key': key }
  answers.push(await api.inject({ method: 'POST', url: `/v1/ingest/aws/${(await ours.anAccount()).id}`, headers, payload: {} }))
  answers.push(await api.inject({ method: 'POST', url: `/v1/ingest/aws/acc_${'0'.repeat(20)}`, headers, payload: {} }))
  answers.push(await api.inject({ method: 'POST', url: `/v1/ingest/azure/${account.id}`, headers, payload: {} }))
  const details = new Set(answers.map(({ json }) => json.detail))
  for (const answer of answers) expect(answer.json).toMatchObject({ status: 401, code: 'unauthenticated' })
  expect(details.size).toBe(1)
})

test('shapes nobody knows are answered 202 with what was ignored and why', async () => {
  for (const body of [{}, { hello: 'world' }, '[null]', '1', '"text"', 'true', { source: 'aws.ec2' }, { detail: null, 'detail-type': 7 }]) {
    const answer = await push(body)
    expect(answer.status, answer.text).toBe(202)
    expect(answer.json).toMatchObject({ signals: [], ignored: [{ index: 0, reason: expect.stringMatching(/\w/) }] })
  }
  expect((await push([])).json).toEqual({ signals: [], ignored: [] })
})

test('an array is read item by item, and each answer says which item it is about', async () => {
  const resource = await ours.aResource({ accountId: account.id })
  const { json } = await push([{ hello: 'world' }, interruption(resource.nativeId), 42])
  expect(json.signals).toMatchObject([{ nativeId: resource.nativeId, outcome: 'recorded' }])
  expect(json.ignored.map(({ index }: { index: number }) => index)).toEqual([0, 2])
})

test('an SNS envelope is opened, whatever its content type; its confirmation is a matter for a person', async () => {
  const resource = await ours.aResource({ accountId: account.id })
  const headers = { 'x-understudy-ingest-key': key, 'content-type': 'text/plain; charset=UTF-8' }
  const notification = { Type: 'Notification', MessageId: 'm', Message: JSON.stringify(interruption(resource.nativeId, 'through-sns')) }
  expect((await push(notification, headers)).json.signals).toMatchObject([{ nativeId: resource.nativeId }])
  const confirmation = { Type: 'SubscriptionConfirmation', Message: 'You have chosen …', SubscribeURL: 'https://169.254.169.254/' }
  expect((await push(confirmation, headers)).json).toMatchObject({ signals: [], ignored: [{ reason: expect.stringContaining('SubscribeURL') }] })
  expect((await push({ Type: 'Notification', Message: 'not json' }, headers)).json).toMatchObject({
    ignored: [{ reason: expect.stringContaining('not JSON') }],
  })
})

test('what is not JSON, empty, or too large is refused', async () => {
  expect((await push('{')).json).toMatchObject({ status: 400, code: 'malformed_json' })
  for (const none of ['', 'null']) expect((await push(none)).json).toMatchObject({ status: 400, code: 'invalid_request' })
  expect((await push(`{"a":"${'x'.repeat(256 * 1024)}"}`)).json).toMatchObject({ status: 413, code: 'payload_too_large' })
  expect((await push('{"a":"\\u0000"}')).json).toMatchObject({ status: 400, code: 'invalid_request' })
})
