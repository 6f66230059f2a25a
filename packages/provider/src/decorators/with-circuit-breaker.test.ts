import { VirtualClock } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { providerError } from '../provider-error.ts'
import { contextWith, fakeProvider, someRef } from './testing/fake-provider.ts'
import { withCircuitBreaker } from './with-circuit-breaker.ts'

function guarded() {
  const clock = new VirtualClock(0)
  const changes: string[] = []
  const world = { down: true, calls: 0, kind: 'unavailable' as 'unavailable' | 'not_found' }
  const respond = async (): Promise<void> => {
    world.calls += 1
    if (world.down) throw providerError(world.kind, 'X', 'no')
  }
  const provider = withCircuitBreaker(fakeProvider({ 'compute.start': respond, 'inventory.states': respond, identify: respond }), {
    clock,
    failures: 3,
    openMs: 10_000,
    onChange: ({ capability, state }) => changes.push(`${capability} ${state}`),
  })
  const start = (priority: 'failover' | 'background' = 'background') =>
    provider.compute.start(someRef, contextWith(priority)).then(
      () => 'ok',
      (error) => error.shape.nativeCode,
    )
  return { clock, changes, world, provider, start }
}

describe('the circuit breaker', () => {
  it('opens after consecutive outages, lets one probe through after a while, and closes when that works', async () => {
    const { clock, changes, world, start } = guarded()
    expect([await start(), await start(), await start(), await start()]).toEqual(['X', 'X', 'X', 'CircuitOpen'])
    expect(world.calls).toBe(3)
    clock.advance(10_000)
    expect([await start(), await start()]).toEqual(['X', 'CircuitOpen'])
    clock.advance(10_000)
    world.down = false
    expect(await Promise.all([start(), start(), start()])).toEqual(['ok', 'CircuitOpen', 'CircuitOpen'])
    expect(await start()).toBe('ok')
    expect(changes).toEqual(['compute open', 'compute closed'])
  })

  it('always lets failover try, and believes it when it works', async () => {
    const { world, start } = guarded()
    for (let i = 0; i < 3; i++) await start()
    expect(await start('failover')).toBe('X')
    world.down = false
    expect(await start('failover')).toBe('ok')
    expect(await start()).toBe('ok')
  })

  it('takes any other refusal for a sign of life', async () => {
    const { world, start } = guarded()
    await start()
    await start()
    world.kind = 'not_found'
    await start()
    world.kind = 'unavailable'
    expect([await start(), await start()]).toEqual(['X', 'X'])
    expect(world.calls).toBe(5)
  })

  it('keeps capabilities apart, and never holds back the question who one is', async () => {
    const { world, provider, start } = guarded()
    for (let i = 0; i < 4; i++) await start()
    const before = world.calls
    await expect(provider.inventory.states([])).rejects.toMatchObject({ shape: { nativeCode: 'X' } })
    for (let i = 0; i < 6; i++) await expect(provider.identify()).rejects.toMatchObject({ shape: { nativeCode: 'X' } })
    expect(world.calls).toBe(before + 7)
  })

  it('says when to come back, and what has failed', async () => {
    const { clock, provider, start } = guarded()
    for (let i = 0; i < 3; i++) await start()
    clock.advance(4_000)
    await expect(provider.compute.start(someRef, contextWith('background'))).rejects.toMatchObject({
      shape: {
        kind: 'unavailable',
        nativeCode: 'CircuitOpen',
        retryable: true,
        retryAfterMs: 6_000,
        message: expect.stringContaining('The last one: no') as string,
      },
    })
  })
})
