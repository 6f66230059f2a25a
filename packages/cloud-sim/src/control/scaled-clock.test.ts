import { describe, expect, it } from 'vitest'
import type { Clock } from '@understudy/core'
import { ScaledClock } from './scaled-clock.ts'

/** A clock that moves when told to. */
function handClock(startMs: number): Clock & { advance(ms: number): void; stall(ms: number): void } {
  let nowMs = startMs
  const timers = new Set<{ dueMs: number; fire: () => void }>()
  return {
    nowMs: () => nowMs,
    schedule(delayMs, fire) {
      const timer = { dueMs: nowMs + delayMs, fire }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    stall: (ms) => void (nowMs += ms),
    advance(ms) {
      const endMs = nowMs + ms
      for (;;) {
        const [next] = [...timers].filter((timer) => timer.dueMs <= endMs).toSorted((a, b) => a.dueMs - b.dueMs)
        if (next === undefined) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.dueMs)
        next.fire()
      }
      nowMs = endMs
    },
  }
}

describe('a scaled clock', () => {
  it('runs as many times as fast as it is told', () => {
    const inner = handClock(1_000_000)
    const clock = new ScaledClock(inner, { speed: 10 })
    const fired: number[] = []
    clock.schedule(5000, () => fired.push(clock.nowMs()))
    inner.advance(499)
    expect(fired).toEqual([])
    inner.advance(1)
    expect(fired).toEqual([1_005_000])
  })

  it('keeps the moment of what is scheduled when its speed changes', () => {
    const inner = handClock(0)
    const clock = new ScaledClock(inner)
    const fired: string[] = []
    clock.schedule(10_000, () => fired.push(`due at ${clock.nowMs()}`))
    const cancel = clock.schedule(10_000, () => fired.push('cancelled'))
    inner.advance(1000)
    clock.setSpeed(100)
    cancel()
    inner.advance(89)
    expect([clock.nowMs(), fired]).toEqual([9900, []])
    inner.advance(1)
    expect(fired).toEqual(['due at 10000'])
    clock.setSpeed(0.5)
    inner.advance(2000)
    expect(clock.nowMs()).toBe(11_000)
  })

  it('begins where it is told and never shows a time before that of a timer that fires', () => {
    const inner = handClock(0)
    const clock = new ScaledClock(inner, { startMs: 1_790_000_000_123, speed: 7 })
    let early = 0
    for (let n = 1; n < 200; n++) {
      const dueMs = clock.nowMs() + n * 13
      clock.schedule(n * 13, () => {
        if (clock.nowMs() < dueMs) early += 1
      })
    }
    inner.advance(1000)
    expect(early).toBe(0)
    expect(clock.nowMs()).toBe(1_790_000_007_123)
  })

  it('stands still while its process does, when it runs fast, and only then', () => {
    const inner = handClock(0)
    const [fast, plain] = [new ScaledClock(inner, { speed: 60 }), new ScaledClock(inner)]
    const fired: number[] = []
    for (const clock of [fast, plain]) clock.schedule(60_000, () => fired.push(clock.nowMs()))
    inner.advance(400)
    expect(fast.nowMs()).toBe(24_000)
    // Nothing of the machine's comes in for a minute, as when the process is stopped.
    inner.stall(60_000)
    expect(fast.nowMs()).toBeLessThan(24_000 + 60 * 200)
    expect(plain.nowMs()).toBe(60_400)
    inner.advance(0)
    expect(fired).toEqual([60_400])
    inner.advance(600)
    expect(fired).toEqual([60_400, 60_000])
  })

  it('refuses a speed that is none', () => {
    const clock = new ScaledClock(handClock(0))
    for (const speed of [0, -1, Number.NaN, 1e9]) expect(() => clock.setSpeed(speed)).toThrow(RangeError)
  })
})
