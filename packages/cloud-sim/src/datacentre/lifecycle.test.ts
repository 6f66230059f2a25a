import { seededRandom, VirtualClock } from '@understudy/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunInstancesInput } from './api.ts'
import type { DataCentre } from './datacentre.ts'
import { seededImages, seedRegion } from './fixtures.ts'
import type { SimError } from './sim-error.ts'

const latencies = { pending: 5_000, boot: 10_000, stopping: 20_000, hibernating: 30_000, shuttingDown: 15_000, hibernationAgent: 60_000 }
let clock: VirtualClock
let dc: DataCentre

beforeEach(() => {
  clock = new VirtualClock()
  dc = seedRegion({ clock, random: seededRandom(7), latencies })
})

const launch = (more: Partial<RunInstancesInput> = {}): string => {
  const { instances } = dc.instances.run({ imageId: seededImages.amazonLinux, instanceType: 'm7i.large', minCount: 1, maxCount: 1, ...more })
  return instances[0]?.instanceId ?? ''
}
const running = (more: Partial<RunInstancesInput> = {}): string => {
  const id = launch(more)
  clock.advance(latencies.pending + latencies.boot)
  return id
}
const stopped = (more: Partial<RunInstancesInput> = {}): string => {
  const id = running(more)
  dc.instances.stop([id])
  clock.advance(latencies.stopping)
  return id
}
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
  } catch (error) {
    return (error as SimError).code
  }
  return undefined
}
const stateOf = (id: string): string | undefined => dc.instances.get(id)?.state

describe('life of an instance', () => {
  it('is pending, then running, and answers only after its guest has booted', () => {
    const id = launch()
    expect(stateOf(id)).toBe('pending')
    clock.advance(latencies.pending)
    expect(stateOf(id)).toBe('running')
    expect(dc.instances.get(id)?.answering).toBe(false)
    clock.advance(latencies.boot)
    expect(dc.instances.get(id)?.answering).toBe(true)
  })

  it('stops, starts again with its private address and disks, and gets a new public address', () => {
    const id = running()
    const before = structuredClone(dc.instances.get(id))
    dc.instances.stop([id])
    expect(stateOf(id)).toBe('stopping')
    expect(dc.instances.get(id)?.answering).toBe(false)
    clock.advance(latencies.stopping)
    expect(dc.instances.get(id)).toMatchObject({ state: 'stopped', stateReason: { code: 'Client.UserInitiatedShutdown' } })
    expect(dc.instances.get(id)?.publicIp).toBeUndefined()
    expect(dc.instances.start([id])).toEqual([{ instanceId: id, previousState: 'stopped', currentState: 'pending' }])
    clock.advance(latencies.pending)
    const after = dc.instances.get(id)
    expect(after).toMatchObject({ state: 'running', privateIp: before?.privateIp, blockDevices: before?.blockDevices })
    expect(after?.publicIp).toBeDefined()
    expect(after?.publicIp).not.toBe(before?.publicIp)
    expect(after?.launchTimeMs).toBeGreaterThan(before?.launchTimeMs ?? 0)
  })

  it('is described for about an hour after its end, and then no more', () => {
    const id = running()
    dc.instances.terminate([id])
    expect(stateOf(id)).toBe('shutting-down')
    clock.advance(latencies.shuttingDown)
    expect(dc.instances.describe({ ids: [id] }).items[0]?.state).toBe('terminated')
    clock.advance(3_600_000)
    expect(codeOf(() => dc.instances.describe({ ids: [id] }))).toBe('InvalidInstanceID.NotFound')
  })

  it('refuses what EC2 refuses', () => {
    const id = running()
    expect(codeOf(() => dc.instances.modifyAttribute(id, { attribute: 'instanceType', value: 'm7i.xlarge' }))).toBe('IncorrectInstanceState')
    expect(codeOf(() => dc.instances.stop([id], { hibernate: true }))).toBe('UnsupportedHibernationConfiguration')
    expect(codeOf(() => dc.instances.start(['i-12345678901234567']))).toBe('InvalidInstanceID.NotFound')
    expect(codeOf(() => dc.instances.start(['web-1']))).toBe('InvalidInstanceID.Malformed')
    dc.instances.terminate([id])
    expect(codeOf(() => dc.instances.start([id]))).toBe('IncorrectInstanceState')
    clock.advance(latencies.shuttingDown)
    expect(codeOf(() => dc.instances.start([id]))).toBe('IncorrectInstanceState')
    expect(codeOf(() => dc.instances.stop([id]))).toBe('IncorrectInstanceState')
    expect(dc.instances.terminate([id])).toEqual([{ instanceId: id, previousState: 'terminated', currentState: 'terminated' }])
  })

  it('resizes only when stopped, never a spot instance, never one that may hibernate', () => {
    const plain = stopped()
    dc.instances.modifyAttribute(plain, { attribute: 'instanceType', value: 'm7i.xlarge' })
    expect(dc.instances.get(plain)?.instanceType).toBe('m7i.xlarge')
    const spot = stopped({ spot: { kind: 'persistent', interruptionBehavior: 'stop' } })
    expect(codeOf(() => dc.instances.modifyAttribute(spot, { attribute: 'instanceType', value: 'm7i.xlarge' }))).toBe('UnsupportedOperation')
    const hibernating = stopped({ hibernationConfigured: true })
    expect(codeOf(() => dc.instances.modifyAttribute(hibernating, { attribute: 'instanceType', value: 'm7i.xlarge' }))).toBe('UnsupportedOperation')
  })

  it('hibernates when its agent is ready, says so when it is too early, and falls back without a word when the guest hangs', () => {
    const id = running({ hibernationConfigured: true })
    expect(codeOf(() => dc.instances.stop([id], { hibernate: true }))).toBe('UnsupportedOperation')
    clock.advance(latencies.hibernationAgent)
    dc.instances.stop([id], { hibernate: true })
    clock.advance(latencies.hibernating)
    expect(dc.instances.get(id)).toMatchObject({ state: 'stopped', hibernated: true, stateReason: { code: 'Client.UserInitiatedHibernate' } })
    const hung = running({ hibernationConfigured: true })
    clock.advance(600_000)
    dc.instances.setAnswering(hung, false)
    dc.instances.stop([hung], { hibernate: true })
    clock.advance(latencies.hibernating)
    expect(dc.instances.get(hung)).toMatchObject({ state: 'stopped', hibernated: false, stateReason: { code: 'Client.UserInitiatedShutdown' } })
  })

  it('needs an encrypted root disk that can hold the memory, and a type that can hibernate', () => {
    const root = { deviceName: '/dev/xvda', sizeGiB: 4 }
    expect(codeOf(() => launch({ hibernationConfigured: true, blockDevices: [root] }))).toBe('UnsupportedHibernationConfiguration')
    expect(codeOf(() => launch({ hibernationConfigured: true, instanceType: 't3.micro' }))).toBe('UnsupportedHibernationConfiguration')
    const strict = seedRegion({ clock, random: seededRandom(1), latencies, encryptionByDefault: false })
    const input = { imageId: seededImages.amazonLinux, instanceType: 'm7i.large', minCount: 1, maxCount: 1, hibernationConfigured: true }
    expect(codeOf(() => strict.instances.run(input))).toBe('UnsupportedHibernationConfiguration')
    expect(strict.instances.run({ ...input, blockDevices: [{ deviceName: '/dev/xvda', encrypted: true }] }).instances).toHaveLength(1)
  })
})

describe('protection and batches', () => {
  it('terminates nothing of a batch with an unknown id', () => {
    const id = running()
    expect(codeOf(() => dc.instances.terminate([id, 'i-12345678901234567']))).toBe('InvalidInstanceID.NotFound')
    expect(stateOf(id)).toBe('running')
  })

  it('spares the zone of a protected instance, terminates the other zones, and reports the failure', () => {
    const guarded = launch({ zone: 'sim-east-1a', disableApiTermination: true })
    const neighbour = launch({ zone: 'sim-east-1a' })
    const elsewhere = launch({ zone: 'sim-east-1b' })
    clock.advance(latencies.pending)
    expect(codeOf(() => dc.instances.terminate([guarded, neighbour, elsewhere]))).toBe('OperationNotPermitted')
    expect([guarded, neighbour, elsewhere].map(stateOf)).toEqual(['running', 'running', 'shutting-down'])
    dc.instances.modifyAttribute(guarded, { attribute: 'disableApiTermination', value: false })
    dc.instances.terminate([guarded])
    expect(stateOf(guarded)).toBe('shutting-down')
  })

  it('refuses to stop what is protected from stopping', () => {
    const id = running({ disableApiStop: true })
    expect(codeOf(() => dc.instances.stop([id]))).toBe('OperationNotPermitted')
  })

  it('starts all of a batch or none when capacity is short', () => {
    const ids = [stopped(), stopped()]
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1a', 'on-demand', 1)
    expect(codeOf(() => dc.instances.start(ids))).toBe('InsufficientInstanceCapacity')
    expect(ids.map(stateOf)).toEqual(['stopped', 'stopped'])
    expect(dc.catalogue.capacity('m7i.large', 'sim-east-1a', 'on-demand')).toBe(1)
    dc.instances.start(ids.slice(0, 1))
    expect(dc.catalogue.capacity('m7i.large', 'sim-east-1a', 'on-demand')).toBe(0)
  })
})

describe('client tokens', () => {
  it('answer the same instance for the same request, refuse another one, and are used up by termination', () => {
    const id = launch({ clientToken: 'once' })
    expect(launch({ clientToken: 'once' })).toBe(id)
    expect(dc.instances.count()).toBe(1)
    expect(codeOf(() => launch({ clientToken: 'once', instanceType: 'm7i.xlarge' }))).toBe('IdempotentParameterMismatch')
    clock.advance(latencies.pending)
    dc.instances.terminate([id])
    expect(codeOf(() => launch({ clientToken: 'once' }))).toBe('IdempotentInstanceTerminated')
  })
})

describe('capacity and price', () => {
  it('is taken by launches, given back by stops, and refused as a server error when none is left', () => {
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1b', 'spot', 1)
    const spot = { spot: { kind: 'persistent', interruptionBehavior: 'stop' }, zone: 'sim-east-1b' } as const
    const id = running(spot)
    expect(() => launch(spot)).toThrowError(expect.objectContaining({ code: 'InsufficientInstanceCapacity', status: 500 }))
    expect(launch({ zone: 'sim-east-1b' })).toMatch(/^i-/)
    dc.instances.stop([id])
    clock.advance(latencies.stopping)
    expect(launch(spot)).toMatch(/^i-/)
  })

  it('launches as many as fit between the minimum and the maximum', () => {
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1a', 'on-demand', 3)
    const { instances } = dc.instances.run({ imageId: seededImages.amazonLinux, instanceType: 'm7i.large', minCount: 2, maxCount: 5 })
    expect(instances).toHaveLength(3)
  })

  it('refuses a maximum price below the market, and an offering that the zone does not have', () => {
    expect(codeOf(() => launch({ spot: { maxPrice: '0.0001' } }))).toBe('SpotMaxPriceTooLow')
    dc.catalogue.addInstanceType({
      instanceType: 'x9.large',
      vcpus: 2,
      memoryMiB: 1024,
      hibernationSupported: false,
      architecture: 'x86_64',
      onDemandUsdPerHour: 1,
      maxVolumes: 2,
      maxNetworkInterfaces: 2,
      notOfferedIn: ['sim-east-1c'],
    })
    expect(codeOf(() => launch({ instanceType: 'x9.large', zone: 'sim-east-1c' }))).toBe('Unsupported')
  })
})

describe('eventual consistency', () => {
  it('does not know a fresh id for a while, and may answer an old state', () => {
    dc.faults.setConsistency({ visibleAfter: 2_000, staleFor: 3_000 })
    const id = launch({ tags: { instance: { a: 'b' } } })
    expect(codeOf(() => dc.instances.describe({ ids: [id] }))).toBe('InvalidInstanceID.NotFound')
    expect(dc.instances.describe({ filters: [{ name: 'tag:a', values: ['b'] }] }).items).toEqual([])
    clock.advance(latencies.pending)
    const [instance] = dc.instances.describe({ ids: [id] }).items
    expect(instance?.state).toBe('running')
    expect(instance && dc.instances.seenState(instance)).toBe('pending')
    clock.advance(3_000)
    expect(instance && dc.instances.seenState(instance)).toBe('running')
  })
})

describe('queries', () => {
  it('finds by tag, state and wildcard, and pages through everything once', () => {
    for (let n = 0; n < 12; n++) launch({ tags: { instance: { Name: `web-${n}`, team: n % 2 === 0 ? 'blue' : 'red' } } })
    const names = (filters: { name: string; values: string[] }[]): number => dc.instances.describe({ filters }).items.length
    expect(names([{ name: 'tag:team', values: ['blue'] }])).toBe(6)
    expect(names([{ name: 'tag:Name', values: ['web-1*'] }])).toBe(3)
    expect(
      names([
        { name: 'tag:team', values: ['red', 'blue'] },
        { name: 'instance-state-name', values: ['pending'] },
      ]),
    ).toBe(12)
    const seen: string[] = []
    let nextToken: string | undefined
    do {
      const page = dc.instances.describe({ maxResults: 5, ...(nextToken === undefined ? {} : { nextToken }) })
      seen.push(...page.items.map((instance) => instance.instanceId))
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    expect(new Set(seen).size).toBe(12)
    expect(codeOf(() => dc.instances.describe({ filters: [{ name: 'colour', values: ['x'] }] }))).toBe('InvalidParameterValue')
    expect(codeOf(() => dc.instances.describe({ ids: [seen[0] ?? ''], maxResults: 5 }))).toBe('InvalidParameterCombination')
  })
})
