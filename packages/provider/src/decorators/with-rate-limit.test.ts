import { VirtualClock } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { providerError } from '../provider-error.ts'
import { contextWith, fakeProvider, someRef } from './testing/fake-provider.ts'
import { limitGroupOf, withRateLimit } from './with-rate-limit.ts'

/** A bucket of 10 tokens with 1 per second, and a list of when each start was let through, in seconds. */
function limited(fail?: () => Error | undefined) {
  const clock = new VirtualClock(0)
  const log: string[] = []
  const provider = withRateLimit(
    fakeProvider({
      'compute.start': async (ref: { nativeId: string }) => {
        log.push(`${ref.nativeId}@${clock.nowMs() / 1000}`)
        const failure = fail?.()
        if (failure !== undefined) throw failure
      },
    }),
    { clock },
  )
  const start = (nativeId: string, priority: 'failover' | 'background', signal?: AbortSignal) =>
    provider.compute.start({ ...someRef, nativeId }, contextWith(priority, signal))
  return { clock, log, start }
}

describe('the rate limit', () => {
  it('lets background work use 70 % of the bucket and no more', async () => {
    const { clock, log, start } = limited()
    const all = Promise.all(Array.from({ length: 9 }, (_, index) => start(`b${index}`, 'background')))
    await clock.advanceAsync(0)
    expect(log).toHaveLength(7)
    await clock.advanceAsync(2_000)
    await all
    expect(log.slice(7)).toEqual(['b7@1', 'b8@2'])
  })

  it('does not starve failover in a storm of background calls', async () => {
    const { clock, log, start } = limited()
    const background = Array.from({ length: 50 }, (_, index) => start(`b${index}`, 'background'))
    await clock.advanceAsync(0)
    const failover = Promise.all(Array.from({ length: 5 }, (_, index) => start(`f${index}`, 'failover')))
    await clock.advanceAsync(2_000)
    await failover
    // Three at once from the reserve, the others with the next tokens; no background call in between.
    expect(log.slice(7)).toEqual(['f0@0', 'f1@0', 'f2@0', 'f3@1', 'f4@2'])
    await clock.advanceAsync(60_000)
    await Promise.all(background)
    expect(log).toHaveLength(55)
  })

  it('never lets more through than the bucket holds', async () => {
    const { clock, log, start } = limited()
    const all = Promise.all(Array.from({ length: 40 }, (_, index) => start(`f${index}`, index % 2 === 0 ? 'failover' : 'background')))
    await clock.advanceAsync(20_000)
    expect(log.length).toBeLessThanOrEqual(10 + 20)
    await clock.advanceAsync(60_000)
    await all
  })

  it('gives up a waiting call when its signal aborts, and leaves its token to others', async () => {
    const { clock, log, start } = limited()
    const first = Array.from({ length: 7 }, (_, index) => start(`b${index}`, 'background'))
    const abort = new AbortController()
    const given = start('b-aborted', 'background', abort.signal)
    const last = start('b-last', 'background')
    await clock.advanceAsync(500)
    abort.abort(new Error('deadline'))
    await expect(given).rejects.toMatchObject({ shape: { kind: 'unavailable', nativeCode: 'Aborted' } })
    await clock.advanceAsync(500)
    await Promise.all([...first, last])
    expect(log.at(-1)).toBe('b-last@1')
    await expect(start('late', 'background', abort.signal)).rejects.toMatchObject({ shape: { nativeCode: 'Aborted' } })
  })

  it('pauses for as long as the cloud asks', async () => {
    let refuse = true
    const { clock, log, start } = limited(() =>
      refuse ? providerError('throttled', 'RequestLimitExceeded', 'slow down', { retryAfterMs: 5_000 }) : undefined,
    )
    await expect(start('a', 'failover')).rejects.toMatchObject({ shape: { kind: 'throttled' } })
    refuse = false
    const next = start('b', 'failover')
    await clock.advanceAsync(4_999)
    expect(log).toEqual(['a@0'])
    await clock.advanceAsync(1)
    await next
    expect(log).toEqual(['a@0', 'b@5'])
  })

  it('counts calls as the clouds do', () => {
    const group = (name: string) => limitGroupOf({ name, capability: name.split('.')[0] ?? '' })
    expect(['compute.provision', 'compute.start', 'compute.terminate', 'compute.poll'].map(group)).toEqual(['launch', 'start', 'mutate', 'read'])
    expect(['inventory.states', 'labels.tag', 'traffic.setWeights', 'traffic.state'].map(group)).toEqual(['read', 'tag', 'traffic', 'read'])
    expect(['snapshots.capture', 'snapshots.delete', 'signals.receive', 'somethingNew.act'].map(group)).toEqual([
      'snapshot',
      'mutate',
      undefined,
      'mutate',
    ])
  })
})
