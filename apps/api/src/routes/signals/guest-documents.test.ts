import type { Account } from '@understudy/control'
import type { Json } from '@understudy/core'
import { VirtualClock } from '@understudy/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aTenant } from '../../testing/tenant.ts'
import type { Tenant } from '../../testing/tenant.ts'
import { startTestApp } from '../../testing/test-app.ts'
import type { TestAnswer, TestApp } from '../../testing/test-app.ts'

/** Documents as the clouds' own services gave them, byte for byte, where they were seen or published. */
const startMs = Date.parse('2026-11-20T13:14:44Z')
const clock = new VirtualClock(startMs)
let api: TestApp
let ours: Tenant
beforeAll(async () => {
  api = await startTestApp({ clock })
  ours = await aTenant(api, 'ours')
})
afterAll(() => api.close())

const forward = (body: Record<string, unknown>): Promise<TestAnswer> =>
  api.inject({ method: 'POST', url: '/v1/signals', key: ours.keys.operator, payload: body })

interface Guest {
  readonly account: Account
  readonly nativeId: string
}
let serial = 0
const ec2 = async (): Promise<Guest> => ({ account: await ours.anAccount(), nativeId: `i-0b662ef99313${String(++serial).padStart(5, '0')}` })
const machine = async (): Promise<Guest> => ({
  account: await ours.anAccount({
    provider: 'azure',
    nativeAccount: '11111111-2222-3333-4444-555555555555',
    region: 'westeurope',
    settings: { resourceGroup: 'stand-ins' },
    credentials: { source: 'managed-identity' },
  }),
  nativeId: '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/myvm',
})
const google = async (): Promise<Guest> => ({
  account: await ours.anAccount({
    provider: 'gcp',
    nativeAccount: 'my-project',
    region: 'europe-west1',
    settings: {},
    credentials: { accessToken: 'a-token' },
  }),
  nativeId: `441000000000000${String(++serial).padStart(4, '0')}`,
})

/** The signal that a document became, as `GET /v1/signals/{id}` shows it. */
async function becomes(guest: Guest, document: Json, documentKind?: string): Promise<TestAnswer['json']> {
  await ours.aResource({ accountId: guest.account.id, nativeId: guest.nativeId })
  const created = await forward({
    accountId: guest.account.id,
    nativeId: guest.nativeId,
    document,
    ...(documentKind === undefined ? {} : { documentKind }),
  })
  expect(created.status, created.text).toBe(201)
  const { json } = await api.inject({ method: 'GET', url: `/v1/signals/${created.json.id}`, key: ours.keys.viewer })
  expect(json).toMatchObject({ accountId: guest.account.id, nativeId: guest.nativeId, source: 'agent', raw: document })
  expect(json.resourceId).toMatch(/^res_/)
  return json
}

const received = new Date(startMs).toISOString()

describe("documents of AWS's instance metadata", () => {
  test.each([
    ['hibernate', received],
    ['stop', '2026-11-20T13:16:44.000Z'],
    ['terminate', '2026-11-20T13:16:44.000Z'],
  ])('spot/instance-action %s is an interruption with the deadline it names; a hibernation begins at once', async (action, deadline) => {
    expect(await becomes(await ec2(), { action, time: '2026-11-20T13:16:44Z' }, 'spot/instance-action')).toMatchObject({
      kind: 'interruption',
      effect: action,
      deadline,
      confidence: 'certain',
      cause: 'platform',
      canExpedite: false,
    })
  })

  test('whose time moves with every look is one signal all the same', async () => {
    const guest = await ec2()
    const look = (time: string) =>
      forward({
        accountId: guest.account.id,
        nativeId: guest.nativeId,
        document: { action: 'terminate', time },
        documentKind: 'spot/instance-action',
      })
    const first = await look('2026-11-20T13:16:44Z')
    const second = await look('2026-11-20T13:16:45Z')
    expect(second.json).toMatchObject({ id: first.json.id, duplicates: 1 })
  })

  test('a rebalance recommendation is likely, and has no deadline', async () => {
    const json = await becomes(await ec2(), { noticeTime: '2026-11-20T13:14:45Z' }, 'events/recommendations/rebalance')
    expect(json).toMatchObject({
      kind: 'rebalance',
      effect: 'unknown',
      confidence: 'likely',
      cause: 'platform',
      observedAt: '2026-11-20T13:14:45.000Z',
    })
    expect(json).not.toHaveProperty('deadline')
  })

  test('scheduled maintenance says until when it can be put off, and that a stop and a start would have it now', async () => {
    const event = {
      Code: 'instance-stop',
      Description: 'The instance is running on degraded hardware',
      State: 'active',
      EventId: 'instance-event-1234567890abcdef0',
      NotBefore: '20 Nov 2026 13:15:18 GMT',
      NotAfter: '27 Nov 2026 13:15:18 GMT',
      NotBeforeDeadline: '29 Nov 2026 13:15:18 GMT',
    }
    expect(await becomes(await ec2(), [event], 'events/maintenance/scheduled')).toMatchObject({
      kind: 'maintenance',
      effect: 'stop',
      deadline: '2026-11-20T13:15:18.000Z',
      canPostponeUntil: '2026-11-29T13:15:18.000Z',
      canExpedite: true,
      cause: 'platform',
    })
  })
})

describe("Azure's scheduled events", () => {
  const scheduled = (event: Record<string, Json>) => ({
    DocumentIncarnation: 4,
    Events: [
      {
        EventId: '602d9444-d2cd-49c7-8624-8643e7171297',
        EventType: 'Preempt',
        ResourceType: 'VirtualMachine',
        Resources: ['myvm'],
        EventStatus: 'Scheduled',
        NotBefore: 'Mon, 23 Jun 2026 10:00:00 GMT',
        Description: '',
        EventSource: 'Platform',
        DurationInSeconds: -1,
        ...event,
      },
    ],
  })
  test.each([
    ['Preempt', 'interruption', 'terminate'],
    ['Terminate', 'interruption', 'terminate'],
    ['Freeze', 'maintenance', 'freeze'],
    ['Reboot', 'maintenance', 'reboot'],
    ['Redeploy', 'maintenance', 'redeploy'],
  ])('%s is %s with the time of the document, and can be had at once by acknowledging it', async (EventType, kind, effect) => {
    expect(await becomes(await machine(), scheduled({ EventType }), 'scheduledevents')).toMatchObject({
      kind,
      effect,
      deadline: '2026-06-23T10:00:00.000Z',
      confidence: 'certain',
      cause: 'platform',
      canExpedite: true,
    })
  })

  test('the id of a machine may come in any case: it is the same machine', async () => {
    const guest = await machine()
    await ours.aResource({ accountId: guest.account.id, nativeId: guest.nativeId })
    const forwarded = await forward({
      accountId: guest.account.id,
      nativeId: guest.nativeId.toUpperCase(),
      document: scheduled({ EventId: 'in-another-case' }),
    })
    expect(forwarded.json, forwarded.text).toMatchObject({ nativeId: guest.nativeId, resourceId: expect.stringMatching(/^res_/) })
    const like = await forward({
      accountId: guest.account.id,
      nativeId: guest.nativeId.replace('web', 'we_'),
      document: scheduled({ EventId: 'like' }),
    })
    expect(like.json).toMatchObject({ outcome: 'unmatched' })
  })

  test('of the machine with the longest id that Azure gives become its signal, and another of that length can be imported', async () => {
    const { account } = await machine()
    const subscription = '11111111-2222-3333-4444-555555555555'
    const name = 'm'.repeat(64)
    const nativeId = `/subscriptions/${subscription}/resourceGroups/${'g'.repeat(90)}/providers/Microsoft.Compute/virtualMachines/${name}`
    expect(nativeId.length).toBeGreaterThan(256)
    expect(await becomes({ account, nativeId }, scheduled({ Resources: [name] }))).toMatchObject({ kind: 'interruption' })
    const importing = async (length: number) => {
      const payload = { accountId: account.id, nativeId: nativeId.padEnd(length, 'x') }
      const headers = { 'idempotency-key': `import-${length}` }
      return (await api.inject({ method: 'POST', url: '/v1/resources:import', key: ours.keys.operator, headers, payload })).status
    }
    expect([await importing(nativeId.length + 1), await importing(512), await importing(513)]).toEqual([202, 202, 400])
  })

  test('a change that a person has asked for says so', async () => {
    expect(await becomes(await machine(), scheduled({ EventType: 'Reboot', EventSource: 'User' }))).toMatchObject({ cause: 'user' })
  })

  test('one that has started is happening now and cannot be hurried', async () => {
    const started = await becomes(await machine(), scheduled({ EventType: 'Freeze', EventStatus: 'Started', NotBefore: '' }))
    expect(started).toMatchObject({ deadline: received, canExpedite: false })
  })

  test('an empty list, and events of other machines, say nothing', async () => {
    const { account, nativeId } = await machine()
    for (const document of [{ DocumentIncarnation: 1, Events: [] }, scheduled({ Resources: ['another'] })]) {
      expect((await forward({ accountId: account.id, nativeId, document })).json).toMatchObject({ status: 400, code: 'invalid_request' })
    }
  })
})

describe("values of Google's metadata", () => {
  test.each(['gcp-preempted', 'preempted', 'instance/preempted'])('TRUE as %s is an interruption 30 s from now', async (documentKind) => {
    expect(await becomes(await google(), 'TRUE', documentKind)).toMatchObject({
      kind: 'interruption',
      effect: 'stop',
      deadline: new Date(startMs + 30_000).toISOString(),
      confidence: 'certain',
      cause: 'platform',
    })
  })

  test.each([
    ['MIGRATE_ON_HOST_MAINTENANCE', 'freeze'],
    ['TERMINATE_ON_HOST_MAINTENANCE', 'stop'],
  ])('maintenance-event %s is maintenance', async (value, effect) => {
    expect(await becomes(await google(), value, 'gcp-maintenance-event')).toMatchObject({ kind: 'maintenance', effect, cause: 'platform' })
  })

  test('upcoming maintenance that may be rescheduled can be had at once', async () => {
    const document = {
      window_start_time: '2026-11-25T00:00:00.000Z',
      window_end_time: '2026-11-25T04:00:00.000Z',
      can_reschedule: 'TRUE',
      type: 'SCHEDULED',
    }
    expect(await becomes(await google(), document, 'gcp-upcoming-maintenance')).toMatchObject({
      kind: 'maintenance',
      deadline: '2026-11-25T00:00:00.000Z',
      canExpedite: true,
    })
  })

  test('FALSE and NONE say nothing', async () => {
    const { account, nativeId } = await google()
    for (const [document, documentKind] of [
      ['FALSE', 'gcp-preempted'],
      ['NONE', 'gcp-maintenance-event'],
    ])
      expect((await forward({ accountId: account.id, nativeId, document, documentKind })).json).toMatchObject({
        status: 400,
        code: 'invalid_request',
      })
  })
})

test('a change that AWS Health announces through EventBridge names every instance it concerns', async () => {
  const { account, nativeId } = await ec2()
  await ours.aResource({ accountId: account.id, nativeId })
  const event = {
    version: '0',
    id: '7bf73129-1428-4cd3-a780-95db273d1602',
    'detail-type': 'AWS Health Event',
    source: 'aws.health',
    account: '123456789012',
    time: '2016-06-05T06:27:57Z',
    region: 'region',
    resources: [nativeId],
    detail: {
      eventArn: 'arn:aws:health:region::event/id',
      service: 'EC2',
      eventTypeCode: 'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED',
      eventTypeCategory: 'scheduledChange',
      startTime: 'Sat, 05 Dec 2026 15:10:09 GMT',
      endTime: 'Sat, 05 Dec 2026 15:10:09 GMT',
      eventDescription: [{ language: 'en_US', latestDescription: 'A description of the event will be provided here' }],
      affectedEntities: [{ entityValue: nativeId, tags: { stage: 'prod', app: 'my-app' } }],
    },
  }
  const headers = { 'x-understudy-ingest-key': await ours.anIngestKey(account) }
  const pushed = await api.inject({ method: 'POST', url: `/v1/ingest/aws/${account.id}`, headers, payload: event })
  const { json } = await api.inject({ method: 'GET', url: `/v1/signals/${pushed.json.signals[0].id}`, key: ours.keys.viewer })
  expect(json).toMatchObject({
    kind: 'maintenance',
    effect: 'stop',
    deadline: '2026-12-05T15:10:09.000Z',
    confidence: 'certain',
    cause: 'platform',
    canExpedite: true,
    source: 'push',
  })
})

test("a person's own signal may say whose doing it is and what could be done about it", async () => {
  const { id } = await ours.aResource()
  const { json, text } = await forward({
    resourceId: id,
    kind: 'maintenance',
    effect: 'reboot',
    deadline: '2026-11-21T10:00:00+01:00',
    cause: 'user',
    canPostponeUntil: '2026-11-22T10:00:00+01:00',
    canExpedite: true,
  })
  expect(json, text).toMatchObject({ cause: 'user', canPostponeUntil: '2026-11-22T09:00:00.000Z', canExpedite: true, confidence: 'certain' })
})
