import { transitionsReconciler } from '@understudy/control'
import type { Control, Transition } from '@understudy/control'
import { expect, test } from 'vitest'
import { usePlaces } from './announced-place.ts'

/** What an honest delay of ours, or of a cloud, makes of what is announced. */
const { rooms, place, schedule, announced, bringAlong, look, finishAll, operationsOf, only, say, toldOf, transitionsOf } = usePlaces()
const minuteMs = 60_000

/** A change that has begun early, since somebody has stopped and started the instance. */
async function begunEarly() {
  const { dc, clock } = rooms()
  const at = await place()
  await announced(at, 100)
  await look()
  dc.instances.stop([at.resource.nativeId])
  clock.advance(10 * minuteMs)
  dc.instances.start([at.resource.nativeId])
  clock.advance(10 * minuteMs)
  await look()
  expect(await only(at)).toMatchObject({ status: 'started' })
  return at
}

/** As the reconciler sees them that has listed the open ones before they were over. */
function listedBefore(control: Control, seen: readonly Transition[]): Control {
  const { stores } = control.database
  return { ...control, database: { ...control.database, stores: { ...stores, transitions: { ...stores.transitions, listOpen: async () => seen } } } }
}

test('what has come to its end while a reconciler was reading does not begin anew', async () => {
  const { control, drive } = rooms()
  const at = await begunEarly()
  await finishAll(at)
  const over = await only(at)
  expect(over).toMatchObject({ status: 'verified' })
  await drive(transitionsReconciler.pass(listedBefore(control, [over])))
  expect(await only(at)).toEqual(over)
  expect((await toldOf(at, over)).map(({ what }) => what)).toEqual(['announced', 'started', 'check_started', 'verified'])
})

test('a look that could not be taken, since the cloud did not answer, is taken again', async () => {
  const { dc, clock } = rooms()
  const at = await begunEarly()
  dc.faults.failNext('DescribeInstances', { kind: 'unavailable' }, 1000)
  await finishAll(at)
  dc.faults.clear()
  const looks = async () => (await operationsOf(at)).filter(({ kind }) => kind === 'transition.check')
  expect(await looks()).toMatchObject([{ status: 'failed' }])
  await bringAlong()
  expect(await looks()).toHaveLength(1)
  clock.advance(6 * minuteMs)
  await bringAlong()
  await finishAll(at)
  expect(await looks()).toHaveLength(2)
  expect(await only(at)).toMatchObject({ status: 'verified', check: { findings: [] } })
})

test('a capture that fails is made again before it starts, and what is kept is not', async () => {
  const { control, dc, clock } = rooms()
  const at = await place({ transitions: { leadSeconds: 200 * 3600 } })
  await announced(at, 100)
  dc.faults.failSnapshots(1)
  const captures = async () => (await operationsOf(at)).filter(({ kind }) => kind === 'recovery.capture')
  const nextOne = async () => {
    await bringAlong()
    await bringAlong()
    await finishAll(at)
    return captures()
  }
  expect(await nextOne()).toMatchObject([{ status: 'failed' }])
  expect(await nextOne()).toHaveLength(1)
  clock.advance(61 * minuteMs)
  expect((await nextOne()).map(({ status }) => status).toSorted()).toEqual(['failed', 'succeeded'])
  clock.advance(61 * minuteMs)
  expect(await nextOne()).toHaveLength(2)
  const kept = await control.database.stores.recoveryPoints.findById((await only(at)).pointId ?? '')
  expect(kept).toMatchObject({ status: 'usable' })
})

test('a capture that somebody has cancelled is not made again', async () => {
  const { control, clock } = rooms()
  const at = await place({ transitions: { leadSeconds: 200 * 3600 } })
  await announced(at, 100)
  await look()
  const captures = async () => (await operationsOf(at)).filter(({ kind }) => kind === 'recovery.capture')
  const [capture] = await captures()
  expect(await control.database.stores.operations.requestCancel(capture!.id, new Date(clock.nowMs()))).toBe(true)
  await finishAll(at)
  clock.advance(61 * minuteMs)
  await look()
  expect(await captures()).toMatchObject([{ id: capture!.id, status: 'cancelled' }])
})

test('what its books are read of only when it has begun, long before its time, is the same change', async () => {
  const { clock } = rooms()
  const at = await place()
  schedule(at, 100, 'system-reboot')
  await say(at, { deadline: new Date(clock.nowMs() + 100 * 60 * minuteMs) })
  await bringAlong()
  clock.advance(minuteMs)
  await say(at, { phase: 'started' })
  await bringAlong()
  expect(await only(at)).toMatchObject({ status: 'started' })
  await look()
  const known = await only(at)
  expect(known).toMatchObject({ status: 'started' })
  expect(known.signalIds).toHaveLength(3)
})

test('what was called off by somebody who had not heard that it began is looked at when that comes in', async () => {
  const { clock } = rooms()
  const at = await place()
  const deadline = new Date(clock.nowMs() + 100 * 60 * minuteMs)
  await say(at, { deadline })
  await bringAlong()
  clock.advance(minuteMs)
  const observedAt = new Date(clock.nowMs())
  clock.advance(minuteMs)
  await say(at, { deadline, phase: 'cancelled' })
  await bringAlong()
  expect(await only(at)).toMatchObject({ status: 'cancelled' })
  await say(at, { deadline, phase: 'started', observedAt })
  await look()
  clock.advance(16 * minuteMs)
  await look()
  await finishAll(at)
  const found = await transitionsOf(at)
  expect(found.map(({ status }) => status).toSorted()).toEqual(['cancelled', 'verified'])
  expect(found.find(({ status }) => status === 'verified')).toMatchObject({ startsAt: observedAt, check: { findings: [] } })
})
