import type { Exchange } from '@understudy/cloud-sim'
import type { CallContext, CloneSpec, InstanceRef, OperationStatus, ResourceDna } from '@understudy/provider'
import { seededRandom, sha256 } from '@understudy/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGcpProvider } from './gcp-provider.ts'
import { restRules } from './testing/rest-rules.ts'
import { gcpWireWorld } from './testing/wire-world.ts'

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

const contextOf = (): CallContext => ({ idempotencyKey: sha256(`wire ${++keys}`).slice(0, 32), tags: {}, actor: 'test', priority: 'background' })
const specOf = (source: ResourceDna, more: Partial<CloneSpec> = {}): CloneSpec => ({
  name: 'clone',
  power: 'running',
  instanceType: source.size.type,
  purchase: 'on-demand',
  zone: world.zoneOther,
  disks: { from: 'image' },
  ...more,
})
const describeOne = async (ref: InstanceRef): Promise<ResourceDna> => {
  const dna = await world.provider.inventory.describe(ref)
  if (dna === undefined) throw new Error('the world made it, and the adapter does not see it')
  return dna
}
type Handle = Parameters<World['provider']['compute']['poll']>[0]
async function ended(handle: Handle): Promise<OperationStatus<unknown>> {
  for (;;) {
    const status = await world.provider.compute.poll(handle)
    if (status.phase !== 'running') return status
    await world.advance(1_000)
  }
}
const since = (from: number, path: RegExp, method = 'POST') =>
  exchanges.slice(from).filter((exchange) => exchange.method === method && path.test(exchange.url.pathname))

describe('on the wire', () => {
  it('an operation is polled by its name, not by the number that the SDK calls its name', async () => {
    const ref = await world.makePrimary()
    const from = exchanges.length
    const handle = await world.provider.compute.stop(ref, {}, contextOf())
    expect(handle.native['operation']).toMatch(/^operation-/)
    await ended(handle)
    const polls = since(from, /\/operations\//, 'GET')
    expect(polls.length).toBeGreaterThan(0)
    expect(polls.every(({ status, url }) => status === 200 && /\/operations\/operation-/.test(url.pathname))).toBe(true)
  })

  it('firewall rules deny at priority 0, which is written out, and are made once whoever asks again', async () => {
    const source = await describeOne(await world.makePrimary())
    const context = contextOf()
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('firewalls.insert', { kind: 'reset_after' })
    await world.provider.isolation!.ensure(source, { ports: [8080] }, context)
    const sent = since(from, /\/firewalls$/).map(({ requestBody }) => requestBody as Record<string, unknown>)
    expect(sent.find(({ direction, destinationRanges }) => direction === 'EGRESS' && String(destinationRanges) === '0.0.0.0/0')).toMatchObject({
      priority: 0,
      denied: [{ IPProtocol: 'all' }],
    })
    expect(world.server.project.firewalls).toHaveLength(5)
    await world.provider.isolation!.ensure(source, { ports: [8080, 8443] }, context)
    expect(since(from, /\/firewalls\//, 'PATCH').map(({ requestBody }) => requestBody)).toEqual([
      { allowed: [{ IPProtocol: 'tcp', ports: ['8080', '8443'] }] },
    ])
    expect(await world.provider.isolation!.remove(context.idempotencyKey, contextOf())).toEqual({ removed: 5 })
    expect(world.server.project.firewalls).toEqual([])
  })

  it('a clone says on which hosts: by the affinities of its source, by its policy, or in another availability domain of it', async () => {
    const { hostGroups } = world
    const sent = async (strategy: 'own-hosts' | 'together' | 'partitions', hosts: 'same-group' | 'separate'): Promise<unknown> => {
      const source = await describeOne(await hostGroups!.makeMember(strategy))
      const from = exchanges.length
      await ended(await world.provider.compute.provision(source, specOf(source, { zone: source.placement.zone ?? '', hosts }), contextOf()))
      return since(from, /\/instances$/)[0]?.requestBody
    }
    expect(await sent('own-hosts', 'same-group')).toMatchObject({
      scheduling: { nodeAffinities: [{ key: 'compute.googleapis.com/node-group-name', operator: 'IN', values: ['own-hosts-1'] }] },
    })
    expect(await sent('own-hosts', 'separate')).not.toHaveProperty('scheduling.nodeAffinities')
    const policy = (name: string) => [`projects/${world.server.project.id}/regions/${world.server.region}/resourcePolicies/${name}`]
    expect(await sent('together', 'same-group')).toMatchObject({ resourcePolicies: policy('together-3') })
    expect(await sent('partitions', 'separate')).toMatchObject({ resourcePolicies: policy('partitions-4'), scheduling: { availabilityDomain: 2 } })
  })

  it('an operation that was accepted and failed is a failure: there is no HTTP error to tell', async () => {
    const source = await describeOne(await world.makePrimary())
    const from = exchanges.length
    world.failNext('provision', 'insufficient_capacity')
    const handle = await world.provider.compute.provision(source, specOf(source), contextOf())
    const status = await ended(handle)
    expect(since(from, /\/instances$/)[0]?.status).toBe(200)
    expect(status).toMatchObject({
      phase: 'failed',
      error: {
        kind: 'insufficient_capacity',
        nativeCode: 'ZONE_RESOURCE_POOL_EXHAUSTED',
        retryable: false,
        avoid: { zone: world.zoneOther, instanceType: source.size.type },
      },
    })
  })

  it('a change whose answer is lost is repeated with the same request id, and takes effect once', async () => {
    const source = await describeOne(await world.makePrimary())
    const from = exchanges.length
    const context = contextOf()
    world.loseNextAnswer('provision')
    await ended(await world.provider.compute.provision(source, specOf(source), context))
    const [only, ...more] = since(from, /\/instances$/)
    expect(only?.url.searchParams.get('requestId')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    expect(more).toEqual([])
    expect((await world.countOf(context.idempotencyKey)).instances).toBe(1)
  })

  it('reading goes on over a 503, which the SDK by itself does not repeat', async () => {
    const ref = await world.makePrimary()
    world.failNext('describe', 'unavailable', 2)
    expect((await describeOne(ref)).state).toBe('running')
  })

  it('a rate limit comes as 403 and is no question of permissions', async () => {
    const ref = await world.makePrimary()
    world.failNext('stop', 'throttled')
    await expect(world.provider.compute.stop(ref, {}, contextOf())).rejects.toMatchObject({
      shape: { kind: 'throttled', httpStatus: 403, nativeCode: 'rateLimitExceeded', retryAfterMs: 60_000 },
    })
  })

  it('labels that somebody else has changed in between are kept: 412 is answered by reading again', async () => {
    const ref = await world.makePrimary()
    const record = world.server.project.instance(ref.zone ?? '', ref.nativeId)
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('instances.setLabels', { kind: 'latency', latency: 3_000 })
    const work = world.provider.labels.tag([ref], { mine: '1' }, contextOf())
    await world.advance(1_500)
    record.labels = { ...record.labels, theirs: '1' }
    await work
    expect(record.labels).toMatchObject({ mine: '1', theirs: '1' })
    expect(since(from, /setLabels$/).map(({ status }) => status)).toEqual([412, 200])
  })

  it('weights are written under the fingerprint that was read: what another writer changed in between is not undone', async () => {
    const traffic = world.provider.traffic
    if (traffic === undefined) throw new Error('the adapter has traffic')
    const ref = await world.makePrimary()
    const binding = await world.makeBinding('lb-weight', ref)
    const service = world.server.project.backendServices.find(({ name }) => name === binding.native['backendService'])
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('backendServices.patch', { kind: 'latency', latency: 3_000 })
    const work = traffic.setWeights(binding, [], contextOf())
    await world.advance(1_500)
    if (service) service.backends = service.backends.map((backend) => ({ ...backend, capacityScaler: backend.capacityScaler === 1 ? 0.5 : 0 }))
    await work
    expect(since(from, /backendServices\//, 'PATCH').map(({ status }) => status)).toEqual([412, 200])
    expect(service?.backends.map(({ capacityScaler }) => capacityScaler)).toEqual([0, 0])
    await expect(traffic.setWeights(binding, [{ ref: { ...ref, nativeId: '7' }, weight: 100 }], contextOf())).rejects.toMatchObject({
      shape: { kind: 'conflict' },
    })
  })

  it('metadata is kept where secrets are, and nowhere else', async () => {
    const dna = await describeOne(await world.makePrimary())
    expect(Buffer.from(dna.userData ?? '', 'base64').toString()).toContain('echo hello')
    const { userData: _secret, ...rest } = dna
    expect(JSON.stringify(rest)).not.toContain('echo hello')
    expect(dna.native['metadataKeys']).toEqual(['startup-script'])
  })

  it('a wrong token and a wrong project are said to be that, without the token', async () => {
    const from = exchanges.length
    const answer = await fetch(`${world.server.url}/compute/v1/projects/${world.server.project.id}`)
    expect([answer.status, exchanges.length - from]).toEqual([401, 1])
    const { clock, url, region, project } = world.server
    const open = (account: string, accessToken: string) =>
      createGcpProvider({
        scope: { account, region },
        credentials: { accessToken },
        endpoint: url,
        installation: 't',
        clock,
        random: seededRandom(1),
      })
    const wrong = open(project.id, 'ya29.stolen-token')
    const refusal: unknown = await wrong.identify().catch((error: unknown) => error)
    expect(refusal).toMatchObject({ shape: { kind: 'unauthorized' } })
    expect(JSON.stringify(refusal) + String((refusal as Error).stack)).not.toContain('stolen-token')
    await expect(open('another-project', world.server.accessToken).identify()).rejects.toMatchObject({ shape: { kind: 'not_found' } })
  })

  it('every request and every answer is one that Google’s own description allows', async () => {
    const { compute, labels, inventory } = world.provider
    const ref = await world.makePrimary({ purchase: 'spot' })
    const source = await describeOne(ref)
    const made = await ended(await compute.provision(source, specOf(source, { power: 'stopped', purchase: 'spot' }), contextOf()))
    if (made.phase !== 'succeeded') throw new Error('the clone was not made')
    const clone = made.result as InstanceRef
    await ended(await compute.resize(clone, { instanceType: world.typeOther }, contextOf()))
    await ended(await compute.start(clone, contextOf()))
    await ended(await compute.hold(ref, contextOf()))
    await ended(await compute.start(ref, contextOf()))
    await labels.setProtection(ref, { terminate: true }, contextOf())
    await labels.tag([clone, (await describeOne(clone)).disks[0]?.ref ?? clone], { seen: 'yes' }, contextOf())
    await inventory.states([ref, clone])
    await compute.adopt(contextOf().idempotencyKey)
    const { traffic } = world.provider
    const binding = await world.makeBinding('lb-weight', ref)
    await traffic?.enrol(binding, clone, contextOf())
    await traffic?.setWeights(binding, [{ ref: clone, weight: 100 }], contextOf())
    await traffic?.remove(binding, ref, contextOf())
    expect(await traffic?.state(binding)).toMatchObject([{ nativeId: clone.nativeId, weight: 100 }])
    expect(await traffic?.drainSeconds?.(binding)).toBeGreaterThanOrEqual(0)
    await labels.setProtection(ref, { terminate: false }, contextOf())
    await ended(await compute.terminate(clone, contextOf()))
    const { problemsOf } = restRules()
    expect(exchanges.length).toBeGreaterThan(40)
    expect([...new Set(exchanges.flatMap(problemsOf))]).toEqual([])
    // The oracle does see what is wrong.
    const [insertion] = since(0, /\/instances$/)
    const { method = '', url = new URL('http://x'), status = 0, responseBody } = insertion ?? {}
    expect(problemsOf({ method, url, status, responseBody, requestBody: { preemtible: true, disks: {} } })).toHaveLength(2)
  })
})
