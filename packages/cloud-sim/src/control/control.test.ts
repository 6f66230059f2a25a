import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SimServer, type SimServerOptions, startSimServer } from '../server.ts'

let server: SimServer
let directory: string
const start = async (options: SimServerOptions = {}): Promise<SimServer> => {
  server = await startSimServer({ speed: 20, latencies: { pending: 500, boot: 1000, shuttingDown: 1000 }, ...options })
  return server
}
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloud-sim-'))
})
afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

interface Service {
  name: string
  instanceId: string
  listenerArn: string
  primaryTargetGroupArn: string
  allocationId?: string
}
const control = async <T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> => {
  const response = await fetch(`${server.url}/_sim${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  return { status: response.status, body: (await response.json()) as T }
}
const seed = async (more: object = {}): Promise<Service[]> =>
  (await control<{ services: Service[] }>('POST', '/seed', { name: 'shop', ...more })).body.services
const soon = { timeout: 60_000, interval: 10 }
const stateOf = (id: string) => server.dataCentre.instances.get(id)?.state
const warnings = async (): Promise<{ id: string; 'detail-type': string; detail: Record<string, string> }[]> => {
  const messages = await server.queues.get('understudy-events').receive({ max: 100, visibilitySeconds: 3600, waitSeconds: 0 })
  return messages
    .map((message) => JSON.parse(message.body) as Awaited<ReturnType<typeof warnings>>[number])
    .filter((event) => !event['detail-type'].includes('State-change'))
}

describe('the control endpoint', () => {
  it('makes web services and tells where they listen', async () => {
    await start()
    const services = await seed({ count: 3, addresses: true })
    expect(services.map((service) => service.name)).toEqual(['shop-1', 'shop-2', 'shop-3'])
    expect(new Set(services.map((service) => server.dataCentre.instances.get(service.instanceId)?.zone)).size).toBe(3)
    await vi.waitFor(() => {
      for (const service of services) {
        expect(server.dataCentre.balancers.targetHealth(service.primaryTargetGroupArn)[0]?.health).toBe('healthy')
        expect(server.dataCentre.instances.get(service.instanceId)?.nics[0]?.allocationId).toBe(service.allocationId)
      }
    }, soon)
    const { body } = await control<Awaited<ReturnType<SimServer['endpoints']>>>('GET', '/endpoints')
    const listener = body.listeners.find((candidate) => candidate.listenerArn === services[1]?.listenerArn)
    const address = body.addresses.find((candidate) => candidate.allocationId === services[1]?.allocationId)
    for (const url of [listener?.url, address?.url])
      expect(await (await fetch(url ?? '')).json()).toMatchObject({ instanceId: services[1]?.instanceId, name: 'shop-2' })
    expect(body.queues.map((queue) => queue.name)).toEqual(['understudy-events'])
    expect((await control('GET', '/state')).body).toMatchObject({
      instances: { total: 3, byState: { running: 3 } },
      loadBalancers: 3,
      clock: { speed: 20 },
    })
  })

  it('interrupts by id with a notice, and what is named by zone too', async () => {
    await start({ listeners: false })
    const services = await seed({ count: 4 })
    const ids = services.map((service) => service.instanceId)
    await vi.waitFor(() => expect(ids.map(stateOf)).toEqual(ids.map(() => 'running')), soon)
    const [first = ''] = ids
    expect((await control('POST', '/interrupt', { instanceIds: [first], noticeSeconds: 30, copies: 3 })).body).toEqual({ instanceIds: [first] })
    const told = await warnings()
    expect(told.map((event) => [event['detail-type'], event.detail['instance-id']])).toEqual(
      Array.from({ length: 3 }, () => ['EC2 Spot Instance Interruption Warning', first]),
    )
    expect(new Set(told.map((event) => event.id)).size).toBe(1)
    expect(stateOf(first)).toBe('running')
    await vi.waitFor(() => expect(stateOf(first)).toBe('terminated'), soon)
    const zone = server.dataCentre.instances.get(ids[1] ?? '')?.zone
    const { body } = await control<{ instanceIds: string[] }>('POST', '/interrupt', { zone })
    expect(body.instanceIds).toEqual(ids.slice(1).filter((id) => server.dataCentre.instances.get(id)?.zone === zone))
  })

  it('takes instances without a word, or with a word too late', async () => {
    await start({ listeners: false })
    const [silent, late] = (await seed({ count: 2 })).map((service) => service.instanceId)
    await vi.waitFor(() => expect([stateOf(silent ?? ''), stateOf(late ?? '')]).toEqual(['running', 'running']), soon)
    await control('POST', '/interrupt', { instanceIds: [silent], silent: true })
    await control('POST', '/interrupt', { instanceIds: [late], lateSeconds: 20 })
    expect([stateOf(silent ?? ''), stateOf(late ?? '')]).toEqual(['shutting-down', 'shutting-down'])
    expect(await warnings()).toEqual([])
    await vi.waitFor(async () => expect((await warnings()).map((event) => event.detail['instance-id'])).toEqual([late]), soon)
  })

  it('recommends, schedules, prices, limits and breaks', async () => {
    await start({ listeners: false })
    const [service] = await seed()
    const id = service?.instanceId ?? ''
    await vi.waitFor(() => expect(stateOf(id)).toBe('running'), soon)
    await control('POST', '/rebalance', { instanceIds: [id] })
    await control('POST', '/scheduled-event', { instanceId: id, code: 'instance-stop', startsInSeconds: 86_400, postponableForSeconds: 172_800 })
    expect((await warnings()).map((event) => event['detail-type'])).toEqual(['EC2 Instance Rebalance Recommendation', 'AWS Health Event'])
    await control('POST', '/price', { instanceType: 'm7i.large', zone: 'sim-east-1a', usdPerHour: 0.077 })
    expect(server.dataCentre.catalogue.spotPrices({ instanceTypes: ['m7i.large'], zone: 'sim-east-1a' })[0]?.usdPerHour).toBe(0.077)
    await control('POST', '/capacity', { instanceType: 'm7i.large', zone: 'sim-east-1b', market: 'spot', free: 0 })
    expect(server.dataCentre.catalogue.capacity('m7i.large', 'sim-east-1b', 'spot')).toBe(0)
    await control('POST', '/fault', { failZone: 'sim-east-1c', queue: { name: 'understudy-events', duplicate: 0.5 } })
    expect(server.dataCentre.network.describeZones().items.map((zone) => zone.state)).toEqual(['available', 'available', 'impaired'])
    expect(server.queues.get('understudy-events').disorder.duplicate).toBe(0.5)
    await control('DELETE', '/faults')
    expect(server.dataCentre.network.describeZones().items.every((zone) => zone.state === 'available')).toBe(true)
    expect(server.queues.get('understudy-events').disorder.duplicate).toBe(0)
    await control('POST', '/event', { any: 'document' })
    expect((await server.queues.get('understudy-events').receive({ max: 1, visibilitySeconds: 1, waitSeconds: 0 }))[0]?.body).toBe(
      '{"any":"document"}',
    )
    expect((await control('POST', '/clock', { speed: 3 })).body).toMatchObject({ speed: 3 })
  })

  it('spoils and deletes snapshots', async () => {
    await start({ listeners: false })
    const [service] = await seed()
    await vi.waitFor(() => expect(stateOf(service?.instanceId ?? '')).toBe('running'), soon)
    const { storage } = server.dataCentre
    const snapshotOf = () => storage.createSnapshots({ instanceId: service?.instanceId ?? '' })[0]?.snapshotId ?? ''
    const [spoiled, deleted] = [snapshotOf(), snapshotOf()]
    expect((await control('POST', '/fault', { spoilSnapshot: spoiled, deleteSnapshot: deleted })).status).toBe(200)
    expect([storage.getSnapshot(spoiled)?.state, storage.getSnapshot(deleted)]).toEqual(['error', undefined])
  })

  it('says what is wrong with a request', async () => {
    await start({ listeners: false })
    expect(await control('GET', '/nothing')).toMatchObject({ status: 404, body: { error: 'there is no GET /nothing' } })
    expect(await control('POST', '/seed', { name: 'shop', cuont: 1 })).toMatchObject({ status: 400, body: { issues: [expect.anything()] } })
    expect(await control('POST', '/interrupt', {})).toMatchObject({ status: 400 })
    expect(await control('POST', '/interrupt', { instanceIds: ['i-0123456789abcdef0'] })).toMatchObject({
      status: 400,
      body: { code: 'InvalidInstanceID.NotFound' },
    })
    const broken = await fetch(`${server.url}/_sim/seed`, { method: 'POST', body: '{' })
    expect([broken.status, await broken.json()]).toEqual([400, { error: 'the body is not JSON' }])
  })

  it('is deaf to pages of other origins', async () => {
    await start({ listeners: false })
    const foreign = await fetch(`${server.url}/_sim/reset`, { method: 'POST', headers: { origin: 'https://example.com' } })
    expect(foreign.status).toBe(403)
    const own = await fetch(`${server.url}/_sim/state`, { headers: { origin: 'http://127.0.0.1:5173' } })
    expect(own.status).toBe(200)
  })

  it('forgets everything on a reset', async () => {
    await start({ stateDirectory: directory })
    await seed({ addresses: true })
    expect((await control('POST', '/reset')).status).toBe(200)
    expect((await control('GET', '/state')).body).toMatchObject({ instances: { total: 0 }, loadBalancers: 0, addresses: 0, volumes: 0 })
    expect(await seed({ name: 'again' })).toHaveLength(1)
  })
})

describe('a simulation that is stopped and started again', () => {
  it('finds its instances, addresses, queue, volumes and clock as they were', async () => {
    await start({ stateDirectory: directory })
    const [service] = await seed({ addresses: true })
    const id = service?.instanceId ?? ''
    await vi.waitFor(() => expect(server.dataCentre.instances.get(id)?.answering).toBe(true), soon)
    const before = await server.endpoints()
    const guest = before.instances[0]?.url ?? ''
    await fetch(`${guest}/counter`, { method: 'POST' })
    await fetch(`${guest}/disk?offset=100`, { method: 'PUT', body: 'kept bytes' })
    server.keys.add({ accessKeyId: 'AKIAANOTHERONE000000', secretAccessKey: 'another-secret-key' })
    const queued = server.queues.get('understudy-events').counts().visible
    const nowMs = server.clock.nowMs()
    await server.close()

    await start({ stateDirectory: directory, seed: 2 })
    expect(server.clock.nowMs()).toBeGreaterThanOrEqual(nowMs)
    expect(stateOf(id)).toBe('running')
    const after = await server.endpoints()
    expect(after.listeners).toEqual(before.listeners)
    expect(after.addresses).toEqual(before.addresses)
    const again = after.instances[0]?.url ?? ''
    expect(await (await fetch(again)).json()).toMatchObject({ instanceId: id, counter: 1 })
    expect(await (await fetch(`${again}/disk?offset=100&length=10`)).text()).toBe('kept bytes')
    expect(server.queues.get('understudy-events').counts().visible).toBe(queued)
    expect(server.keys.find('AKIAANOTHERONE000000')?.secretAccessKey).toBe('another-secret-key')
  })

  it('carries out what fell due while it was away', async () => {
    await start({ stateDirectory: directory, latencies: { pending: 100, boot: 100 } })
    const [service] = await seed()
    const id = service?.instanceId ?? ''
    await vi.waitFor(() => expect(stateOf(id)).toBe('running'), soon)
    server.clock.setSpeed(1)
    server.dataCentre.market.interrupt(id, { noticeMs: 2000 })
    await server.close()
    await start({ stateDirectory: directory, speed: 1000 })
    await vi.waitFor(() => expect(stateOf(id)).not.toBe('running'), soon)
  })

  it('writes a change soon, for its owner only', async () => {
    await start({ stateDirectory: directory })
    await seed()
    const path = join(directory, 'state.json')
    await vi.waitFor(async () => expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ region: { dataCentre: { version: 1 } } }), soon)
    expect((await stat(path)).mode & 0o077).toBe(0)
  })

  it('refuses a state that it cannot read, and says what to do', async () => {
    await start({ listeners: false })
    await writeFile(join(directory, 'state.json'), '{ half')
    await expect(startSimServer({ stateDirectory: directory })).rejects.toThrow(/move it away/)
  })
})

describe('scale mode', () => {
  it('holds ten thousand instances and opens nothing for them', async () => {
    await start({ listeners: false, stateChangeEvents: false })
    for (let batch = 0; batch < 10; batch++)
      server.dataCentre.instances.run({ imageId: 'ami-0a11c0de0000000a1', instanceType: 't3.micro', minCount: 1000, maxCount: 1000, spot: {} })
    expect(server.dataCentre.instances.count()).toBe(10_000)
    expect((await server.endpoints()).instances).toEqual([])
    const { body } = await control<{ instances: { total: number } }>('GET', '/state')
    expect(body.instances.total).toBe(10_000)
  })
})
