import { seededRandom, VirtualClock } from '@understudy/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunInstancesInput } from './api.ts'
import { memoryBlockStore } from './block-store-layers.ts'
import { restoreDataCentre } from './create-datacentre.ts'
import type { DataCentre, DataCentreOptions } from './datacentre.ts'
import { seededImages, seedRegion, seedWebService } from './fixtures.ts'

const latencies = { pending: 5_000, boot: 10_000, stopping: 20_000, shuttingDown: 15_000 }
let clock: VirtualClock
let dc: DataCentre
const input: RunInstancesInput = { imageId: seededImages.amazonLinux, instanceType: 'm7i.large', minCount: 1, maxCount: 1 }
const run = () => dc.invoke('RunInstances', () => dc.instances.run(input), { resources: 1 })

beforeEach(() => {
  clock = new VirtualClock()
  dc = seedRegion({ clock, random: seededRandom(21), latencies })
})

describe('faults of calls', () => {
  it('refuse, in the words of the service concerned, and let the next call through', async () => {
    dc.faults.failNext('RunInstances', { kind: 'throttle' })
    dc.faults.failNext('RunInstances', { kind: 'capacity' })
    dc.faults.failNext('RunInstances', { kind: 'internal_error' })
    dc.faults.failNext('ModifyListener', { kind: 'throttle' })
    await expect(run()).rejects.toMatchObject({ code: 'RequestLimitExceeded', status: 503 })
    await expect(run()).rejects.toMatchObject({ code: 'InsufficientInstanceCapacity', status: 500 })
    await expect(run()).rejects.toMatchObject({ code: 'InternalError', status: 500 })
    await expect(dc.invoke('ModifyListener', () => 1)).rejects.toMatchObject({ code: 'Throttling', status: 400 })
    expect(dc.instances.count()).toBe(0)
    await run()
    expect(dc.instances.count()).toBe(1)
    expect(dc.calls.recent.map((call) => [call.operation, call.outcome, call.code])).toEqual([
      ['RunInstances', 'error', 'RequestLimitExceeded'],
      ['RunInstances', 'error', 'InsufficientInstanceCapacity'],
      ['RunInstances', 'error', 'InternalError'],
      ['ModifyListener', 'error', 'Throttling'],
      ['RunInstances', 'ok', undefined],
    ])
    expect(dc.calls.counts()).toEqual({ RunInstances: 4, ModifyListener: 1 })
  })

  it('break the connection before the effect or after it', async () => {
    dc.faults.failNext('RunInstances', { kind: 'reset_before' })
    await expect(run()).rejects.toMatchObject({ name: 'ConnectionReset', afterEffect: false })
    expect(dc.instances.count()).toBe(0)
    dc.faults.failNext('RunInstances', { kind: 'reset_after' })
    await expect(run()).rejects.toMatchObject({ name: 'ConnectionReset', afterEffect: true })
    expect(dc.instances.count()).toBe(1)
  })

  it('delay the effect', async () => {
    dc.faults.failNext('*', { kind: 'latency', latency: 3_000 })
    const call = run()
    await clock.advanceAsync(2_999)
    expect(dc.instances.count()).toBe(0)
    await clock.advanceAsync(1)
    await call
    expect(dc.instances.count()).toBe(1)
  })

  it('follow a plan by chance, the same for the same seed', async () => {
    const outcomes = async (seed: number): Promise<string> => {
      const region = seedRegion({ clock: new VirtualClock(), random: seededRandom(seed) })
      region.faults.plan([{ operation: 'DescribeInstances', fault: { kind: 'throttle' }, probability: 0.3 }])
      let seen = ''
      for (let n = 0; n < 50; n++) {
        seen += await region.invoke('DescribeInstances', () => '.').catch(() => 'x')
      }
      return seen
    }
    expect(await outcomes(1)).toBe(await outcomes(1))
    expect(await outcomes(1)).not.toBe(await outcomes(2))
    expect((await outcomes(1)).match(/x/g)?.length).toBeGreaterThan(5)
  })
})

describe('rate limits', () => {
  it('are token buckets that refill, when they are switched on', async () => {
    dc = seedRegion({ clock, random: seededRandom(1), latencies, rateLimits: true })
    for (let n = 0; n < 5; n++) await run()
    await expect(run()).rejects.toMatchObject({ code: 'RequestLimitExceeded' })
    clock.advance(500)
    await run()
    await expect(run()).rejects.toMatchObject({ code: 'RequestLimitExceeded' })
    clock.advance(10_000)
    await expect(dc.invoke('StartInstances', () => 1, { resources: 1001 })).rejects.toMatchObject({ code: 'RequestLimitExceeded' })
    await dc.invoke('StartInstances', () => 1, { resources: 1000 })
  })
})

describe('standing conditions', () => {
  it('keep an instance stuck until it is released', () => {
    dc.faults.stickNext('pending')
    const [stuck] = dc.instances.run(input).instances
    const [other] = dc.instances.run(input).instances
    clock.advance(3_600_000)
    expect([stuck?.state, other?.state]).toEqual(['pending', 'running'])
    dc.faults.releaseStuck()
    clock.advance(latencies.pending)
    expect(stuck?.state).toBe('running')
  })

  it('silence a zone: nothing answers, nothing launches, until it is back', () => {
    const service = seedWebService(dc, { name: 'web' })
    clock.advance(60_000)
    dc.faults.failZone('sim-east-1a')
    clock.advance(20_000)
    expect(dc.balancers.targetHealth(service.primary.arn)[0]?.health).toBe('unhealthy')
    expect(dc.maintenance.describeStatus({ ids: [service.instance.instanceId] }).items[0]).toMatchObject({
      systemStatus: 'impaired',
      instanceStatus: 'impaired',
    })
    expect(() => dc.instances.run({ ...input, zone: 'sim-east-1a' })).toThrowError(expect.objectContaining({ code: 'InsufficientInstanceCapacity' }))
    expect(dc.instances.run({ ...input, zone: 'sim-east-1b' }).instances).toHaveLength(1)
    dc.faults.restoreZone('sim-east-1a')
    clock.advance(60_000)
    expect(dc.balancers.targetHealth(service.primary.arn)[0]?.health).toBe('healthy')
  })

  it('let launches fail after they were accepted, and starts fall back to rest', () => {
    dc.faults.failLaunches()
    const [lost] = dc.instances.run(input).instances
    clock.advance(latencies.pending)
    expect(lost).toMatchObject({ state: 'shutting-down', stateReason: { code: 'Server.InsufficientInstanceCapacity' } })
    const [parked] = dc.instances.run(input).instances
    clock.advance(20_000)
    const id = parked?.instanceId ?? ''
    dc.instances.stop([id])
    clock.advance(latencies.stopping)
    dc.faults.failLaunches(1, 'Server.InternalError')
    dc.instances.start([id])
    clock.advance(latencies.pending)
    expect(parked).toMatchObject({ state: 'stopped', stateReason: { code: 'Server.InternalError' } })
    dc.instances.start([id])
    clock.advance(latencies.pending)
    expect(parked?.state).toBe('running')
  })

  it('slow starts down', () => {
    dc.faults.slowStarts(3)
    const [slow] = dc.instances.run(input).instances
    clock.advance(latencies.pending)
    expect(slow?.state).toBe('pending')
    clock.advance(latencies.pending * 2 + latencies.boot * 3)
    expect(slow?.answering).toBe(true)
  })
})

describe('a launch that is refused', () => {
  it('leaves nothing behind: no instance, no disk, no capacity taken', () => {
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1a', 'on-demand', 5)
    const subnet = dc.network.createSubnet({ zone: 'sim-east-1a', cidr: '10.0.200.0/28' })
    expect(() => dc.instances.run({ ...input, subnetId: subnet.subnetId, minCount: 8, maxCount: 8 })).toThrowError(
      expect.objectContaining({ code: 'InsufficientInstanceCapacity' }),
    )
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1a', 'on-demand', 50)
    expect(() => dc.instances.run({ ...input, subnetId: subnet.subnetId, minCount: 12, maxCount: 12 })).toThrowError(
      expect.objectContaining({ code: 'InsufficientFreeAddressesInSubnet' }),
    )
    expect(dc.catalogue.capacity('m7i.large', 'sim-east-1a', 'on-demand')).toBe(50)
    expect([dc.instances.count(), dc.storage.describeVolumes().items.length]).toEqual([0, 0])
    const named = dc.instances.run({ ...input, subnetId: subnet.subnetId, privateIp: '10.0.200.5' }).instances[0]
    const rest = dc.instances.run({ ...input, subnetId: subnet.subnetId, minCount: 10, maxCount: 10 }).instances
    expect(new Set([named, ...rest].map((instance) => instance?.privateIp)).size).toBe(11)
    expect(() => dc.instances.run({ ...input, subnetId: subnet.subnetId, privateIp: '10.0.200.5' })).toThrowError(
      expect.objectContaining({ code: 'InsufficientFreeAddressesInSubnet' }),
    )
  })
})

describe('addresses', () => {
  it('move in one call only when that is allowed, and are lost by a terminated instance', () => {
    const [one, two] = dc.instances.run({ ...input, minCount: 2, maxCount: 2 }).instances
    clock.advance(latencies.pending)
    const { allocationId, publicIp } = dc.network.allocateAddress({ 'understudy:op': 'k' })
    const associate = (instanceId: string | undefined, allowReassociation = false) =>
      dc.network.associateAddress({ allocationId, instanceId: instanceId ?? '', allowReassociation })
    const first = associate(one?.instanceId)
    expect(associate(one?.instanceId)).toEqual(first)
    expect(() => associate(two?.instanceId)).toThrowError(expect.objectContaining({ code: 'Resource.AlreadyAssociated' }))
    associate(two?.instanceId, true)
    expect([one?.publicIp, two?.publicIp]).toEqual([undefined, publicIp])
    dc.instances.terminate([two?.instanceId ?? ''])
    clock.advance(latencies.shuttingDown)
    expect(dc.network.describeAddresses().items[0]?.instanceId).toBeUndefined()
    expect(dc.orphans((key) => key !== 'k')).toMatchObject([{ kind: 'address', id: allocationId, operationKey: 'k' }])
    expect(dc.orphans(() => true)).toEqual([])
  })
})

describe('a restored data centre', () => {
  const restart = (options: Partial<DataCentreOptions> = {}): DataCentre => {
    const json = JSON.parse(JSON.stringify(dc.serialise())) as ReturnType<DataCentre['serialise']>
    dc.close()
    return restoreDataCentre({ clock, random: seededRandom(21), latencies, ...options }, json)
  }

  it('has everything it had, and goes on with what was pending', () => {
    const blocks = memoryBlockStore()
    dc = seedRegion({ clock, random: seededRandom(21), latencies, blocks })
    const service = seedWebService(dc, { name: 'web', tags: { team: 'blue' } })
    clock.advance(60_000)
    const [starting] = dc.instances.run({ ...input, clientToken: 'once' }).instances
    dc.market.interrupt(service.instance.instanceId)
    dc.balancers.deregisterTargets(service.primary.arn, [{ instanceId: service.instance.instanceId }])
    const snapshots = dc.storage.createSnapshots({ instanceId: service.instance.instanceId })
    const before = dc.serialise()
    clock.advance(2_000)
    dc = restart({ blocks })
    expect(dc.serialise()['state']).toEqual(before['state'])
    expect(dc.instances.describe({ filters: [{ name: 'tag:team', values: ['blue'] }] }).items.map((instance) => instance.instanceId)).toEqual([
      service.instance.instanceId,
    ])
    expect(dc.instances.run({ ...input, clientToken: 'once' }).instances[0]?.instanceId).toBe(starting?.instanceId)
    clock.advance(3_000)
    expect(dc.instances.get(starting?.instanceId ?? '')?.state).toBe('running')
    clock.advance(25_000)
    expect(dc.balancers.targetHealth(service.primary.arn)).toEqual([])
    clock.advance(90_000)
    expect(dc.instances.get(service.instance.instanceId)?.state).toBe('shutting-down')
    expect(dc.storage.getSnapshot(snapshots[0]?.snapshotId ?? '')?.state).toBe('completed')
    const fresh = dc.instances.run(input).instances[0]
    expect(dc.instances.get(fresh?.instanceId ?? '')).toBe(fresh)
  })

  it('does at once, in order, what fell due while it was away', () => {
    const [instance] = dc.instances.run(input).instances
    const json = dc.serialise()
    dc.close()
    clock.advance(3_600_000)
    dc = restoreDataCentre({ clock, random: seededRandom(21), latencies }, json)
    clock.advance(0)
    expect(dc.instances.get(instance?.instanceId ?? '')?.state).toBe('running')
    clock.advance(latencies.boot)
    expect(dc.instances.get(instance?.instanceId ?? '')?.answering).toBe(true)
  })

  it('refuses a state of another format', () => {
    expect(() => restoreDataCentre({ clock, random: seededRandom(1) }, { version: 99 })).toThrow(/format 99/)
  })
})

describe('scale', () => {
  it('holds ten thousand instances behind a balancer, and reclaims them all', () => {
    const ids: string[] = []
    for (let n = 0; n < 10; n++) {
      const zone = ['sim-east-1a', 'sim-east-1b', 'sim-east-1c'][n % 3] ?? ''
      const { instances } = dc.instances.run({ ...input, zone, spot: {}, minCount: 1000, maxCount: 1000, tags: { instance: { batch: String(n) } } })
      ids.push(...instances.map((instance) => instance.instanceId))
    }
    const service = seedWebService(dc, { name: 'web' })
    clock.advance(30_000)
    dc.balancers.registerTargets(
      service.standby.arn,
      ids.map((instanceId) => ({ instanceId })),
    )
    clock.advance(30_000)
    expect(dc.balancers.targetHealth(service.standby.arn).filter((target) => target.health === 'healthy')).toHaveLength(10_000)
    expect(dc.instances.describe({ filters: [{ name: 'tag:batch', values: ['3'] }], maxResults: 1000 }).items).toHaveLength(1000)
    // At rest they cost nothing: not one timer is pending.
    expect(clock.pendingCount).toBe(0)
    expect(dc.market.massReclaim({ instanceIds: ids })).toHaveLength(10_000)
    clock.advance(120_000 + latencies.shuttingDown)
    expect(dc.balancers.targetHealth(service.standby.arn)).toEqual([])
    clock.advance(3_600_000)
    expect(dc.instances.count()).toBe(1)
  })
})
