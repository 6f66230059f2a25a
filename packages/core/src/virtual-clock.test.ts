import { describe, expect, it } from 'vitest'
import { sleep } from './clock.ts'
import { VirtualClock } from './virtual-clock.ts'

describe('VirtualClock', () => {
  it('fires in the order of time, then of scheduling, and shows each its own time', () => {
    const clock = new VirtualClock(1_000)
    const fired: [string, number][] = []
    const at = (delayMs: number, name: string): (() => void) => clock.schedule(delayMs, () => fired.push([name, clock.nowMs()]))
    at(30, 'c')
    at(10, 'a')
    at(10, 'b')
    const cancel = at(20, 'never')
    cancel()
    cancel()
    expect(clock.pendingCount).toBe(3)
    clock.advance(25)
    expect(fired).toEqual([
      ['a', 1_010],
      ['b', 1_010],
    ])
    expect(clock.nowMs()).toBe(1_025)
    expect(clock.nextDueMs).toBe(1_030)
    expect(clock.advanceToNext()).toBe(true)
    expect(clock.advanceToNext()).toBe(false)
    expect(fired.at(-1)).toEqual(['c', 1_030])
    expect(clock.pendingCount).toBe(0)
  })

  it('fires what is scheduled meanwhile when it is due in the same advance', () => {
    const clock = new VirtualClock(0)
    const ticks: number[] = []
    const tick = (): void => {
      ticks.push(clock.nowMs())
      clock.schedule(10, tick)
    }
    clock.schedule(10, tick)
    clock.advance(35)
    expect(ticks).toEqual([10, 20, 30])
  })

  it('lets awaiting code keep up', async () => {
    const clock = new VirtualClock(0)
    const seen: number[] = []
    const work = (async () => {
      for (let n = 0; n < 3; n++) {
        await sleep(clock, 10)
        seen.push(clock.nowMs())
      }
    })()
    await clock.advanceAsync(30)
    await work
    expect(seen).toEqual([10, 20, 30])
  })

  it('keeps its order under many timers', () => {
    const clock = new VirtualClock(0)
    const fired: number[] = []
    for (let n = 0; n < 500; n++) clock.schedule((n * 7919) % 503, () => fired.push(clock.nowMs()))
    clock.advance(600)
    expect(fired).toHaveLength(500)
    expect(fired).toEqual(fired.toSorted((a, b) => a - b))
  })
})
