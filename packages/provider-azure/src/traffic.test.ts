import type { ArmExchange } from '@understudy/cloud-sim'
import { sha256 } from '@understudy/core'
import { type CallContext, type InstanceRef, isProviderError, type TrafficBinding } from '@understudy/provider'
import { clone, describeOf } from '@understudy/provider/conformance'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { azureClients } from './clients.ts'
import { settingsFor, wireWorld } from './testing/wire-world.ts'

const group = 'shop'
const exchanges: ArmExchange[] = []
let meanwhile: ((exchange: ArmExchange) => void) | undefined
let world: Awaited<ReturnType<typeof wireWorld>>
let clients: ReturnType<typeof azureClients>
let keys = 0
beforeAll(async () => {
  const onExchange = (exchange: ArmExchange): void => {
    exchanges.push(exchange)
    meanwhile?.(exchange)
  }
  world = await wireWorld({ onExchange })
  clients = azureClients(settingsFor(world.server))
}, 180_000)
afterEach(() => {
  meanwhile = undefined
})
afterAll(async () => {
  clients.destroy()
  await world.close()
})

const contextOf = (): CallContext => ({
  idempotencyKey: sha256(`azure traffic ${++keys}`).slice(0, 32),
  tags: {},
  actor: 'test',
  priority: 'background',
})
const traffic = () => {
  const { traffic: found } = world.provider
  if (found === undefined) throw new Error('the adapter directs traffic')
  return found
}
const all = (ref: InstanceRef) => [{ ref, weight: 100 }]
async function pair(): Promise<{ binding: TrafficBinding; primary: InstanceRef; shadow: InstanceRef }> {
  const primary = await world.makePrimary()
  const binding = await world.makeBinding('dns-weight', primary)
  return { binding, primary, shadow: await clone(world, await describeOf(world, primary)) }
}
const nameOf = ({ native }: TrafficBinding): string => String(native['trafficManagerProfileId']).split('/').pop() ?? ''
const writes = (from: number): readonly string[] =>
  exchanges
    .slice(from)
    .filter(({ method, url }) => method !== 'GET' && /externalEndpoints/i.test(url.pathname))
    .map(({ method, requestBody }) => {
      const { endpointStatus, weight } = ((requestBody ?? {}) as { properties?: { endpointStatus?: string; weight?: number } }).properties ?? {} // as the SDK sent it
      return [method, endpointStatus, weight].filter((part) => part !== undefined).join(' ')
    })
async function refusal(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  return isProviderError(error) ? error.shape : undefined
}

describe('a Traffic Manager profile', () => {
  it('raises whoever gets the traffic before it lowers anybody, and disables whoever gets none', async () => {
    const { binding, shadow } = await pair()
    await traffic().enrol(binding, shadow, contextOf())
    await traffic().enrol(binding, shadow, contextOf())
    const from = exchanges.length
    await traffic().setWeights(binding, all(shadow), contextOf())
    expect(writes(from)).toEqual(['PATCH Enabled 100', 'PATCH Disabled'])
    await traffic().setWeights(binding, all(shadow), contextOf())
    expect(writes(from)).toHaveLength(2)
  })

  it('says how the members that serve answer, and for how long whoever was taken out goes on', async () => {
    const primary = await world.makePrimary()
    const binding = await world.makeBinding('dns-weight', primary)
    const health = async () => (await traffic().state(binding))[0]?.health
    expect(await health()).toMatch(/^(initial|healthy)$/)
    await world.advance(30_000)
    expect(await health()).toBe('healthy')
    const { instanceId = '' } = world.server.state.vms.get(primary.nativeId.toLowerCase()) ?? {}
    world.server.dataCentre.instances.stop([instanceId])
    await world.advance(5_000)
    expect(await health()).toBe('unhealthy')
    // The record's 30 s, and a minute until all name servers have heard of it.
    expect(await traffic().drainSeconds?.(binding)).toBe(90)
  })

  it('keeps what somebody else has changed between the look and the write', async () => {
    const { binding, primary, shadow } = await pair()
    await traffic().enrol(binding, shadow, contextOf())
    meanwhile = ({ method, url }) => {
      if (method !== 'GET' || !/trafficmanagerprofiles\/[^/]+$/i.test(url.pathname)) return
      meanwhile = undefined
      const profile = world.server.state.trafficProfiles.get(String(binding.native['trafficManagerProfileId']).toLowerCase())
      // Somebody takes out the stand-in in this moment.
      for (const [key, endpoint] of profile?.endpoints ?? []) if (endpoint.name.startsWith('us-')) profile?.endpoints.delete(key)
    }
    await traffic().setWeights(binding, all(shadow), contextOf())
    expect((await traffic().state(binding)).map(({ nativeId, weight }) => [nativeId, weight])).toEqual([
      [primary.nativeId, 0],
      [shadow.nativeId, 100],
    ])
  })

  it('arrives where the answer was lost', async () => {
    const { binding, primary, shadow } = await pair()
    world.server.dataCentre.faults.failNext('Endpoints_CreateOrUpdate', { kind: 'reset_after' })
    await traffic()
      .setWeights(binding, all(shadow), contextOf())
      .catch(() => undefined)
    await traffic().setWeights(binding, all(shadow), contextOf())
    const shares = (await traffic().state(binding)).map(({ nativeId, weight }) => [nativeId, weight])
    expect(shares).toEqual([
      [primary.nativeId, 0],
      [shadow.nativeId, 100],
    ])
  })

  it('that does not answer by weight, or with names, is refused, and so is the last member’s going', async () => {
    const { binding, primary } = await pair()
    expect(await refusal(traffic().remove(binding, primary, contextOf()))).toMatchObject({ kind: 'conflict', nativeCode: 'LastMember' })
    expect(await refusal(traffic().setWeights(binding, [{ ref: primary, weight: 0 }], contextOf()))).toMatchObject({ kind: 'unsupported' })
    const profile = await clients.trafficManager.profiles.get(group, nameOf(binding))
    const { endpoints: _endpoints, ...empty } = profile
    await clients.trafficManager.profiles.createOrUpdate(group, nameOf(binding), empty)
    await clients.trafficManager.endpoints.createOrUpdate(group, nameOf(binding), 'ExternalEndpoints', 'site', {
      target: 'www.example.com',
      weight: 1,
    })
    expect(await refusal(traffic().validate(binding))).toMatchObject({ kind: 'invalid', message: expect.stringContaining('site') as string })
    // The other way about Azure itself refuses it.
    expect(await refusal(traffic().enrol(binding, { ...primary, address: '192.0.2.1' }, contextOf()))).toMatchObject({
      kind: 'invalid',
      nativeCode: 'BadRequest',
    })
  })

  it('leads to no machine without a public address, and says so', async () => {
    const { binding } = await pair()
    const inside = await world.makePrimary()
    expect(await refusal(traffic().enrol(binding, inside, contextOf()))).toMatchObject({ kind: 'conflict', nativeCode: 'NoAddress' })
  })
})
