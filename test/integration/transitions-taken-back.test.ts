import { cancelTransition, getTransition, ingestDocuments, postponeTransition } from '@understudy/control'
import type { Operation } from '@understudy/control'
import { expect, test } from 'vitest'
import { usePlaces } from './announced-place.ts'

const hourMs = 3_600_000
const { rooms, place, schedule, bringAlong, announced, look, transitionsOf, operationsOf, finishAll, resourceOf, toldOf, only, say } = usePlaces()

test('an announcement that the cloud takes back ends its transition, once, and people are told by whom; the next one is another', async () => {
  const at = await place()
  const event = await announced(at, 100)
  await look()
  const { id } = await only(at)
  rooms().clock.advance(hourMs)
  rooms().dc.maintenance.cancel(at.resource.nativeId, event)
  await look()
  await look()
  const over = await only(at)
  expect(over).toMatchObject({ id, status: 'cancelled' })
  const told = await toldOf(at, over)
  expect(told.map(({ what }) => what)).toEqual(['announced', 'cancelled'])
  const word = await rooms().control.database.stores.signals.find(at.tenant.projectId, (told[1]!.data as { signalId: string }).signalId)
  expect(word).toMatchObject({ kind: 'maintenance', phase: 'cancelled', changeId: event, resourceId: at.resource.id, outcome: 'recorded' })
  expect(told[1]?.data).toMatchObject({ takenBackBy: 'cloud', recoveryPoint: 'none', shadows: 'unchanged', source: 'cloud' })
  const announcement = await rooms().control.database.stores.signals.find(at.tenant.projectId, over.signalIds[0]!)
  expect(announcement).toMatchObject({ phase: 'announced', endedBy: word!.id })

  const { transition, options } = await getTransition(rooms().control, at.tenant.viewer, { id })
  expect(options.filter(({ possible }) => possible)).toEqual([])
  const asked = { id, seenVersion: transition.version }
  const until = new Date(transition.startsAt.getTime() + hourMs)
  const refused = { kind: 'conflict', message: expect.stringMatching(/It is cancelled: the cloud has taken it back/) as string }
  await expect(postponeTransition(rooms().control, at.tenant.operator, { ...asked, until })).rejects.toMatchObject(refused)
  await expect(cancelTransition(rooms().control, at.tenant.operator, asked)).rejects.toMatchObject(refused)

  rooms().clock.advance(hourMs)
  await announced(at, 100)
  await look()
  expect((await transitionsOf(at)).map(({ status }) => status).toSorted()).toEqual(['announced', 'cancelled'])
})

test('what was made for it alone is given back: the tier that was lent, and a capture that still runs', async () => {
  const at = await place({ transitions: { leadSeconds: 200 * 3600, shadow: 'separate' } })
  const event = await announced(at, 100)
  await look()
  expect(await only(at)).toMatchObject({ status: 'prepared', lentTier: true })
  expect((await resourceOf(at)).tier).toMatchObject({ readiness: 'hot', zones: 'other' })
  const [capture] = (await operationsOf(at)).filter(({ kind }) => kind === 'recovery.capture')
  rooms().clock.advance(60_000)
  rooms().dc.maintenance.cancel(at.resource.nativeId, event)
  await look()
  const over = await only(at)
  expect(over).toMatchObject({ status: 'cancelled', lentTier: false })
  const { tier, status } = await resourceOf(at)
  expect({ tier, status }).toEqual({ tier: undefined, status: 'unprotected' })
  expect((await toldOf(at, over)).at(-1)?.data).toMatchObject({ recoveryPoint: 'given_up', shadows: 'released' })
  expect(await rooms().finish(capture!)).toMatchObject({ status: 'cancelled' })
  // It had not begun: what a sweep finds later to be of an operation that has ended.
  expect((await rooms().control.database.stores.recoveryPoints.findById(over.pointId!))?.status).toBeOneOf(['failed', 'capturing'])
})

test('a point that is kept already stays, and is free for the retention of its policy', async () => {
  const at = await place({ transitions: { leadSeconds: 200 * 3600 } })
  const event = await announced(at, 100)
  await look()
  await finishAll(at)
  const { pointId } = await only(at)
  const inUse = () => rooms().control.database.stores.recoverySchedules.inUse([pointId!])
  expect((await inUse()).size).toBe(1)
  rooms().clock.advance(60_000)
  rooms().dc.maintenance.cancel(at.resource.nativeId, event)
  await look()
  const over = await only(at)
  expect((await toldOf(at, over)).at(-1)).toMatchObject({ what: 'cancelled', data: { recoveryPoint: 'kept' } })
  expect(await rooms().control.database.stores.recoveryPoints.findById(pointId!)).toMatchObject({ status: 'usable' })
  expect((await inUse()).size).toBe(0)
})

test('a tier that a person has given meanwhile stays theirs, and another change that is near takes a loan over', async () => {
  const at = await place({ transitions: { leadSeconds: 200 * 3600, shadow: 'any' } })
  const [stop, reboot] = [await announced(at, 100), await announced(at, 120, 'system-reboot')]
  await look()
  await finishAll(at)
  await look()
  const lent = () => transitionsOf(at).then((found) => found.map(({ effect, status, lentTier }) => ({ effect, status, lentTier })))
  expect(await lent()).toEqual([
    { effect: 'stop', status: 'prepared', lentTier: true },
    { effect: 'reboot', status: 'prepared', lentTier: false },
  ])
  rooms().clock.advance(60_000)
  rooms().dc.maintenance.cancel(at.resource.nativeId, stop)
  await look()
  expect(await lent()).toEqual([
    { effect: 'stop', status: 'cancelled', lentTier: false },
    { effect: 'reboot', status: 'prepared', lentTier: true },
  ])
  const { resources } = rooms().control.database.stores
  const promised = await resourceOf(at)
  expect(promised.tier).toBeDefined()
  await resources.update({ ...promised, tier: { ...promised.tier!, readiness: 'parked' } }, promised.version)
  rooms().clock.advance(60_000)
  rooms().dc.maintenance.cancel(at.resource.nativeId, reboot)
  await look()
  expect((await lent())[1]).toEqual({ effect: 'reboot', status: 'cancelled', lentTier: false })
  expect((await resourceOf(at)).tier).toMatchObject({ readiness: 'parked' })
})

test('a loan is not taken back while a failover needs it', async () => {
  const at = await place({ transitions: { leadSeconds: 200 * 3600, shadow: 'any' } })
  const event = await announced(at, 100)
  await look()
  const busy = await resourceOf(at)
  const { resources } = rooms().control.database.stores
  await resources.update({ ...busy, status: 'failing-over' }, busy.version)
  rooms().clock.advance(60_000)
  rooms().dc.maintenance.cancel(at.resource.nativeId, event)
  await look()
  expect(await only(at)).toMatchObject({ status: 'cancelled', lentTier: true })
  expect((await resourceOf(at)).tier).toBeDefined()
  const done = await resourceOf(at)
  await resources.update({ ...done, status: 'degraded' }, done.version)
  await look()
  expect(await only(at)).toMatchObject({ lentTier: false })
  expect((await resourceOf(at)).tier).toBeUndefined()
})

/** A change whose owner has just asked the cloud for a later start. */
async function beingPutOff() {
  const at = await place()
  const event = await announced(at, 100)
  // The push names no latest start, the books do.
  await look()
  await look()
  const found = await only(at)
  const until = new Date(found.startsAt.getTime() + 50 * hourMs)
  const asked = { id: found.id, seenVersion: found.version, until }
  const { operation } = (await postponeTransition(rooms().control, at.tenant.operator, asked)) as { readonly operation: Operation }
  return { at, event, found, operation }
}

test('taken back while it is being put off: the operation ends, and nothing rises again', async () => {
  const { dc, clock } = rooms()
  const { at, event, found, operation } = await beingPutOff()
  clock.advance(60_000)
  dc.maintenance.cancel(at.resource.nativeId, event)
  await look()
  expect(await only(at)).toMatchObject({ status: 'cancelled' })
  expect(await rooms().finish(operation)).toMatchObject({ status: 'failed', error: { code: 'conflict' } })
  expect(await only(at)).toMatchObject({ status: 'cancelled', startsAt: found.startsAt })
})

test('taken back after the cloud has moved it, before that was recorded: it stays cancelled', async () => {
  const { dc, clock } = rooms()
  const { at, event, found, operation } = await beingPutOff()
  const { postpone } = dc.maintenance
  dc.maintenance.postpone = (...moved) => {
    dc.maintenance.postpone = postpone
    const answer = postpone.apply(dc.maintenance, moved)
    dc.maintenance.cancel(at.resource.nativeId, event)
    return answer
  }
  clock.advance(60_000)
  const [done] = await Promise.all([rooms().finish(operation), look()])
  await look()
  expect(done).toMatchObject({ status: 'succeeded' })
  expect(await only(at)).toMatchObject({ status: 'cancelled' })
  expect((await toldOf(at, found)).filter(({ what }) => what === 'cancelled')).toHaveLength(1)
})

test('what has happened early is over, and is looked at: it was not taken back', async () => {
  const { dc, clock } = rooms()
  const at = await place()
  await announced(at, 100)
  await look()
  // Somebody stops and starts the instance, which moves it to another host.
  dc.instances.stop([at.resource.nativeId])
  clock.advance(10 * 60_000)
  dc.instances.start([at.resource.nativeId])
  clock.advance(10 * 60_000)
  await look()
  await finishAll(at)
  const over = await only(at)
  expect(over).toMatchObject({ status: 'verified', check: { findings: [] } })
  expect((await toldOf(at, over)).map(({ what }) => what)).toEqual(['announced', 'started', 'check_started', 'verified'])
})

test('a word that it was called off which comes after its time ends in a look, since something may have happened', async () => {
  const { dc, clock } = rooms()
  const at = await place()
  // A change that begins late: its time has come, and the cloud has not touched the instance.
  const event = await announced(at, 30)
  const planned = dc.instances.get(at.resource.nativeId)!.scheduledEvents[0]!
  await look()
  const announcedFor = planned.notBeforeMs
  planned.notBeforeMs += 1000 * hourMs
  clock.advance(30 * hourMs + 5 * 60_000)
  for (let pass = 0; pass < 3; pass += 1) await bringAlong()
  await finishAll(at)
  expect(await only(at)).toMatchObject({ status: 'started' })
  planned.notBeforeMs = announcedFor
  dc.maintenance.cancel(at.resource.nativeId, event)
  await look()
  await finishAll(at)
  expect(await only(at)).toMatchObject({ status: 'verified' })
})

test('who has announced something over the API can take it back there, and announce the same again', async () => {
  const at = await place()
  const deadline = new Date(rooms().clock.nowMs() + 100 * hourMs)
  await say(at, { deadline })
  await bringAlong()
  rooms().clock.advance(1000)
  const word = await say(at, { deadline, phase: 'cancelled' })
  expect(word).toMatchObject({ phase: 'cancelled', outcome: 'recorded', reason: 'It is cancelled.' })
  expect(await say(at, { deadline, phase: 'cancelled' })).toMatchObject({ id: word.id, duplicates: 1 })
  await bringAlong()
  expect(await only(at)).toMatchObject({ status: 'cancelled' })
  rooms().clock.advance(1000)
  await say(at, { deadline })
  await bringAlong()
  expect((await transitionsOf(at)).map(({ status }) => status).toSorted()).toEqual(['announced', 'cancelled'])
  rooms().clock.advance(1000)
  await say(at, { deadline, phase: 'cancelled' })
  await bringAlong()
  expect((await transitionsOf(at)).map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
  await expect(say(at, { kind: 'interruption', phase: 'cancelled' })).rejects.toMatchObject({ kind: 'invalid_request' })
})

test('an announcement and its end in any order, at once or twice, leave one transition or none, and it is cancelled', async () => {
  const { control, clock, dc } = rooms()
  const at = await place()
  const pushed: unknown[] = []
  const stop = dc.subscribe((event) => event.kind === 'cloud_event' && pushed.push(event.event))
  const event = schedule(at, 100)
  clock.advance(60_000)
  dc.maintenance.cancel(at.resource.nativeId, event)
  stop()
  expect(pushed).toHaveLength(2)
  const push = (...documents: readonly unknown[]) => ingestDocuments(control, { account: at.account, source: 'push', documents })
  // The later one first: the announcement comes to find itself overtaken.
  await push(pushed[1])
  const { signals } = await push(pushed[0])
  expect(await control.database.stores.signals.find(at.tenant.projectId, signals[0]!.id)).toMatchObject({ endedBy: expect.any(String) as string })
  await look()
  expect(await transitionsOf(at)).toEqual([])

  const again: unknown[] = []
  const stopAgain = dc.subscribe((told) => told.kind === 'cloud_event' && again.push(told.event))
  const second = schedule(at, 100)
  stopAgain()
  await push(again[0])
  await bringAlong()
  const heard = dc.subscribe((told) => told.kind === 'cloud_event' && again.push(told.event))
  clock.advance(60_000)
  dc.maintenance.cancel(at.resource.nativeId, second)
  heard()
  await Promise.all([push(again[1]), push(again[1], again[0]), push(again[0])])
  await look()
  expect(await only(at)).toMatchObject({ status: 'cancelled' })
})
