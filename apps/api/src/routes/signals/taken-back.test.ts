import { transitionsReconciler } from '@understudy/control'
import type { Account } from '@understudy/control'
import type { Json } from '@understudy/core'
import { VirtualClock } from '@understudy/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aTenant } from '../../testing/tenant.ts'
import type { Tenant } from '../../testing/tenant.ts'
import { startTestApp } from '../../testing/test-app.ts'
import type { TestAnswer, TestApp } from '../../testing/test-app.ts'

/** What clouds take back, in their own documents, forwarded and pushed in any order. */
const clock = new VirtualClock(Date.parse('2026-11-20T13:00:00Z'))
let api: TestApp
let ours: Tenant
beforeAll(async () => {
  api = await startTestApp({ clock })
  ours = await aTenant(api, 'ours')
})
afterAll(() => api.close())

interface Guest {
  readonly account: Account
  readonly nativeId: string
}
let serial = 0
async function guest(account: Account, nativeId: string): Promise<Guest> {
  await ours.aResource({ accountId: account.id, nativeId })
  return { account, nativeId }
}
const ec2 = async () => guest(await ours.anAccount(), `i-0b662ef99313${String(++serial).padStart(5, '0')}`)
const azure = async () =>
  guest(
    await ours.anAccount({
      ...{ provider: 'azure', nativeAccount: '11111111-2222-3333-4444-555555555555', region: 'westeurope' },
      ...{ settings: { resourceGroup: 'web' }, credentials: { source: 'managed-identity' } },
    }),
    `/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm${++serial}`,
  )
const google = async () =>
  guest(
    await ours.anAccount({
      ...{ provider: 'gcp', nativeAccount: 'my-project', region: 'europe-west1', settings: {}, credentials: { accessToken: 'a-token' } },
    }),
    `441000000000000${String(++serial).padStart(4, '0')}`,
  )

const forward = ({ account, nativeId }: Guest, documentKind: string, document: Json, more: object = {}): Promise<TestAnswer> =>
  api.inject({
    ...{ method: 'POST', url: '/v1/signals', key: ours.keys.operator },
    payload: { accountId: account.id, nativeId, documentKind, document, ...more },
  })
const read = async (id: string): Promise<TestAnswer['json']> =>
  (await api.inject({ method: 'GET', url: `/v1/signals/${id}`, key: ours.keys.viewer })).json
/** Taken, and what it became. */
async function taken(answering: Promise<TestAnswer>): Promise<TestAnswer['json']> {
  const { status, json, text } = await answering
  expect(status, text).toBe(201)
  clock.advance(1000)
  return json
}
const nothing = { status: 400, code: 'invalid_request' }

describe("Azure's scheduled events", () => {
  const eventId = (): string => `602d9444-d2cd-49c7-8624-${String(++serial).padStart(12, '0')}`
  const event = ({ nativeId }: Guest, EventId: string, more: object = {}) => ({
    ...{ EventId, EventType: 'Reboot', ResourceType: 'VirtualMachine', Resources: [nativeId.split('/').at(-1)!], EventStatus: 'Scheduled' },
    ...{ NotBefore: 'Fri, 20 Nov 2026 15:00:00 GMT', Description: '', EventSource: 'Platform', DurationInSeconds: -1 },
    ...more,
  })
  const say = (of: Guest, DocumentIncarnation: number, ...Events: readonly ReturnType<typeof event>[]) =>
    forward(of, 'scheduledevents', { DocumentIncarnation, Events })

  test('that are no longer named before their time are taken back, however often and in whatever order documents come', async () => {
    const machine = await azure()
    const [first, second] = [eventId(), eventId()]
    const announced = await taken(say(machine, 4, event(machine, first)))
    expect(announced).toMatchObject({ kind: 'maintenance', phase: 'announced', effect: 'reboot' })
    expect(announced).not.toHaveProperty('endedBy')
    // One from before the announcement comes late: it takes nothing back.
    expect((await say(machine, 3)).json).toMatchObject(nothing)
    const word = await taken(say(machine, 5))
    expect(word).toMatchObject({ phase: 'cancelled', kind: 'maintenance', effect: 'reboot', source: 'agent', deadline: '2026-11-20T15:00:00.000Z' })
    expect(word.raw).toEqual({ DocumentIncarnation: 5, Events: [] })
    expect(await read(announced.id)).toMatchObject({ endedBy: word.id })
    expect(await taken(say(machine, 5))).toMatchObject({ id: word.id, duplicates: 1 })
    // One in which the event still stands announces nothing any more.
    expect(await taken(say(machine, 4, event(machine, first)))).toMatchObject({ endedBy: word.id })
    const next = await taken(say(machine, 6, event(machine, second)))
    expect(next).toMatchObject({ phase: 'announced' })
    expect((await say(machine, 5)).json).toMatchObject({ id: word.id })
    expect(await read(next.id)).not.toHaveProperty('endedBy')
  })

  test('of which one is no longer named and another is: only the former is over', async () => {
    const machine = await azure()
    const [first, second] = [eventId(), eventId()]
    const { id } = await taken(say(machine, 1, event(machine, first)))
    await taken(say(machine, 2, event(machine, first), event(machine, second, { EventType: 'Freeze' })))
    const word = await taken(say(machine, 3, event(machine, second, { EventType: 'Freeze' })))
    expect(word).toMatchObject({ phase: 'cancelled', effect: 'reboot' })
    expect(await read(id)).toMatchObject({ endedBy: word.id })
    const { json } = await api.inject({ method: 'GET', url: '/v1/signals?kind=maintenance', key: ours.keys.viewer })
    const held = json.items.filter((item: { nativeId: string; endedBy?: string; phase: string }) => item.nativeId === machine.nativeId)
    expect(held.find(({ effect }: { effect: string }) => effect === 'freeze')).not.toHaveProperty('endedBy')
  })

  test('that had started are over when they are gone, and so are those whose time has come', async () => {
    const machine = await azure()
    const started = eventId()
    await taken(say(machine, 1, event(machine, started)))
    expect(await taken(say(machine, 2, event(machine, started, { EventStatus: 'Started', NotBefore: '' })))).toMatchObject({ phase: 'started' })
    expect(await taken(say(machine, 3))).toMatchObject({ phase: 'completed' })
    const due = new Date(clock.nowMs() + 60_000).toUTCString()
    await taken(say(machine, 4, event(machine, eventId(), { NotBefore: due })))
    clock.advance(120_000)
    expect(await taken(say(machine, 5))).toMatchObject({ phase: 'completed' })
  })

  test('are cancelled and completed by a word of Event Grid, about the event that the guest has announced', async () => {
    const machine = await azure()
    const pushes = { 'x-understudy-ingest-key': await ours.anIngestKey(machine.account) }
    const emit = async (id: string, EventStatus: string) => {
      const resourceInfo = {
        id: `${machine.nativeId}/providers/microsoft.maintenance/scheduledevents/${id}`,
        ...{ name: id, type: 'microsoft.maintenance/scheduledevents', location: 'westeurope' },
        properties: event(machine, id, { EventStatus, NotBefore: '' }),
      }
      const payload = [
        {
          ...{ id: `grid-${++serial}`, topic: '/subscriptions/1', subject: machine.nativeId, dataVersion: '1', metadataVersion: '1' },
          eventType: 'Microsoft.ResourceNotifications.MaintenanceResources.ScheduledEventEmitted',
          eventTime: new Date(clock.nowMs()).toISOString(),
          data: { resourceInfo, apiVersion: '2024-07-01' },
        },
      ]
      const { json, text } = await api.inject({ method: 'POST', url: `/v1/ingest/azure/${machine.account.id}`, headers: pushes, payload })
      expect(json.signals, text).toHaveLength(1)
      return read(json.signals[0].id)
    }
    for (const [status, phase] of [
      ['Canceled', 'cancelled'],
      ['Completed', 'completed'],
    ] as const) {
      const id = eventId()
      const announced = await taken(say(machine, serial, event(machine, id)))
      const word = await emit(id, status)
      expect(word).toMatchObject({ phase, source: 'push' })
      expect(await read(announced.id)).toMatchObject({ endedBy: word.id })
      clock.advance(1000)
    }
    // Announced by Event Grid, named by the guest in capitals, and no longer: one announcement, which is over.
    const id = eventId()
    const pushed = await emit(id, 'Scheduled')
    clock.advance(1000)
    expect(await taken(say(machine, serial, event(machine, id.toUpperCase())))).toMatchObject({ id: pushed.id, duplicates: 1 })
    const word = await taken(say(machine, serial + 1))
    expect(word).toMatchObject({ phase: 'completed' })
    expect(await read(pushed.id)).toMatchObject({ endedBy: word.id })
  })
})

test('what was made of it is cancelled, and every question about it is answered with 409 and why', async () => {
  const machine = await azure()
  const document = (DocumentIncarnation: number, ...Events: readonly Json[]) =>
    taken(forward(machine, 'scheduledevents', { DocumentIncarnation, Events: [...Events] }))
  const ahead = new Date(clock.nowMs() + 100 * 3_600_000).toUTCString()
  const event = { EventId: `named-${++serial}`, EventType: 'Redeploy', Resources: [machine.nativeId.split('/').at(-1)!], EventStatus: 'Scheduled' }
  const { resourceId } = await document(1, { ...event, NotBefore: ahead })
  await transitionsReconciler.pass(api.control)
  await document(2)
  await transitionsReconciler.pass(api.control)
  const list = await api.inject({ method: 'GET', url: `/v1/transitions?resourceId=${resourceId}&status=cancelled`, key: ours.keys.viewer })
  expect(list.json.items).toHaveLength(1)
  const [{ id, etag, startsAt }] = list.json.items
  const { json } = await api.inject({ method: 'GET', url: `/v1/transitions/${id}`, key: ours.keys.viewer })
  for (const option of json.options) expect(option).toMatchObject({ possible: false, how: 'It is cancelled: the cloud has taken it back.' })
  const ask = (verb: string, payload?: object) =>
    api.inject({
      ...{ method: 'POST', url: `/v1/transitions/${id}:${verb}`, key: ours.keys.operator },
      ...{ headers: { 'if-match': etag, 'idempotency-key': `${verb}-${id}` }, ...(payload === undefined ? {} : { payload }) },
    })
  const detail = expect.stringContaining('It is cancelled: the cloud has taken it back.') as string
  const until = new Date(Date.parse(startsAt) + 3_600_000).toISOString()
  expect((await ask('postpone', { until })).json).toMatchObject({ status: 409, code: 'conflict', detail, alternatives: [] })
  expect((await ask('cancel')).json).toMatchObject({ status: 409, code: 'conflict', detail })
})

describe("Google's metadata", () => {
  const upcoming = { window_start_time: '2026-12-06T10:00:00Z', can_reschedule: 'TRUE', type: 'SCHEDULED', maintenance_status: 'PENDING' }
  const say = (of: Guest, document: Json, more: object = {}) => forward(of, 'gcp-upcoming-maintenance', document, more)

  test('that names no maintenance any more takes it back; the same window announced again is announced anew', async () => {
    const machine = await google()
    const announced = await taken(say(machine, upcoming))
    // A document that was read before the announcement, and could not be handed in at once.
    const before = new Date(clock.nowMs() - 60_000).toISOString()
    expect((await say(machine, {}, { observedAt: before })).json).toMatchObject(nothing)
    const word = await taken(say(machine, { error: 'no notifications have been received yet, try again later' }))
    expect(word).toMatchObject({ phase: 'cancelled', deadline: '2026-12-06T10:00:00.000Z' })
    expect(await read(announced.id)).toMatchObject({ endedBy: word.id })
    expect((await say(machine, {})).json).toMatchObject({ id: word.id, duplicates: 1 })
    // Read before it was taken back, handed in afterwards.
    const stale = await taken(say(machine, upcoming, { observedAt: new Date(Date.parse(announced.observedAt) + 100).toISOString() }))
    expect(stale).toMatchObject({ endedBy: word.id })
    const again = await taken(say(machine, upcoming))
    expect(again).toMatchObject({ phase: 'announced' })
    expect([announced.id, stale.id]).not.toContain(again.id)
    expect(await read(again.id)).not.toHaveProperty('endedBy')
    expect(await taken(say(machine, 'NONE'))).toMatchObject({ phase: 'cancelled' })
    expect(await read(again.id)).toHaveProperty('endedBy')
  })

  test('of an event in a minute that is NONE again: before that minute is over it was taken back, afterwards it has happened', async () => {
    const machine = await google()
    const live = (value: string) => forward(machine, 'gcp-maintenance-event', value)
    await taken(live('MIGRATE_ON_HOST_MAINTENANCE'))
    expect(await taken(live('NONE'))).toMatchObject({ phase: 'cancelled', effect: 'freeze' })
    await taken(live('MIGRATE_ON_HOST_MAINTENANCE'))
    clock.advance(90_000)
    expect(await taken(live('NONE'))).toMatchObject({ phase: 'completed', effect: 'freeze' })
    // It speaks for itself only.
    const planned = await taken(say(machine, upcoming))
    await taken(live('NONE'))
    expect(await read(planned.id)).not.toHaveProperty('endedBy')
  })
})

describe("AWS's instance metadata and Health", () => {
  const entry = (EventId: string, more: object = {}) => ({
    ...{ Code: 'system-reboot', Description: 'scheduled reboot', State: 'active', EventId },
    ...{ NotBefore: '29 Nov 2026 13:15:18 GMT', NotAfter: '29 Nov 2026 17:15:18 GMT', ...more },
  })

  test('a list that no longer names an event takes it back; the history says whether it was called off or has happened', async () => {
    const instance = await ec2()
    const [one, two, three] = ['1', '2', '3'].map((end) => `instance-event-${String(++serial).padStart(16, '0')}${end}`) as [string, string, string]
    const ahead = (...entries: readonly Json[]) => forward(instance, 'events/maintenance/scheduled', entries)
    const first = await taken(ahead(entry(one)))
    expect(await taken(ahead())).toMatchObject({ phase: 'cancelled', effect: 'reboot' })
    expect(await read(first.id)).toHaveProperty('endedBy')
    const [second, third] = [await taken(ahead(entry(two))), await taken(ahead(entry(two), entry(three, { Code: 'instance-stop' })))]
    expect(third).toMatchObject({ effect: 'stop' })
    const history = [
      entry(two, { State: 'completed', Description: '[Completed] scheduled reboot' }),
      entry(three, { Code: 'instance-stop', State: 'canceled', Description: '[Canceled] scheduled stop' }),
    ]
    await taken(forward(instance, 'events/maintenance/history', history))
    const [ended, calledOff] = await Promise.all([second, third].map(async ({ id }) => read((await read(id)).endedBy)))
    expect([ended.phase, calledOff.phase]).toEqual(['completed', 'cancelled'])
  })

  test('what Health closes before its start ends what the guest has announced with that effect and start as well', async () => {
    const instance = await ec2()
    const headers = { 'x-understudy-ingest-key': await ours.anIngestKey(instance.account) }
    const push = async (id: string, statusCode: string, time = new Date(clock.nowMs()).toISOString()) => {
      const payload = {
        ...{ version: '0', id, 'detail-type': 'AWS Health Event', source: 'aws.health', account: '123456789012', region: 'us-east-1' },
        ...{ time, resources: [instance.nativeId] },
        detail: {
          ...{ eventArn: `arn:aws:health:us-east-1::event/EC2/x/${instance.nativeId}`, service: 'EC2', statusCode },
          ...{ eventTypeCode: 'AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED', eventTypeCategory: 'scheduledChange' },
          ...{ startTime: 'Sun, 29 Nov 2026 13:15:18 GMT', eventDescription: [{ language: 'en_US', latestDescription: 'words' }] },
          affectedEntities: [{ entityValue: instance.nativeId }],
        },
      }
      const { json } = await api.inject({ method: 'POST', url: `/v1/ingest/aws/${instance.account.id}`, headers, payload })
      clock.advance(1000)
      return read(json.signals[0].id)
    }
    const guestsOwn = await taken(forward(instance, 'events/maintenance/scheduled', [entry(`instance-event-${String(++serial).padStart(17, '0')}`)]))
    const other = await taken(forward(instance, 'events/maintenance/history', [entry('instance-event-00000000000000000', { State: 'canceled' })]))
    expect(other).toMatchObject({ phase: 'cancelled' })
    const announced = await push('health-1', 'upcoming')
    const word = await push('health-2', 'closed')
    expect(word).toMatchObject({ phase: 'cancelled', source: 'push' })
    for (const { id } of [announced, guestsOwn]) expect(await read(id)).toMatchObject({ endedBy: word.id })
    // Delivered again, in any order: nothing is announced anew.
    expect(await push('health-2', 'closed', word.observedAt)).toMatchObject({ id: word.id })
    expect(await push('health-1', 'upcoming', announced.observedAt)).toMatchObject({ endedBy: word.id })
    // Said of the same change later: it is announced again.
    expect(await push('health-3', 'upcoming')).not.toHaveProperty('endedBy')
  })
})
