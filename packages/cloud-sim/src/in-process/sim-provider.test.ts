import { seededRandom, sha256, VirtualClock } from '@understudy/core'
import type {
  CallContext,
  CloneSpec,
  InstanceRef,
  OperationHandle,
  OperationStatus,
  Provider,
  ProviderErrorKind,
  ResourceDna,
  TrafficBinding,
} from '@understudy/provider'
import { isProviderError } from '@understudy/provider'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { seedRegion, seedWebService, type SeededService } from '../datacentre/fixtures.ts'
import { simProvider } from './sim-provider.ts'

let clock: VirtualClock
let dc: DataCentre
let provider: Provider
let service: SeededService
let source: ResourceDna
let binding: TrafficBinding

const context = (intent: string): CallContext => ({
  idempotencyKey: sha256(intent).slice(0, 32),
  tags: { 'understudy:role': 'shadow' },
  actor: 'test',
  priority: 'failover',
})
const spec = (more: Partial<CloneSpec> = {}): CloneSpec => ({
  name: 'web-1-shadow',
  power: 'running',
  instanceType: 'm7i.large',
  purchase: 'on-demand',
  zone: 'sim-east-1b',
  disks: { from: 'image' },
  ...more,
})

/** Lets time pass until the promise settles. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  let done = false
  const watched = promise.finally(() => {
    done = true
  })
  watched.catch(() => undefined)
  for (let steps = 0; !done && steps < 10_000; steps++) {
    await clock.advanceAsync(0)
    if (!done) clock.advanceToNext()
  }
  return await watched
}
async function finish<T>(handle: OperationHandle<T>, limitMs = 900_000): Promise<OperationStatus<T>> {
  const untilMs = clock.nowMs() + limitMs
  for (;;) {
    // What a restarted process has: the JSON of the handle.
    const status = await settled(provider.compute.poll(JSON.parse(JSON.stringify(handle)) as OperationHandle<T>))
    if (status.phase !== 'running' || clock.nowMs() > untilMs) return status
    await clock.advanceAsync(status.retryAfterMs ?? 1_000)
  }
}
async function done<T>(handle: OperationHandle<T>): Promise<T> {
  const status = await finish(handle)
  if (status.phase !== 'succeeded') throw new Error(JSON.stringify(status))
  return status.result
}
async function kindOf(promise: Promise<unknown>): Promise<ProviderErrorKind | undefined> {
  try {
    await settled(promise)
  } catch (error) {
    if (isProviderError(error)) return error.kind
    throw error
  }
  return undefined
}

beforeEach(async () => {
  clock = new VirtualClock()
  dc = seedRegion({ clock, random: seededRandom(11) })
  provider = simProvider(dc)
  service = seedWebService(dc, { name: 'web-1' })
  clock.advance(120_000)
  binding = { mechanism: 'lb-weight', native: service.binding }
  const dna = await provider.inventory.describe({ ...provider.scope, nativeId: service.instance.instanceId })
  if (!dna) throw new Error('the seeded instance is not described')
  source = dna
})

describe('compute', () => {
  it('makes a clone with the same fingerprint, in another zone, tagged by its key', async () => {
    const ref = await done(await provider.compute.provision(source, spec(), context('clone')))
    const clone = await provider.inventory.describe(ref)
    expect(clone).toMatchObject({
      fingerprint: source.fingerprint,
      nativeName: 'web-1-shadow',
      placement: { zone: 'sim-east-1b' },
      state: 'running',
      purchase: 'on-demand',
    })
    expect(clone?.nics[0]?.privateIps).not.toEqual(source.nics[0]?.privateIps)
    expect(await provider.compute.adopt(context('clone').idempotencyKey)).toEqual({ instances: [ref], disks: [], snapshotSets: [] })
  })

  it('makes one instance however often one key asks, also when the answer of the first call was lost', async () => {
    dc.faults.failNext('RunInstances', { kind: 'reset_after' })
    const first = await settled(provider.compute.provision(source, spec(), context('once')))
    const second = await settled(provider.compute.provision(source, spec(), context('once')))
    expect(second.native).toEqual(first.native)
    expect(dc.instances.count()).toBe(2)
    expect(await kindOf(provider.compute.provision(source, spec({ instanceType: 'm7i.xlarge' }), context('once')))).toBe('idempotency_mismatch')
  })

  it('brings a clone to rest stopped, starts it, stops it, resizes it, and ends it', async () => {
    const ref = await done(await provider.compute.provision(source, spec({ power: 'stopped' }), context('parked')))
    const state = async (): Promise<string | undefined> => (await provider.inventory.states([ref])).get(ref.nativeId)?.state
    expect(await state()).toBe('stopped')
    expect(await done(await provider.compute.resize(ref, { instanceType: 'm7i.xlarge' }, context('resize')))).toEqual({ state: 'stopped' })
    expect(await done(await provider.compute.start(ref, context('start')))).toEqual({ state: 'running' })
    expect(await kindOf(provider.compute.resize(ref, { instanceType: 'm7i.large' }, context('resize-2')))).toBe('conflict')
    expect(await kindOf(provider.compute.hold(ref, context('hold')))).toBe('unsupported')
    expect(await done(await provider.compute.stop(ref, {}, context('stop')))).toEqual({ state: 'stopped' })
    expect(await done(await provider.compute.terminate(ref, context('end')))).toEqual({ state: 'terminated' })
    expect(await done(await provider.compute.terminate(ref, context('end-again')))).toEqual({ state: 'terminated' })
    expect(await kindOf(provider.compute.start(ref, context('revive')))).toBe('not_found')
  })

  it('holds memory, resumes it, and tells when the cloud fell back to a plain stop', async () => {
    const ref = await done(await provider.compute.provision(source, spec({ power: 'held', purchase: 'spot' }), context('held')))
    expect((await provider.inventory.states([ref])).get(ref.nativeId)?.state).toBe('held')
    expect(await done(await provider.compute.start(ref, context('resume')))).toEqual({ state: 'running' })
    clock.advance(600_000)
    expect(await done(await provider.compute.hold(ref, context('hold')))).toEqual({ state: 'held' })
    await done(await provider.compute.start(ref, context('resume-2')))
    clock.advance(600_000)
    dc.faults.failHibernations()
    expect(await done(await provider.compute.hold(ref, context('hold-2')))).toEqual({ state: 'stopped' })
  })

  it('says what to avoid when capacity is short, at launch and at start', async () => {
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1b', 'on-demand', 1)
    const ref = await done(await provider.compute.provision(source, spec({ power: 'stopped' }), context('a')))
    await done(await provider.compute.provision(source, spec(), context('b')))
    const refused = {
      kind: 'insufficient_capacity',
      avoid: { instanceType: 'm7i.large', zone: 'sim-east-1b', purchase: 'on-demand', ttlMs: 180_000 },
    }
    await expect(settled(provider.compute.provision(source, spec(), context('c')))).rejects.toMatchObject({ shape: refused })
    await expect(settled(provider.compute.start(ref, context('d')))).rejects.toMatchObject({ shape: refused })
  })

  it('waits for a fresh id that the cloud does not show yet', async () => {
    dc.faults.setConsistency({ visibleAfter: 5_000, staleFor: 4_000 })
    const handle = await provider.compute.provision(source, spec(), context('fresh'))
    const [launched] = [...dc.instances.all()].slice(-1)
    const ref: InstanceRef = { ...provider.scope, nativeId: launched?.instanceId ?? '' }
    await settled(provider.labels.tag([ref], { colour: 'blue' }, context('tag')))
    expect(await done(handle)).toMatchObject({ nativeId: ref.nativeId })
    expect((await provider.inventory.states([ref])).get(ref.nativeId)?.tags['colour']).toBe('blue')
  })

  it('refuses to end what is protected, and ends it once it is not', async () => {
    const ref = await done(await provider.compute.provision(source, spec(), context('guarded')))
    await provider.labels.setProtection(ref, { terminate: true }, context('protect'))
    expect(await kindOf(provider.compute.terminate(ref, context('end')))).toBe('protected')
    await provider.labels.setProtection(ref, { terminate: false }, context('release'))
    expect(await done(await provider.compute.terminate(ref, context('end')))).toEqual({ state: 'terminated' })
  })
})

describe('failing over', () => {
  it('moves the weight to a standby that was watched with weight 0, then drains the primary', async () => {
    const shadow = await done(await provider.compute.provision(source, spec(), context('shadow')))
    await settled(provider.traffic!.enrol(binding, shadow, context('enrol')))
    await settled(provider.traffic!.enrol(binding, shadow, context('enrol')))
    clock.advance(60_000)
    const primaryRef = { ...provider.scope, nativeId: service.instance.instanceId }
    expect(await provider.traffic!.state(binding)).toEqual([
      { nativeId: primaryRef.nativeId, weight: 100, health: 'healthy' },
      { nativeId: shadow.nativeId, weight: 0, health: 'healthy' },
    ])
    await provider.traffic!.setWeights(
      binding,
      [
        { ref: shadow, weight: 100 },
        { ref: primaryRef, weight: 0 },
      ],
      context('shift'),
    )
    expect((await provider.traffic!.state(binding)).find((member) => member.nativeId === shadow.nativeId)?.weight).toBe(100)
    const served = Array.from({ length: 50 }, () => dc.balancers.choose(service.listener.arn, seededRandom(3)))
    expect(served.every((choice) => choice.kind === 'target' && choice.target.instanceId === shadow.nativeId)).toBe(true)
    await provider.traffic!.remove(binding, primaryRef, context('remove'))
    expect((await provider.traffic!.state(binding)).find((member) => member.nativeId === primaryRef.nativeId)?.health).toBe('draining')
    clock.advance(30_000)
    expect((await provider.traffic!.state(binding)).map((member) => member.nativeId)).toEqual([shadow.nativeId])
  })

  it('takes the other standbys out of a group before one of them gets its traffic', async () => {
    const [one, two] = [
      await done(await provider.compute.provision(source, spec(), context('s1'))),
      await done(await provider.compute.provision(source, spec(), context('s2'))),
    ]
    for (const ref of [one, two]) await provider.traffic!.enrol(binding, ref, context(`enrol ${ref.nativeId}`))
    clock.advance(60_000)
    await provider.traffic!.setWeights(binding, [{ ref: two, weight: 100 }], context('shift'))
    const standby = dc.balancers.targetHealth(service.standby.arn)
    expect(standby.map((target) => [target.instanceId, target.health])).toEqual([
      [one.nativeId, 'draining'],
      [two.nativeId, 'healthy'],
    ])
  })

  it('refuses weights that do not add up, members that are not enrolled, and bindings that do not exist', async () => {
    const ref = { ...provider.scope, nativeId: service.instance.instanceId }
    expect(await kindOf(provider.traffic!.setWeights(binding, [{ ref, weight: 60 }], context('x')))).toBe('invalid')
    const stranger = { ...provider.scope, nativeId: 'i-00000000000000000' }
    expect(await kindOf(provider.traffic!.setWeights(binding, [{ ref: stranger, weight: 100 }], context('x')))).toBe('conflict')
    expect(await kindOf(provider.traffic!.validate({ mechanism: 'lb-weight', native: { ...service.binding, listenerArn: 'arn:none' } }))).toBe(
      'not_found',
    )
    expect(await kindOf(provider.traffic!.validate({ mechanism: 'lb-weight', native: { port: 0 } }))).toBe('invalid')
    expect(await kindOf(provider.traffic!.validate({ mechanism: 'address-move', native: { allocationId: 'eipalloc-0' } }))).toBe('not_found')
  })

  it('moves an address in one call', async () => {
    const { allocationId } = dc.network.allocateAddress()
    const address: TrafficBinding = { mechanism: 'address-move', native: { allocationId } }
    const primaryRef = { ...provider.scope, nativeId: service.instance.instanceId }
    await provider.traffic!.setWeights(address, [{ ref: primaryRef, weight: 100 }], context('bind'))
    const shadow = await done(await provider.compute.provision(source, spec(), context('shadow')))
    await provider.traffic!.setWeights(address, [{ ref: shadow, weight: 100 }], context('move'))
    expect(await provider.traffic!.state(address)).toEqual([{ nativeId: shadow.nativeId, weight: 100, health: 'unknown' }])
    expect((await provider.inventory.describe(shadow))?.nics[0]?.publicIp).toMatchObject({ allocationId, ephemeral: false })
  })

  it('hears the interruption with its deadline, and the instance is gone by then', async () => {
    const receive = (): ReturnType<NonNullable<NonNullable<Provider['signals']>['receive']>> =>
      provider.signals!.receive!({ waitSeconds: 0, signal: new AbortController().signal })
    for (let batch = await receive(); batch.length > 0; batch = await receive()) for (const message of batch) await message.acknowledge()
    dc.market.interrupt(service.instance.instanceId)
    const atMs = clock.nowMs()
    const [message] = await receive()
    const parsed = provider.signals!.parse(message?.document, { at: new Date(atMs).toISOString() })
    expect(parsed).toMatchObject({
      outcome: 'signals',
      signals: [
        { kind: 'interruption', effect: 'terminate', nativeId: service.instance.instanceId, deadline: new Date(atMs + 120_000).toISOString() },
      ],
    })
    expect(await receive()).toEqual([])
    clock.advance(60_000)
    expect((await receive()).map((again) => again.document)).toEqual([message?.document])
    clock.advance(59_999)
    expect(dc.instances.get(service.instance.instanceId)?.answering).toBe(true)
    clock.advance(1)
    expect(dc.instances.get(service.instance.instanceId)).toMatchObject({ state: 'shutting-down', answering: false })
  })
})

describe('snapshots', () => {
  it('captures all disks at one instant, once per key, and makes equal disks and instances from them', async () => {
    const ref = { ...provider.scope, nativeId: service.instance.instanceId }
    const volumes = source.disks.map((disk) => disk.ref.nativeId)
    for (const [index, id] of volumes.entries()) dc.blocks.write(id, 4096, new TextEncoder().encode(`disk ${index}`))
    dc.faults.failNext('CreateSnapshots', { kind: 'reset_after' })
    const handle = await settled(provider.snapshots!.capture(ref, context('set')))
    for (const id of volumes) dc.blocks.write(id, 4096, new TextEncoder().encode('later!'))
    const set = await done(handle)
    expect(await done(await settled(provider.snapshots!.capture(ref, context('set'))))).toEqual(set)
    expect((await provider.snapshots!.get(set))?.members.map((member) => [member.deviceKey, member.role, member.state])).toEqual([
      ['/dev/xvda', 'root', 'usable'],
      ['/dev/sdf', 'data', 'usable'],
    ])
    const disks = await done(await provider.snapshots!.materialise(set, { zone: 'sim-east-1c' }, context('restore')))
    expect(await done(await provider.snapshots!.materialise(set, { zone: 'sim-east-1c' }, context('restore')))).toEqual(disks)
    const text = (id: string): string => new TextDecoder().decode(dc.blocks.read(id, 4096, 6))
    expect(disks.map((disk) => text(disk.nativeId))).toEqual(['disk 0', 'disk 1'])
    const clone = await done(await provider.compute.provision(source, spec({ disks: { from: 'snapshots', set } }), context('from-set')))
    const clonedDisks = (await provider.inventory.describe(clone))?.disks.map((disk) => text(disk.ref.nativeId))
    expect(clonedDisks).toEqual(['disk 0', 'disk 1'])
    for (const disk of disks) await provider.snapshots!.deleteDisk(disk, context('tidy'))
    await provider.snapshots!.delete(set, context('tidy'))
    expect(await provider.snapshots!.get(set)).toBeUndefined()
    expect(await kindOf(provider.snapshots!.deleteDisk(source.disks[0]!.ref, context('tidy')))).toBe('conflict')
  })
})

describe('market and schedule', () => {
  it('quotes what is offered and finds scheduled changes in the books', async () => {
    expect(await provider.market!.zones()).toEqual(['sim-east-1a', 'sim-east-1b', 'sim-east-1c'])
    dc.catalogue.setSpotPrice('m7i.large', 'sim-east-1a', 0.05)
    const quotes = await provider.market!.quotes({ instanceTypes: ['m7i.large'] })
    expect(quotes).toHaveLength(6)
    expect(quotes.find((quote) => quote.zone === 'sim-east-1a' && quote.purchase === 'spot')?.usdPerHour).toBe(0.05)
    dc.maintenance.schedule(service.instance.instanceId, { code: 'instance-retirement', notBeforeMs: clock.nowMs() + 86_400_000 })
    expect((await provider.signals!.scheduled([service.instance.instanceId])).signals).toMatchObject([
      { kind: 'maintenance', effect: 'stop', deadline: new Date(clock.nowMs() + 86_400_000).toISOString() },
    ])
  })
})
