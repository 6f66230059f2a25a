import { ScaledClock } from '@understudy/cloud-sim'
import {
  announceTransition,
  createPolicy,
  getResourceCapabilities,
  getTransition,
  planFailover,
  startFailover,
  transitionsReconciler,
  updatePolicy,
} from '@understudy/control'
import type { Resource, RollbackPolicy, Shadow, Transition } from '@understudy/control'
import { systemClock } from '@understudy/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

/** Ours: a refused launch is waited for a minute, in case it comes to be after all. */
const clock = new ScaledClock(systemClock({ keepAlive: true }))
let world: World
let policy: RollbackPolicy
beforeAll(async () => {
  world = await createWorld({ clock, leaseMs: 3_600_000, sim: { speed: 60, listeners: false } })
  policy = await createPolicy(world.control, world.principal, { name: 'hosts', rules: {} })
})
afterAll(() => world.close())

const patience = { timeout: 300_000, interval: 100 }
const sim = () => world.sim.dataCentre

async function lend(shadow: 'same-group' | 'separate'): Promise<void> {
  const transitions = { leadSeconds: 500 * 3600, shadow }
  policy = await updatePolicy(world.control, world.principal, { id: policy.id, seenVersion: policy.version, rules: { transitions } })
}
const announce = (resource: Resource): Promise<Transition> =>
  announceTransition(world.control, world.principal, {
    ...{ resourceId: resource.id, reason: 'the rack is moved', estimatedSeconds: 60 },
    startsAt: new Date(world.control.clock.nowMs() + 100 * 3_600_000),
  })
async function prepared({ id }: Transition): Promise<Transition> {
  return vi.waitUntil(async () => {
    await transitionsReconciler.pass(world.control).catch(() => undefined)
    const { transition } = await getTransition(world.control, world.principal, { id })
    return transition.status === 'prepared' ? transition : undefined
  }, patience)
}
const readyShadow = (resource: Resource): Promise<Shadow> =>
  vi.waitUntil(async () => (await world.control.database.stores.shadows.listAlive([resource.id])).find(({ status }) => status === 'ready'), patience)
const preparedEvent = async (resource: Resource) => {
  const events = await world.control.database.stores.events.listAfter(0, { limit: 1000, projectId: resource.projectId })
  return events.findLast(({ type, data }) => type === 'io.understudy.transitions.prepared.v1' && JSON.stringify(data).includes(resource.id))?.data
}

describe('a shadow that is lent for a transition', () => {
  test('stands on the group of hosts of its primary, says so, and is protected no more by another zone', { timeout: 900_000 }, async () => {
    sim().hostGroups.create({ name: 'licensed', strategy: 'cluster' })
    await lend('same-group')
    const resource = await world.adopt(await world.seed('grouped', { purchase: 'on-demand', placementGroup: 'licensed' }))
    expect(resource.dna.placement.hostGroup).toEqual({ id: 'licensed', strategy: 'together', separable: false })
    const { capabilities } = await getResourceCapabilities(world.control, world.principal, { id: resource.id })
    expect(capabilities).toContainEqual(expect.objectContaining({ name: 'host-groups', supported: true }))
    const transition = await prepared(await announce(resource))
    expect(transition).toMatchObject({ lentTier: true })
    expect(await preparedEvent(resource)).toMatchObject({ shadows: 'a shadow is being made on the same group of hosts' })
    expect((await world.resource(resource.id)).tier).toMatchObject({ hosts: 'same-group', zones: 'any' })
    const shadow = await readyShadow(resource)
    expect(shadow).toMatchObject({ zone: resource.zone, hosts: { rule: 'same-group', group: 'licensed' } })
    expect(sim().instances.get(shadow.nativeId!)).toMatchObject({ placementGroup: 'licensed', zone: resource.zone })
    const { options } = await getTransition(world.control, world.principal, { id: transition.id })
    expect(options.find(({ action }) => action === 'move-to-shadow')?.how).toMatch(/on the same group of hosts as the primary \(licensed\)/)
    const plan = await planFailover(world.control, world.principal, { resourceId: resource.id })
    expect(plan.plan.warnings.join(' ')).toMatch(/what befalls the group befalls both/)
  })

  test('is not made where the primary is bound to no group, and the event says why', { timeout: 900_000 }, async () => {
    await lend('same-group')
    const resource = await world.adopt(await world.seed('loose', { purchase: 'on-demand' }))
    expect(await prepared(await announce(resource))).toMatchObject({ lentTier: false })
    expect(await preparedEvent(resource)).toMatchObject({ shadows: expect.stringMatching(/^none: .*bound to no group of hosts/) as string })
    expect(await world.control.database.stores.shadows.listAlive([resource.id])).toEqual([])
  })

  test('is separate: in another zone, or, where nothing else has room, on other hardware of the group in its own', { timeout: 900_000 }, async () => {
    sim().hostGroups.create({ name: 'kept-apart', strategy: 'spread' })
    await lend('separate')
    const resource = await world.adopt(await world.seed('spread', { purchase: 'on-demand', placementGroup: 'kept-apart' }))
    const others = sim()
      .network.describeZones()
      .items.filter(({ name }) => name !== resource.zone)
    for (const { name } of others) sim().catalogue.setCapacity('m7i.large', name, 'on-demand', 0)
    await prepared(await announce(resource))
    clock.setSpeed(10)
    const shadow = await readyShadow(resource).finally(() => clock.setSpeed(1))
    for (const { name } of others) sim().catalogue.setCapacity('m7i.large', name, 'on-demand', Number.POSITIVE_INFINITY)
    expect(shadow).toMatchObject({ zone: resource.zone, hosts: { rule: 'separate', group: 'kept-apart' } })
    expect(sim().hostGroups.hardwareOf(shadow.nativeId!)).not.toBe(sim().hostGroups.hardwareOf(resource.nativeId))
    expect((await listShadowsFailed(resource)).every(({ zone }) => zone !== resource.zone)).toBe(true)
  })
})

const listShadowsFailed = async (resource: Resource): Promise<readonly Shadow[]> =>
  (await world.control.database.stores.shadows.list(resource.projectId, { after: undefined, limit: 50, resourceId: resource.id })).filter(
    ({ status }) => status === 'retired',
  )

describe('a failover to a shadow of the same group', () => {
  test('leaves the former primary a stand-in that stands as the tier says', { timeout: 900_000 }, async () => {
    sim().hostGroups.create({ name: 'both-ways', strategy: 'cluster' })
    const adopted = await world.adopt(await world.seed('two-way', { purchase: 'on-demand', placementGroup: 'both-ways' }))
    const tier = { purchase: 'on-demand', hosts: 'same-group', zones: 'any', formerPrimary: 'standby' } as const
    const resource = await world.protect(adopted, tier)
    const operation = await startFailover(world.control, world.principal, { resourceId: resource.id, reason: 'the rack is moved' })
    expect(await world.ended(operation)).toMatchObject({ status: 'succeeded' })
    const former = await vi.waitUntil(
      async () => (await world.control.database.stores.shadows.listAlive([resource.id])).find(({ nativeId }) => nativeId === resource.nativeId),
      patience,
    )
    expect(former).toMatchObject({ hosts: { rule: 'same-group', group: 'both-ways' }, zone: resource.zone })
  })
})
