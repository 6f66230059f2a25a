import { startAzureCloud, startGoogleCloud } from '@understudy/cloud-sim'
import type { Cloud } from '@understudy/cloud-sim'
import { createPolicy, listSignals } from '@understudy/control'
import type { Resource, Transition } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { askBooks } from './books.ts'
import { adoptFrom, askCloud } from './cloud-machine.ts'
import { isPrepared, untilTransition } from './follow-transition.ts'
import { startApi } from './listening-api.ts'
import type { ListeningApi } from './listening-api.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const hourSeconds = 3600
/** Of the clouds. */
const speed = 60
/** What has begun is over when that is said, and not before somebody has seen it. */
const lastsSeconds = 10_000 * hourSeconds

let world: World
let api: ListeningApi
const clouds: Cloud[] = []
beforeAll(async () => {
  world = await createWorld({ sim: { speed, listeners: false } })
  api = await startApi(world.control)
  await createPolicy(world.control, world.principal, { name: 'early', rules: { transitions: { leadSeconds: 500 * hourSeconds } } })
}, 180_000)
afterAll(async () => {
  for (const cloud of clouds) await cloud.close()
  await api.close()
  await world.close()
})

/** A machine of some cloud, with what its cloud can be made to do to it. */
interface Place {
  readonly resource: Resource
  /** Has what is planned begin. Where nobody can approve it early, its time is moved to now. */
  begin(): Promise<void>
  /** One of its controls, about this machine. */
  tell(what: 'scheduled-event' | 'start-event' | 'finish-event' | 'move-event' | 'cancel-event', how?: object): Promise<void>
  /** Whether its cloud says so when what it has announced begins. */
  readonly tellsStart: boolean
  /** Has the cloud's clock run as ours does: what a guest says of its uptime is compared with it. */
  slowDown(): Promise<void>
  /** Ends the instance, as a host that fails does. */
  lose(): void
}

async function onAws(name: string): Promise<Place> {
  const service = await world.seed(name, { purchase: 'on-demand' })
  const resource = await world.adopt(service)
  const tell: Place['tell'] = async (what, how = {}) => {
    const answer = await fetch(`${world.sim.url}/_sim/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ instanceId: resource.nativeId, ...how }),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  const hasBegun = () =>
    world.sim.dataCentre.instances
      .get(resource.nativeId)
      ?.scheduledEvents.some(({ state, startedAtMs }) => state === 'active' && startedAtMs !== undefined)
  return {
    resource,
    tell,
    tellsStart: false,
    async begin() {
      await tell('move-event', { startsInSeconds: 60 })
      await vi.waitUntil(hasBegun, { timeout: 300_000, interval: 50 })
    },
    slowDown: () => Promise.resolve(world.sim.clock.setSpeed(1)),
    lose: () => void world.sim.dataCentre.instances.terminate([resource.nativeId]),
  }
}

async function onCloud(start: () => Promise<Cloud>, name: string): Promise<Place> {
  const cloud = await start()
  clouds.push(cloud)
  const resource = await adoptFrom(cloud, world, api, name)
  const { nativeId } = resource
  if (cloud.name === 'gcp') await askBooks(world, resource)
  const tell: Place['tell'] = async (what, how = {}) => {
    await askCloud(cloud, 'POST', `/${what}`, { nativeId, ...how })
  }
  return {
    resource,
    tell,
    tellsStart: true,
    begin: () => tell('start-event'),
    slowDown: () => askCloud(cloud, 'POST', '/clock', { speed: 1 }).then(() => undefined),
    lose() {
      throw new Error('this is done on AWS')
    },
  }
}

const until = (resource: Resource, isSo: (transition: Transition) => boolean | Promise<boolean>) => untilTransition(world, resource, isSo)
const untilPrepared = (resource: Resource) => until(resource, (transition) => isPrepared(world, transition))

async function toldOf({ id }: Transition): Promise<readonly { readonly what: string | undefined; readonly data: unknown }[]> {
  const events = await world.control.database.stores.events.listAfter(0, { limit: 1000, projectId: world.principal.projectId })
  return events.filter(({ subject }) => subject === `transitions/${id}`).map(({ type, data }) => ({ what: type.split('.')[3], data }))
}
/** What has ended the announcements of a transition; of one that nothing has ended: `nothing`. */
async function endingsOf({ resourceId, signalIds }: Transition): Promise<readonly string[]> {
  const { items } = await listSignals(world.control, world.principal, { resourceId, kind: 'maintenance' })
  const phases = new Map(items.map(({ id, phase }) => [id, phase]))
  const own = items.filter(({ id }) => signalIds.includes(id))
  return [...new Set(own.map(({ endedBy }) => phases.get(endedBy ?? '') ?? 'nothing'))]
}

const places = [
  ['AWS', () => onAws('completed')],
  ['Azure', () => onCloud(() => startAzureCloud({ speed, onInternalError: () => undefined }), 'completed')],
  ['Google Cloud', () => onCloud(() => startGoogleCloud({ speed, onInternalError: () => undefined }), 'completed')],
] as const

describe.each(places)('what %s has announced, begins and brings to its end', (_name, open) => {
  let at: Place
  beforeAll(async () => {
    at = await open()
  }, 300_000)

  test('is at another time once its start was moved, and its owner is told; then it can be taken back', { timeout: 900_000 }, async () => {
    await at.tell('scheduled-event', { code: 'system-reboot', startsInSeconds: 100 * hourSeconds, lastsSeconds })
    const first = await untilPrepared(at.resource)
    await at.tell('move-event', { startsInSeconds: 300 * hourSeconds })
    const moved = await until(
      at.resource,
      ({ id, startsAt }) => id === first.id && startsAt.getTime() > first.startsAt.getTime() + 100 * hourSeconds * 1000,
    )
    expect(moved.status).toBeOneOf(['announced', 'prepared'])
    const rescheduled = (await toldOf(moved)).filter(({ what }) => what === 'rescheduled')
    expect(rescheduled).toHaveLength(1)
    expect(rescheduled[0]?.data).toMatchObject({ from: first.startsAt.toISOString(), startsAt: moved.startsAt.toISOString() })
    await at.tell('cancel-event')
    const over = await until(at.resource, ({ id, status }) => id === first.id && status === 'cancelled')
    expect((await toldOf(over)).at(-1)).toMatchObject({ what: 'cancelled', data: { takenBackBy: 'cloud' } })
  })

  test('is looked at, and verified; nobody calls it taken back', { timeout: 900_000 }, async () => {
    await at.tell('scheduled-event', { code: 'system-reboot', startsInSeconds: 100 * hourSeconds, lastsSeconds })
    const prepared = await untilPrepared(at.resource)
    await at.begin()
    if (at.tellsStart) await until(at.resource, ({ id, status }) => id === prepared.id && status === 'started')
    await at.tell('finish-event')
    const over = await until(at.resource, ({ id, status }) => id === prepared.id && status === 'verified')
    expect(over.check).toMatchObject({ findings: [], recommendedPointId: null })
    // It began long before its time, and what was said is what counts.
    expect(over.startsAt.getTime()).toBeLessThan(prepared.startsAt.getTime())
    const told = (await toldOf(over)).map(({ what }) => what).filter((what) => what !== 'rescheduled')
    expect(told).toEqual(['announced', 'prepared', 'started', 'check_started', 'verified'])
    expect(await endingsOf(over)).toEqual(['completed'])
    const kinds = (
      await world.control.database.stores.operations.list(world.principal.projectId, { after: undefined, limit: 100, resourceId: at.resource.id })
    ).map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['transition.check', 'recovery.verify']))
  })
})

describe('a reboot that somebody approves early on Azure, and whose start no agent has seen', () => {
  test('has happened, since the machine has booted: it is looked at, and not called taken back', { timeout: 900_000 }, async () => {
    const at = await onCloud(() => startAzureCloud({ speed, onInternalError: () => undefined }), 'unseen')
    await at.tell('scheduled-event', { code: 'system-reboot', startsInSeconds: 100 * hourSeconds })
    const prepared = await untilPrepared(at.resource)
    await at.slowDown()
    await at.begin()
    const over = await until(at.resource, ({ id, status }) => id === prepared.id && status !== 'prepared' && status !== 'started')
    expect(over).toMatchObject({ status: 'verified' })
    expect(await endingsOf(over)).toEqual(['completed'])
  })
})

describe('what a completed change has left damaged', () => {
  test('is found by the check, which names the point to go back to', { timeout: 900_000 }, async () => {
    const at = await onAws('damaged')
    await at.tell('scheduled-event', { code: 'system-reboot', startsInSeconds: 100 * hourSeconds, lastsSeconds })
    const prepared = await untilPrepared(at.resource)
    await at.begin()
    at.lose()
    await at.tell('finish-event')
    const over = await until(at.resource, ({ id, status }) => id === prepared.id && (status === 'damaged' || status === 'verified'))
    expect(over).toMatchObject({ status: 'damaged', check: { recommendedPointId: prepared.pointId, findings: [{ kind: 'instance_gone' }] } })
    expect((await toldOf(over)).map(({ what }) => what)).toContain('rollback_recommended')
  })
})
