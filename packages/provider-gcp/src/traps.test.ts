import type { Exchange } from '@understudy/cloud-sim'
import { seededRandom, sha256 } from '@understudy/core'
import type { CallContext, CloneSpec, ResourceDna } from '@understudy/provider'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Adapter } from './adapter.ts'
import { createGcpProvider } from './gcp-provider.ts'
import { instanceResource } from './launch.ts'
import { nameOf } from './names.ts'
import { gcpWireWorld } from './testing/wire-world.ts'

/** What the SDK does that its types do not say: each case fails when the adapter steps into it. */
type World = Awaited<ReturnType<typeof gcpWireWorld>>
const exchanges: Exchange[] = []
/** What somebody else does in the moment after a request was answered. */
let meanwhile: ((exchange: Exchange) => void) | undefined
let world: World
let keys = 0

beforeAll(async () => {
  const onExchange = (exchange: Exchange): void => {
    exchanges.push(exchange)
    meanwhile?.(exchange)
  }
  world = await gcpWireWorld({ onExchange })
})
afterEach(() => {
  meanwhile = undefined
  world.server.project.unreachable.clear()
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await world.close()
})

const contextOf = (): CallContext => ({ idempotencyKey: sha256(`traps ${++keys}`).slice(0, 32), tags: {}, actor: 'test', priority: 'background' })
const since = (from: number, method: string, path: RegExp) =>
  exchanges.slice(from).filter((exchange) => exchange.method === method && path.test(exchange.url.pathname))
async function described(): Promise<ResourceDna> {
  const dna = await world.provider.inventory.describe(await world.makePrimary())
  if (dna === undefined) throw new Error('the world made it')
  return dna
}
const specLike = (source: ResourceDna): CloneSpec => ({
  name: 'Clone of ours',
  power: 'running',
  instanceType: source.size.type,
  purchase: 'spot',
  zone: world.zoneOther,
  disks: { from: 'image' },
})

describe('the SDK', () => {
  it('repeats no read that was answered with 503 by itself: it is told to', async () => {
    const ref = await world.makePrimary()
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('instances.get', { kind: 'unavailable' })
    expect((await world.provider.inventory.describe(ref))?.ref.nativeId).toBe(ref.nativeId)
    expect(since(from, 'GET', /instances\/\d+$/).map(({ status }) => status)).toEqual([503, 200])
  })

  it('repeats no change at all: ours is repeated under the same request id, and under another for another intent', async () => {
    const ref = await world.makePrimary()
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('instances.stop', { kind: 'unavailable' })
    await world.provider.compute.stop(ref, {}, contextOf())
    const stops = since(from, 'POST', /\/stop$/)
    expect(stops.map(({ status }) => status)).toEqual([503, 200])
    expect(new Set(stops.map(({ url }) => url.searchParams.get('requestId'))).size).toBe(1)
    expect(stops[0]?.url.searchParams.get('requestId')).toMatch(/^[0-9a-f]{8}-/)
    const other = await world.makePrimary()
    await world.provider.compute.stop(other, {}, contextOf())
    expect(new Set(since(from, 'POST', /\/stop$/).map(({ url }) => url.searchParams.get('requestId'))).size).toBe(2)
  })

  it('drops fields that its description does not know without a word: everything that is meant arrives', async () => {
    const source = await described()
    const context = contextOf()
    const from = exchanges.length
    await world.provider.compute.provision(source, specLike(source), context)
    const meant = instanceResource({ installation: 'conformance' } as Adapter, source, specLike(source), { ...context, members: undefined }) // it reads nothing else of it
    const sent = since(from, 'POST', /\/instances$/)[0]?.requestBody
    expect(sent).toMatchObject(JSON.parse(JSON.stringify(meant)) as object)
  })

  it('hangs members of its own on what it has read: none of them gets into a definition', async () => {
    expect(JSON.stringify(await described())).not.toMatch(/"_\w+":/)
  })

  it('gives numbers of 64 bits as text: sizes are numbers, and an id keeps all of its digits', async () => {
    const { ref, disks } = await described()
    expect(ref.nativeId).toBe(world.server.project.instances().at(-1)?.id)
    expect(disks.map(({ sizeGiB }) => sizeGiB)).toEqual([20, 30])
  })
})

describe('a name', () => {
  it('makes a creation once when its request id is forgotten: 409 is answered by a look at what is there', async () => {
    const source = await described()
    const context = contextOf()
    const from = exchanges.length
    // Both have looked and found nothing before either is done.
    world.server.dataCentre.faults.failNext('instances.insert', { kind: 'latency', latency: 10_000 })
    meanwhile = ({ method, url }) => {
      if (method === 'POST' && url.pathname.endsWith('/instances')) world.server.project.operations.forgetRequests()
    }
    const handles = await Promise.all([1, 2].map(() => world.freshProvider().compute.provision(source, specLike(source), context)))
    expect(since(from, 'POST', /\/instances$/).map(({ status }) => status)).toEqual([200, 409])
    expect(new Set(handles.map(({ native }) => native['name'])).size).toBe(1)
    expect((await world.countOf(context.idempotencyKey)).instances).toBe(1)
  })

  it('that somebody else’s instance has is a mismatch, and that instance stays as it is', async () => {
    const source = await described()
    const context = contextOf()
    const record = world.server.project.instance(source.ref.zone ?? '', source.ref.nativeId)
    world.server.project.add({ ...record, id: world.server.project.newId(), name: nameOf(context.idempotencyKey), zone: world.zoneOther }, [])
    await expect(world.provider.compute.provision(source, specLike(source), context)).rejects.toMatchObject({
      shape: { kind: 'idempotency_mismatch' },
    })
    expect(world.server.project.instance(world.zoneOther, nameOf(context.idempotencyKey)).labels).toEqual(record.labels)
  })
})

describe('a list over all zones', () => {
  it('asks for what there is when one zone cannot be asked, and zones elsewhere take nothing along', async () => {
    const ref = await world.makePrimary()
    const from = exchanges.length
    world.server.project.unreachable.add('us-central1-a')
    expect((await world.provider.inventory.states([ref])).size).toBe(1)
    expect(since(from, 'GET', /aggregated\/instances$/).every(({ url }) => url.searchParams.get('returnPartialSuccess') === 'true')).toBe(true)
  })

  it('is whole or fails when a connection breaks: an iterator that has failed says that it has ended', async () => {
    const ref = await world.makePrimary()
    world.server.dataCentre.faults.failNext('instances.aggregatedList', { kind: 'reset_before' })
    expect((await world.provider.inventory.states([ref])).size).toBe(1)
    world.server.dataCentre.faults.failNext('instances.aggregatedList', { kind: 'reset_before' }, 2)
    await expect(world.provider.inventory.states([ref])).rejects.toMatchObject({ shape: { kind: 'unavailable', retryable: true } })
  })

  it('does not take an unreachable zone for one in which there is nothing', async () => {
    const ref = await world.makePrimary()
    world.server.project.unreachable.add(ref.zone ?? '')
    const unavailable = { shape: { kind: 'unavailable', nativeCode: 'UNREACHABLE', retryable: true } }
    await expect(world.provider.inventory.states([ref])).rejects.toMatchObject(unavailable)
    await expect(world.provider.compute.adopt(contextOf().idempotencyKey)).rejects.toMatchObject(unavailable)
    // An outage of one zone is when those of the others are asked about most.
    const elsewhere = { ...ref, nativeId: '1', zone: world.zoneOther }
    expect((await world.provider.inventory.states([elsewhere])).size).toBe(0)
  })
})

describe('credentials that were given', () => {
  it('are the only ones: the machine’s metadata service is not asked', async () => {
    let asked = 0
    const metadata = createServer((_request, response) => {
      asked += 1
      response.writeHead(404, { 'metadata-flavor': 'Google' }).end()
    })
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve))
    vi.stubEnv('GCE_METADATA_HOST', `127.0.0.1:${(metadata.address() as AddressInfo).port}`)
    const { url, region, project, accessToken, clock } = world.server
    const provider = createGcpProvider({
      scope: { account: project.id, region },
      credentials: { accessToken },
      endpoint: url,
      installation: 't',
      clock,
      random: seededRandom(1),
    })
    expect(await provider.identify()).toEqual({ account: project.id, principal: 'understudy@sim-project.iam.gserviceaccount.com' })
    expect(await provider.inventory.describe(await world.makePrimary())).toBeDefined()
    await provider.market?.zones()
    await provider.close()
    metadata.close()
    expect(asked).toBe(0)
  })
})

describe('suspending', () => {
  it('keeps the memory, refuses a change of size meanwhile, and is resumed, not started', async () => {
    const { compute } = world.provider
    const ref = await world.makePrimary()
    const ended = async (handle: Parameters<typeof compute.poll>[0]) => {
      for (;;) {
        const status = await compute.poll(handle)
        if (status.phase !== 'running') return status
        await world.advance(1_000)
      }
    }
    const from = exchanges.length
    expect(await ended(await compute.hold(ref, contextOf()))).toMatchObject({ result: { state: 'held' } })
    await expect(compute.resize(ref, { instanceType: world.typeOther }, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict' } })
    expect(await ended(await compute.start(ref, contextOf()))).toMatchObject({ result: { state: 'running' } })
    expect(since(from, 'POST', /\/(start|resume|setMachineType)$/).map(({ url }) => url.pathname.split('/').at(-1))).toEqual(['resume'])
  })
})
