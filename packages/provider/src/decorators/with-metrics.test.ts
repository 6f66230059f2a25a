import { VirtualClock } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { providerError } from '../provider-error.ts'
import { contextWith, fakeProvider, someRef } from './testing/fake-provider.ts'
import { withMetrics } from './with-metrics.ts'
import type { ObservedCall } from './with-metrics.ts'

function observed(answers: Parameters<typeof fakeProvider>[0]) {
  const clock = new VirtualClock()
  const calls: ObservedCall[] = []
  return { clock, calls, provider: withMetrics(fakeProvider(answers), { clock, observe: (call) => calls.push(call) }) }
}

describe('a decorated provider', () => {
  it('reports every call with its outcome and duration, whatever the capability', async () => {
    const { clock, calls, provider } = observed({
      'compute.start': async () => {
        clock.advance(250)
        return { verb: 'compute.start' }
      },
      'traffic.setWeights': async () => {
        throw providerError('conflict', 'X', 'not now')
      },
      'labels.rename': async () => {
        throw new TypeError('a bug')
      },
    })
    await provider.compute.start(someRef, contextWith('failover'))
    await expect(provider.traffic?.setWeights({ mechanism: 'lb-weight', native: {} }, [], contextWith('failover'))).rejects.toThrow('not now')
    await expect(provider.labels.rename(someRef, 'x', contextWith('failover'))).rejects.toThrow('a bug')
    expect(calls).toEqual([
      { provider: 'fake', region: 'here', call: 'compute.start', outcome: 'ok', durationMs: 250 },
      { provider: 'fake', region: 'here', call: 'traffic.setWeights', outcome: 'conflict', durationMs: 0 },
      { provider: 'fake', region: 'here', call: 'labels.rename', outcome: 'bug', durationMs: 0 },
    ])
  })

  it('keeps data, absent capabilities, pure methods and the identity of what it hands out', () => {
    const { provider, calls } = observed({ 'signals.parse': () => ({ outcome: 'ignored', reason: 'x' }) })
    expect(provider.scope).toEqual({ provider: 'fake', account: '1', region: 'here' })
    expect(provider.traits.limits.read.capacity).toBe(10)
    expect(provider.traffic).toBeUndefined()
    expect('traffic' in provider).toBe(false)
    expect(provider.compute).toBe(provider.compute)
    expect(provider.signals?.parse({}, { at: '' })).toEqual({ outcome: 'ignored', reason: 'x' })
    expect(calls).toEqual([])
  })

  it('passes a stream through, and reports its first step', async () => {
    const { provider, calls } = observed({
      async *'inventory.list'() {
        yield 1
        yield 2
      },
    })
    const seen: unknown[] = []
    for await (const item of provider.inventory.list({})) seen.push(item)
    expect(seen).toEqual([1, 2])
    expect(calls.map(({ call, outcome }) => `${call} ${outcome}`)).toEqual(['inventory.list ok'])
  })
})
