import type { Exchange } from '@understudy/cloud-sim'
import { sha256 } from '@understudy/core'
import type { CallContext, InstanceRef, TrafficBinding } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restRules } from './testing/rest-rules.ts'
import { gcpWireWorld } from './testing/wire-world.ts'
import { membersIn } from './traffic/lb-weight.ts'

type World = Awaited<ReturnType<typeof gcpWireWorld>>
const exchanges: Exchange[] = []
let world: World
let keys = 0

beforeAll(async () => {
  world = await gcpWireWorld({ onExchange: (exchange) => void exchanges.push(exchange) })
})
afterAll(async () => {
  await world.close()
})

const contextOf = (): CallContext => ({ idempotencyKey: sha256(`traffic ${++keys}`).slice(0, 32), tags: {}, actor: 'test', priority: 'failover' })
const traffic = () => {
  if (world.provider.traffic === undefined) throw new Error('the adapter has traffic')
  return world.provider.traffic
}
async function standInFor(primary: InstanceRef): Promise<InstanceRef> {
  const source = await world.provider.inventory.describe(primary)
  if (source === undefined) throw new Error('the world made it')
  const spec = { name: 'copy', power: 'running', instanceType: source.size.type, purchase: 'on-demand', zone: world.zoneOther } as const
  const handle = await world.provider.compute.provision(source, { ...spec, disks: { from: 'image' } }, contextOf())
  for (;;) {
    const status = await world.provider.compute.poll(handle)
    if (status.phase === 'succeeded') return status.result
    if (status.phase === 'failed') throw new Error(status.error.message)
    await world.advance(1_000)
  }
}
const all = (ref: InstanceRef) => [{ ref, weight: 100 }]
const posts = (from: number, path: RegExp) => exchanges.slice(from).filter(({ method, url }) => method === 'POST' && path.test(url.pathname))

describe('shares of instance groups', () => {
  const group = (capacity: number, ...ids: string[]) => ({ capacity, members: ids.map((nativeId) => ({ nativeId, health: 'healthy' as const })) })
  it.each([
    [
      [0.1, 0.7],
      [13, 87],
    ],
    [
      [0.5, 0.5],
      [50, 50],
    ],
    [
      [0.333, 0.666],
      [33, 67],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ])('that somebody else has set to %j add up to 100, or to nothing', (capacities, weights) => {
    const members = membersIn(capacities.map((capacity, index) => group(capacity, `i${index}`)))
    expect(members.map(({ weight }) => weight)).toEqual(weights)
  })
  it('add up when three groups each round up, and within a group', () => {
    const total = (members: ReturnType<typeof membersIn>) => members.reduce((sum, { weight }) => sum + weight, 0)
    expect(total(membersIn([group(0.1, 'a'), group(0.7, 'b'), group(0.35, 'c')]))).toBe(100)
    expect(total(membersIn([group(0.1, 'a', 'b', 'c'), group(0.7, 'd', 'e')]))).toBe(100)
  })
})

describe('a reserved address', () => {
  const pair = async (): Promise<{ binding: TrafficBinding; primary: InstanceRef; shadow: InstanceRef }> => {
    const primary = await world.makePrimary()
    return { primary, binding: await world.makeBinding('address-move', primary), shadow: await standInFor(primary) }
  }

  it('is nobody’s for a moment while it moves, which the traits say', async () => {
    const { binding, shadow } = await pair()
    expect(traffic().mechanisms['address-move']).toMatchObject({ standby: false, unwatched: true })
    expect(traffic().mechanisms['address-move']?.gapSeconds).toBeGreaterThan(0)
    world.server.dataCentre.faults.failNext('instances.addAccessConfig', { kind: 'latency', latency: 5_000 })
    const moving = traffic().setWeights(binding, all(shadow), contextOf())
    const seen = new Set<string>()
    for (let done = false; !done;) {
      seen.add((await world.request(binding)) ?? 'nobody')
      await world.advance(500)
      done = seen.has(shadow.nativeId)
    }
    await moving
    expect(seen).toContain('nobody')
  })

  it('that was dropped and not yet given arrives when the call is repeated', async () => {
    const { binding, primary, shadow } = await pair()
    world.server.dataCentre.faults.failNext('instances.addAccessConfig', { kind: 'throttle' })
    const context = contextOf()
    await expect(traffic().setWeights(binding, all(shadow), context)).rejects.toMatchObject({ shape: { kind: 'throttled' } })
    expect(await traffic().state(binding)).toEqual([])
    await traffic().setWeights(binding, all(shadow), context)
    expect(await traffic().state(binding)).toEqual([{ nativeId: shadow.nativeId, weight: 100, health: 'unknown' }])
    await traffic().setWeights(binding, all(primary), contextOf())
    expect(await world.request(binding)).toBe(primary.nativeId)
  })

  it('stays with whoever has it when nobody is there who could take it', async () => {
    const { binding, primary } = await pair()
    const ghost = { ...primary, nativeId: '4242' }
    await expect(traffic().setWeights(binding, all(ghost), contextOf())).rejects.toMatchObject({ shape: { kind: 'not_found' } })
    expect(await world.request(binding)).toBe(primary.nativeId)
  })
})

describe('network endpoint groups', () => {
  it('take a member into the group of its zone, and say for how long whoever has left finishes its requests', async () => {
    const primary = await world.makePrimary()
    const binding = await world.makeBinding('lb-target', primary)
    const shadow = await standInFor(primary)
    const from = exchanges.length
    const { instances } = world.server.dataCentre
    const { instanceId } = world.server.project.instance(shadow.zone ?? '', shadow.nativeId)
    // Until it was seen that nobody who is not healthy gets the traffic; one that still boots would answer by itself.
    while (instances.get(instanceId)?.answering !== true) await world.advance(1_000)
    instances.setAnswering(instanceId, false)
    await traffic().enrol(binding, shadow, contextOf())
    await traffic().enrol(binding, shadow, contextOf())
    const attached = posts(from, /attachNetworkEndpoints$/)
    expect(attached.map(({ url }) => /zones\/([^/]+)\//.exec(url.pathname)?.[1])).toEqual([world.zoneOther])
    await expect(traffic().setWeights(binding, all(shadow), contextOf())).rejects.toMatchObject({ shape: { nativeCode: 'NotHealthyYet' } })
    instances.setAnswering(instanceId, true)
    while ((await traffic().state(binding)).find(({ nativeId }) => nativeId === shadow.nativeId)?.health !== 'healthy') await world.advance(1_000)
    await traffic().setWeights(binding, all(shadow), contextOf())
    expect(await traffic().state(binding)).toMatchObject([{ nativeId: shadow.nativeId, weight: 100 }])
    expect(await world.freshProvider().traffic?.drainSeconds?.(binding)).toBe(10)
  })

  it('of another service, or in no zone of the member, are refused', async () => {
    const primary = await world.makePrimary()
    const { native } = await world.makeBinding('lb-target', primary)
    const foreign = { mechanism: 'lb-target', native: { ...native, endpointGroups: [`${world.zoneThird}/elsewhere`] } } as const
    await expect(traffic().validate(foreign)).rejects.toMatchObject({ shape: { kind: 'not_found', nativeCode: 'NotABackend' } })
    await expect(traffic().enrol(foreign, primary, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict', nativeCode: 'NoGroupInZone' } })
  })
})

describe('a name in Cloud DNS', () => {
  const zoneOf = ({ native }: TrafficBinding) => {
    const zone = world.server.project.dnsZones.find(({ name }) => name === native['managedZone'])
    if (zone === undefined) throw new Error('the world made it')
    return zone
  }

  it('counts whoever was taken out as draining until no client can have kept its answer, in every process', async () => {
    const primary = await world.makePrimary()
    const binding = await world.makeBinding('dns-weight', primary)
    const shadow = await standInFor(primary)
    await traffic().setWeights(binding, all(shadow), contextOf())
    await traffic().remove(binding, primary, contextOf())
    const fresh = world.freshProvider().traffic
    const draining = { nativeId: primary.nativeId, weight: 0, health: 'draining' }
    expect(await fresh?.state(binding)).toEqual([{ nativeId: shadow.nativeId, weight: 100, health: 'unknown' }, draining])
    // The record's own 30 s, and a minute until all of Google's servers answer alike.
    await world.advance(91_000)
    expect(await fresh?.state(binding)).toEqual([{ nativeId: shadow.nativeId, weight: 100, health: 'unknown' }])
    await expect(traffic().remove(binding, shadow, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict', nativeCode: 'LastMember' } })
    await expect(traffic().setWeights(binding, [], contextOf())).rejects.toMatchObject({ shape: { kind: 'unsupported' } })
  })

  it('keeps what somebody else has changed in between: 412 is answered by reading again', async () => {
    const primary = await world.makePrimary()
    const binding = await world.makeBinding('dns-weight', primary)
    const zone = zoneOf(binding)
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('dns.changes.create', { kind: 'latency', latency: 5_000 })
    const work = traffic().setWeights(binding, all(primary), contextOf())
    while (!exchanges.slice(from).some(({ url }) => url.pathname.includes('/rrsets/'))) await world.advance(100)
    zone.records.set('www.example.com. A', { name: 'www.example.com.', type: 'A', ttl: 5, rrdatas: ['192.0.2.7'] })
    await work
    expect(posts(from, /\/changes$/).map(({ status }) => status)).toEqual([412, 200])
    expect(zone.records.get('www.example.com. A')).toMatchObject({
      ttl: 5,
      routingPolicy: { wrr: { items: [{ weight: 0, rrdatas: ['192.0.2.7'] }, { weight: 100 }] } },
    })
  })

  it('whose answer to a change was lost is changed once', async () => {
    const primary = await world.makePrimary()
    const binding = await world.makeBinding('dns-weight', primary)
    world.server.dataCentre.faults.failNext('dns.changes.create', { kind: 'reset_after' })
    await traffic().setWeights(binding, all(primary), contextOf())
    expect(zoneOf(binding).changes).toHaveLength(1)
  })

  it('of another policy, or that does not exist, is refused', async () => {
    const primary = await world.makePrimary()
    const binding = await world.makeBinding('dns-weight', primary)
    const other = { ...binding, native: { ...binding.native, name: 'elsewhere.example.com.' } }
    await expect(traffic().validate(other)).rejects.toMatchObject({ shape: { kind: 'not_found', httpStatus: 404 } })
    zoneOf(binding).records.set('www.example.com. A', { name: 'www.example.com.', type: 'A', routingPolicy: { geo: { items: [] } } })
    await expect(traffic().validate(binding)).rejects.toMatchObject({ shape: { kind: 'invalid' } })
  })
})

it('every exchange with Compute Engine is one that Google’s own description allows', () => {
  const { problemsOf } = restRules()
  const compute = exchanges.filter(({ url }) => url.pathname.startsWith('/compute/'))
  for (const path of [/attachNetworkEndpoints$/, /detachNetworkEndpoints$/, /AccessConfig$/]) expect(posts(0, path)).not.toEqual([])
  expect([...new Set(compute.flatMap(problemsOf))]).toEqual([])
})
