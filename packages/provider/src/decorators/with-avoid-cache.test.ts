import { VirtualClock } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import type { CloneSpec } from '../capabilities/compute.ts'
import type { ResourceDna } from '../dna.ts'
import { providerError } from '../provider-error.ts'
import type { Offering } from '../refs.ts'
import { contextWith, fakeProvider } from './testing/fake-provider.ts'
import { withAvoidCache } from './with-avoid-cache.ts'
import { withMetrics } from './with-metrics.ts'

const offering = { instanceType: 'm7i.large', zone: 'a', purchase: 'spot' } as const
const source = {} as ResourceDna // the fake never looks at it
const specFor = (asked: Required<Offering>): CloneSpec => ({ name: 'x', power: 'running', disks: { from: 'image' }, ...asked })

function cached(refusal: Offering = offering) {
  const clock = new VirtualClock(0)
  const world = { calls: 0, refuses: true }
  const error = providerError('insufficient_capacity', 'InsufficientInstanceCapacity', 'none left', { avoid: { ...refusal, ttlMs: 180_000 } })
  const provider = withAvoidCache(
    fakeProvider({
      'compute.provision': async () => {
        world.calls += 1
        if (world.refuses) throw error
        return { verb: 'compute.provision' }
      },
      'compute.poll': async () => ({ phase: 'failed', error: error.shape }),
    }),
    { clock },
  )
  const provision = (asked: Required<Offering>, priority: 'failover' | 'background' = 'background') =>
    provider.compute.provision(source, specFor(asked), contextWith(priority)).then(
      () => 'ok',
      (failure) => failure.shape.nativeCode,
    )
  return { clock, world, provider, provision }
}

describe('the avoid-cache', () => {
  it('refuses to background work what was refused, without a call, until the refusal is stale', async () => {
    const { clock, world, provider, provision } = cached()
    expect([await provision(offering), await provision(offering)]).toEqual(['InsufficientInstanceCapacity', 'AvoidedOffering'])
    expect(world.calls).toBe(1)
    expect(provider.avoid.isAvoided(offering)).toBe(true)
    expect(provider.avoid.avoided()).toEqual([{ ...offering, untilMs: 180_000, nativeCode: 'InsufficientInstanceCapacity' }])
    world.refuses = false
    expect(await provision({ ...offering, zone: 'b' })).toBe('ok')
    clock.advance(180_000)
    expect(provider.avoid.isAvoided(offering)).toBe(false)
    expect(await provision(offering)).toBe('ok')
  })

  it('lets failover try all the same', async () => {
    const { world, provision } = cached()
    await provision(offering)
    world.refuses = false
    expect(await provision(offering, 'failover')).toBe('ok')
  })

  it('learns from a launch that failed later', async () => {
    const { provider } = cached()
    await provider.compute.poll({ v: 1, provider: 'fake', verb: 'compute.provision', idempotencyKey: '', startedAt: '', native: {} })
    expect(provider.avoid.isAvoided(offering)).toBe(true)
  })

  it('applies a refusal of a whole market or zone to every type, and a refusal of one type to that type only', async () => {
    const { provider, provision } = cached({ purchase: 'spot' })
    await provision(offering)
    expect(provider.avoid.isAvoided({ instanceType: 'other', zone: 'z', purchase: 'spot' })).toBe(true)
    expect(provider.avoid.isAvoided({ instanceType: 'other', zone: 'z', purchase: 'on-demand' })).toBe(false)
    const single = cached()
    await single.provision(offering)
    expect(single.provider.avoid.isAvoided({ zone: 'a' })).toBe(false)
  })

  it('keeps its answers plain under other decorators', async () => {
    const { clock, provider } = cached()
    const outer = withMetrics(provider, { clock, observe: () => undefined })
    expect(outer.avoid.isAvoided(offering)).toBe(false)
  })
})
