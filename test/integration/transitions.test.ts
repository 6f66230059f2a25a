import {
  actorOf,
  announceTransition,
  createPolicy,
  getTransition,
  listRestoreDrills,
  listSignals,
  listTransitions,
  postponeTransition,
  preserveTransition,
  rehearseTransition,
  transitionsReconciler,
  maintenanceReconciler,
} from '@understudy/control'
import type { Operation, Resource, Transition } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ sim: { speed: 60, listeners: false } })
})
afterAll(() => world.close())

const patience = { timeout: 300_000, interval: 100 }
const hourMs = 3_600_000

/** The reconciler of the worker may be at it too: a lost race is made up for by the next look. */
async function until(id: string, isSo: (transition: Transition) => boolean): Promise<Transition> {
  return vi.waitUntil(async () => {
    await transitionsReconciler.pass(world.control).catch(() => undefined)
    const { transition } = await getTransition(world.control, world.principal, { id })
    return isSo(transition) ? transition : undefined
  }, patience)
}
const sim = () => world.sim.dataCentre
const schedule = (resource: Resource, inMs: number, latestInMs?: number): void => {
  const nowMs = world.control.clock.nowMs()
  const latest = latestInMs === undefined ? {} : { notBeforeDeadlineMs: nowMs + latestInMs }
  sim().maintenance.schedule(resource.nativeId, { code: 'instance-stop', notBeforeMs: nowMs + inMs, ...latest })
}
async function announcedTo(resource: Resource): Promise<Transition> {
  return vi.waitUntil(async () => {
    await maintenanceReconciler.pass(world.control)
    await transitionsReconciler.pass(world.control).catch(() => undefined)
    return (await listTransitions(world.control, world.principal, { resourceId: resource.id })).items[0]
  }, patience)
}

describe('what AWS announces', () => {
  test('becomes one transition, however often it is told, with the options that there are; and AWS moves it', { timeout: 900_000 }, async () => {
    const resource = await world.protect(await world.adopt(await world.seed('postponed', { purchase: 'on-demand' })), { purchase: 'on-demand' })
    schedule(resource, 100 * hourMs, 400 * hourMs)
    const announced = await announcedTo(resource)
    expect(announced).toMatchObject({ source: 'cloud', effect: 'stop', status: 'announced', nativeId: resource.nativeId, canExpedite: true })
    await announcedTo(resource)
    expect((await listTransitions(world.control, world.principal, { resourceId: resource.id })).items).toHaveLength(1)
    const { transition, options } = await getTransition(world.control, world.principal, { id: announced.id })
    expect(options.filter(({ possible }) => possible).map(({ action }) => action)).toEqual(
      expect.arrayContaining(['postpone', 'move-to-shadow', 'start-early', 'keep-recovery-point']),
    )
    const until = new Date(Math.ceil(world.control.clock.nowMs() / 1000) * 1000 + 300 * hourMs)
    const done = await postponeTransition(world.control, world.principal, { id: transition.id, seenVersion: transition.version, until })
    expect(await world.ended((done as { operation: Operation }).operation)).toMatchObject({ status: 'succeeded' })
    expect(sim().instances.get(resource.nativeId)!.scheduledEvents[0]!.notBeforeMs).toBe(until.getTime())
    const moved = (await getTransition(world.control, world.principal, { id: transition.id })).transition
    expect(moved).toMatchObject({ startsAt: until, status: 'announced' })
    const tooLate = { id: moved.id, seenVersion: moved.version, until: new Date(until.getTime() + 200 * hourMs) }
    await expect(postponeTransition(world.control, world.principal, tooLate)).rejects.toMatchObject({
      kind: 'conflict',
      details: { alternatives: expect.arrayContaining([expect.objectContaining({ action: 'move-to-shadow' })]) as unknown },
    })
  })

  test('without a latest start is refused with what can be done instead', { timeout: 900_000 }, async () => {
    const resource = await world.protect(await world.adopt(await world.seed('fixed', { purchase: 'on-demand' })), { purchase: 'on-demand' })
    schedule(resource, 50 * hourMs)
    const { id, version, startsAt } = await announcedTo(resource)
    const asked = postponeTransition(world.control, world.principal, { id, seenVersion: version, until: new Date(startsAt.getTime() + hourMs) })
    await expect(asked).rejects.toMatchObject({ kind: 'conflict', message: expect.stringMatching(/Instead: .*move-to-shadow/) as string })
  })
})

describe('what AWS takes back', () => {
  test('ends its transition, whether Health says so or the books do, and what was lent for it', { timeout: 900_000 }, async () => {
    await createPolicy(world.control, world.principal, { name: 'lent', rules: { transitions: { leadSeconds: 500 * 3600, shadow: 'separate' } } })
    const resource = await world.adopt(await world.seed('called-off', { purchase: 'on-demand' }))
    schedule(resource, 100 * hourMs)
    const { id } = await announcedTo(resource)
    await until(id, ({ status, lentTier }) => status === 'prepared' && lentTier)
    const shadows = () => world.control.database.stores.shadows.listAlive([resource.id])
    const shadow = await vi.waitUntil(async () => (await shadows()).find(({ status }) => status === 'ready'), patience)
    await vi.waitUntil(async () => {
      const { transition } = await getTransition(world.control, world.principal, { id })
      return (await world.control.database.stores.recoveryPoints.findById(transition.pointId!))?.status === 'usable'
    }, patience)
    const [event] = sim().instances.get(resource.nativeId)!.scheduledEvents
    sim().maintenance.cancel(resource.nativeId, event!.instanceEventId)
    await announcedTo(resource)
    const over = await until(id, ({ status, lentTier }) => status === 'cancelled' && !lentTier)
    // What was kept stays; what ran for it alone does not.
    expect(await world.control.database.stores.recoveryPoints.findById(over.pointId!)).toMatchObject({ status: 'usable' })
    await vi.waitUntil(async () => (await shadows()).length === 0, patience)
    await vi.waitUntil(() => ['shutting-down', 'terminated'].includes(sim().instances.get(shadow.nativeId!)?.state ?? 'terminated'), patience)
    expect(await world.resource(resource.id)).toMatchObject({ tier: undefined, nativeId: resource.nativeId })
    const asked = { id, seenVersion: over.version, until: new Date(over.startsAt.getTime() + hourMs) }
    await expect(postponeTransition(world.control, world.principal, asked)).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringMatching(/It is cancelled: the cloud has taken it back/) as string,
    })
    // However often it was announced, and in which way: nothing of it holds.
    const { items } = await listSignals(world.control, world.principal, { resourceId: resource.id, kind: 'maintenance' })
    const words = items.filter(({ phase }) => phase === 'cancelled').map((word) => word.id)
    for (const { phase, endedBy } of items) if (phase === 'announced') expect(words).toContain(endedBy)
    expect(new Set(items.map(({ phase }) => phase))).toEqual(new Set(['announced', 'cancelled']))
    expect((await listTransitions(world.control, world.principal, { resourceId: resource.id })).items).toHaveLength(1)
  })
})

describe('what a caller announces', () => {
  const announce = (resource: Resource): Promise<Transition> =>
    announceTransition(world.control, world.principal, {
      ...{ resourceId: resource.id, reason: 'the kernel is upgraded', startsAt: new Date(world.control.clock.nowMs() + 2_000), estimatedSeconds: 1 },
    })

  test('is preserved when it is near, and found whole afterwards', { timeout: 900_000 }, async () => {
    const resource = await world.adopt(await world.seed('upgraded', { purchase: 'on-demand' }))
    const { id } = await announce(resource)
    const over = await until(id, ({ status }) => status === 'verified')
    expect(over.check).toMatchObject({ findings: [], recommendedPointId: null })
    const point = await world.control.database.stores.recoveryPoints.findById(over.pointId!)
    expect(point).toMatchObject({ status: 'usable', requestedBy: 'system:transitions', resourceId: resource.id })
    const types = (await world.control.database.stores.events.listAfter(0, { limit: 1000, projectId: resource.projectId }))
      .filter(({ subject }) => subject === `transitions/${id}`)
      .map(({ type }) => type.split('.')[3])
    expect(types).toEqual(['announced', 'prepared', 'started', 'check_started', 'verified'])
  })

  test('is preserved when somebody asks for it, and rehearsed, long before it is near', { timeout: 900_000 }, async () => {
    const { control, principal } = world
    const resource = await world.adopt(await world.seed('far-off', { purchase: 'on-demand' }))
    const startsAt = new Date(control.clock.nowMs() + 2_000 * hourMs)
    const { id } = await announceTransition(control, principal, {
      ...{ resourceId: resource.id, reason: 'the kernel is upgraded', startsAt, estimatedSeconds: 1 },
    })
    const now = () => getTransition(control, principal, { id })
    const possible = async () => (await now()).options.filter((option) => option.possible).map(({ action }) => action)
    await expect(rehearseTransition(control, principal, { id, reason: 'is it any good' })).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining(':preserve') as string,
    })
    expect(await possible()).toEqual(['postpone', 'start-early', 'keep-recovery-point', 'cancel'])
    const database = { engine: 'postgresql', position: '0/1A2B3C4D' } as const
    const preserve = async () => preserveTransition(control, principal, { id, seenVersion: (await now()).transition.version, database })
    const capture = await preserve()
    await expect(preserve()).rejects.toMatchObject({ kind: 'busy', details: { operationId: capture.id } })
    expect(await world.ended(capture)).toMatchObject({ status: 'succeeded' })
    const { transition } = await now()
    const point = await control.database.stores.recoveryPoints.findById(transition.pointId!)
    expect({ status: transition.status, point }).toMatchObject({
      status: 'announced',
      point: { status: 'usable', requestedBy: actorOf(principal), resourceId: resource.id, manifest: { database } },
    })
    expect(await possible()).toContain('test-rollback')
    expect(await world.ended(await rehearseTransition(control, principal, { id, reason: 'is it any good' }))).toMatchObject({ status: 'succeeded' })
    const { items } = await listRestoreDrills(control, principal, { resourceId: resource.id })
    expect(items).toMatchObject([{ pointId: point!.id, status: 'passed' }])
    await control.database.stores.transitions.update({ ...transition, status: 'started' }, transition.version)
    await expect(preserve()).rejects.toMatchObject({ kind: 'conflict', message: expect.stringContaining('It has started') as string })
  })
})
