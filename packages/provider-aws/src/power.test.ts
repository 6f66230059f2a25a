import type { InstanceRef } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contextOf } from './testing/adapter-under-test.ts'
import { wireWorld } from './testing/wire-world.ts'

let world: Awaited<ReturnType<typeof wireWorld>>
let contexts = 0
const context = (priority: 'failover' | 'background' = 'background') => contextOf(`power ${contexts++}`, { priority })
const compute = () => world.provider.compute
const dc = () => world.server.dataCentre

beforeAll(async () => {
  world = await wireWorld()
})
afterAll(async () => {
  await world.close()
})

async function finish(handle: Parameters<ReturnType<typeof compute>['poll']>[0]) {
  for (;;) {
    const status = await compute().poll(handle)
    if (status.phase !== 'running') return status
    await world.advance(status.retryAfterMs ?? 1_000)
  }
}
async function cloned(source: InstanceRef, more: object = {}) {
  const dna = await world.provider.inventory.describe(source)
  if (dna === undefined) throw new Error('the source is gone')
  const spec = {
    name: 'x',
    power: 'running',
    instanceType: 'm7i.large',
    purchase: 'on-demand',
    zone: world.zoneOther,
    disks: { from: 'image' },
    ...more,
  } as const
  return await finish(await compute().provision(dna, spec, context()))
}

describe('power of many instances', () => {
  it('changes with few calls', async () => {
    const refs = await Promise.all(Array.from({ length: 10 }, () => world.makePrimary()))
    const count = (operation: string) => dc().calls.count(operation)
    const before = { stop: count('StopInstances'), start: count('StartInstances'), terminate: count('TerminateInstances') }
    for (const act of ['stop', 'start', 'terminate'] as const) {
      const handles = await Promise.all(refs.map((ref) => (act === 'stop' ? compute().stop(ref, {}, context()) : compute()[act](ref, context()))))
      for (const status of await Promise.all(handles.map(finish))) expect(status.phase).toBe('succeeded')
    }
    expect(count('StopInstances') - before.stop).toBe(1)
    expect(count('StartInstances') - before.start).toBe(1)
    expect(count('TerminateInstances') - before.terminate).toBe(1)
  })

  it('changes for all but the one that is protected', async () => {
    const refs = await Promise.all(Array.from({ length: 5 }, () => world.makePrimary()))
    await world.provider.labels.setProtection(refs[3]!, { terminate: true }, context()) // five were made
    const results = await Promise.allSettled(refs.map((ref) => compute().terminate(ref, context())))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(results[3]).toMatchObject({ reason: { shape: { kind: 'protected' } } })
    for (const result of results) if (result.status === 'fulfilled') expect(await finish(result.value)).toMatchObject({ phase: 'succeeded' })
    expect(dc().instances.get(refs[3]?.nativeId ?? '')?.state).toBe('running')
  })
})

describe('spot instances', () => {
  it('that shall rest come to rest, and their request is withdrawn before they end', async () => {
    const source = await world.makePrimary()
    const status = await cloned(source, { purchase: 'spot', power: 'stopped' })
    expect(status).toMatchObject({ phase: 'succeeded' })
    const ref = status.phase === 'succeeded' ? (status.result as InstanceRef) : source // the verb's result
    expect(dc().instances.get(ref.nativeId)?.state).toBe('stopped')
    expect(await finish(await compute().terminate(ref, context()))).toMatchObject({ phase: 'succeeded' })
    const [request] = dc().market.describeSpotRequests({ filters: [{ name: 'instance-id', values: [ref.nativeId] }] }).items
    expect(request?.state).toBe('cancelled')
  })

  it('that are protected keep their request', async () => {
    const ref = await world.makePrimary({ purchase: 'spot' })
    await world.provider.labels.setProtection(ref, { terminate: true }, context())
    await expect(compute().terminate(ref, context())).rejects.toMatchObject({ shape: { kind: 'protected' } })
    const [request] = dc().market.describeSpotRequests({ filters: [{ name: 'instance-id', values: [ref.nativeId] }] }).items
    expect(request?.state).toBe('active')
  })

  it('and those with hibernation enabled cannot change their size', async () => {
    const refs = [await world.makePrimary({ purchase: 'spot' }), await world.makePrimary({ holdEnabled: true })]
    for (const ref of refs) {
      await expect(compute().resize(ref, { instanceType: world.typeOther }, context())).rejects.toMatchObject({ shape: { kind: 'unsupported' } })
    }
  })
})

describe('a clone', () => {
  it('that shall be held is held, however long its guest needs until it can be', async () => {
    const status = await cloned(await world.makePrimary(), { power: 'held' })
    expect(status).toMatchObject({ phase: 'succeeded' })
    const ref = status.phase === 'succeeded' ? (status.result as InstanceRef) : undefined // the verb's result
    expect((await world.provider.inventory.states(ref === undefined ? [] : [ref])).get(ref?.nativeId ?? '')?.state).toBe('held')
  })

  it('that EC2 gave up after accepting it says why, and what to avoid', async () => {
    const source = await world.makePrimary()
    dc().faults.failLaunches(1)
    expect(await cloned(source)).toMatchObject({
      phase: 'failed',
      error: {
        kind: 'insufficient_capacity',
        nativeCode: 'Server.InsufficientInstanceCapacity',
        avoid: { instanceType: 'm7i.large', zone: world.zoneOther },
      },
    })
  })

  it('keeps a switched-off source check switched off', async () => {
    const source = await world.makePrimary()
    dc().instances.modifyAttribute(source.nativeId, { attribute: 'sourceDestCheck', value: false })
    const status = await cloned(source)
    const made = status.phase === 'succeeded' ? await world.provider.inventory.describe(status.result as InstanceRef) : undefined // the verb's result
    expect(made?.nics[0]?.sourceDestCheck).toBe(false)
    expect(made?.fingerprint).toBe((await world.provider.inventory.describe(source))?.fingerprint)
  })
})

describe('who stopped an instance', () => {
  const failureOf = (nativeId: string) =>
    ({
      kind: 'failure',
      effect: 'stop',
      nativeId,
      observedAt: '2026-01-01T00:00:00.000Z',
      confidence: 'certain',
      cause: 'unknown',
      canExpedite: false,
    }) as const
  const attribute = (nativeId: string) => world.provider.signals!.attribute!(failureOf(nativeId)) // the adapter has both

  it('is known: the platform, a person, or we ourselves', async () => {
    const [byUs, byPerson, byCloud] = [await world.makePrimary(), await world.makePrimary(), await world.makePrimary({ purchase: 'spot' })]
    await compute().stop(byUs, {}, context())
    dc().instances.stop([byPerson.nativeId])
    dc().market.reclaim(byCloud.nativeId)
    expect((await attribute(byUs.nativeId)).cause).toBe('us')
    expect((await attribute(byPerson.nativeId)).cause).toBe('user')
    expect((await attribute(byCloud.nativeId)).cause).toBe('platform')
    expect((await attribute('i-0000000000000dead')).cause).toBe('unknown')
  })
})

describe('equal tags for many', () => {
  it('are one call, and only the one that does not exist goes without', async () => {
    const refs = await Promise.all(Array.from({ length: 6 }, () => world.makePrimary()))
    const ghost = { ...refs[0]!, nativeId: 'i-0000000000000dead' } // six were made
    const before = dc().calls.count('CreateTags')
    const tag = (ref: InstanceRef) => world.provider.labels.tag([ref], { season: 'winter' }, context())
    await Promise.all(refs.map(tag))
    expect(dc().calls.count('CreateTags') - before).toBe(1)
    const results = await Promise.allSettled([...refs, ghost].map((ref) => world.provider.labels.tag([ref], { season: 'spring' }, context())))
    expect(results.map(({ status }) => status)).toEqual([...refs.map(() => 'fulfilled'), 'rejected'])
    expect(refs.map(({ nativeId }) => dc().instances.get(nativeId)?.tags['season'])).toEqual(refs.map(() => 'spring'))
  })
})

describe('the market', () => {
  it('knows zones, what is offered in them, prices of spot, and sizes', async () => {
    const market = world.provider.market! // the adapter has it
    expect(await market.zones()).toEqual(['a', 'b', 'c'].map((letter) => `${world.server.region}${letter}`))
    const quotes = await market.quotes({ instanceTypes: ['m7i.large', 'x9z.nothing'] })
    expect(new Set(quotes.map(({ instanceType }) => instanceType))).toEqual(new Set(['m7i.large']))
    for (const purchase of ['on-demand', 'spot']) expect(quotes.filter((quote) => quote.purchase === purchase)).toHaveLength(3)
    for (const { purchase, usdPerHour } of quotes) if (purchase === 'spot') expect(usdPerHour).toBeGreaterThan(0)
    expect(await market.sizes(['m7i.large', 'x9z.nothing'])).toEqual(new Map([['m7i.large', { vcpus: 2, memoryMiB: 8192, holdSupported: true }]]))
  })
})
