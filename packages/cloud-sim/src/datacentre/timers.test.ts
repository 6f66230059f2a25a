import { seededRandom, type Clock } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { createDataCentre } from './create-datacentre.ts'
import { seededImages, seedRegion } from './fixtures.ts'

/** A clock that moves on at every reading, as a real one does. */
function restlessClock(): Clock & { fireAll(): void } {
  let nowMs = 1_000
  let timers: { dueMs: number; fire: () => void }[] = []
  return {
    nowMs: () => nowMs++,
    schedule(delayMs, fire) {
      const timer = { dueMs: nowMs + delayMs, fire }
      timers.push(timer)
      return () => {
        timers = timers.filter((candidate) => candidate !== timer)
      }
    },
    fireAll() {
      for (let fired = 0; timers.length > 0 && fired < 1_000; fired++) {
        const [next] = timers.toSorted((a, b) => a.dueMs - b.dueMs)
        if (!next) return
        timers = timers.filter((candidate) => candidate !== next)
        nowMs = Math.max(nowMs, next.dueMs)
        next.fire()
      }
    },
  }
}

describe('one change', () => {
  it('is one instant, also on a clock that runs', async () => {
    const clock = restlessClock()
    const dc = seedRegion({ clock, random: seededRandom(2) })
    const input = {
      imageId: seededImages.amazonLinux,
      instanceType: 'm7i.large',
      minCount: 3,
      maxCount: 3,
      spot: {},
      blockDevices: [{ deviceName: '/dev/sdf', sizeGiB: 1 }],
    }
    const { instances } = await dc.invoke('RunInstances', () => dc.instances.run(input))
    expect(new Set(instances.flatMap((instance) => [instance.createdAtMs, instance.launchTimeMs, instance.stateChangedAtMs])).size).toBe(1)
    clock.fireAll()
    const id = instances[0]?.instanceId ?? ''
    expect(new Set(dc.storage.createSnapshots({ instanceId: id }).map((snapshot) => snapshot.startedAtMs)).size).toBe(1)
    dc.market.interrupt(id)
    const [request] = dc.market.describeSpotRequests({ filters: [{ name: 'instance-id', values: [id] }] }).items
    expect(dc.instances.get(id)?.interruption).toMatchObject({ noticedAtMs: request?.statusAtMs, deadlineMs: (request?.statusAtMs ?? 0) + 120_000 })
  })
})

describe('timers', () => {
  it('stop when a subscriber closes the data centre in the middle of them, and what is left stays in its state', () => {
    const clock = restlessClock()
    const dc = createDataCentre({ clock, random: seededRandom(2) })
    dc.storage.createVolume({ zone: 'sim-east-1a', sizeGiB: 1 })
    const pending = dc.storage.createVolume({ zone: 'sim-east-1a', sizeGiB: 1 })
    dc.subscribe(() => dc.close())
    clock.fireAll()
    expect(pending.state).toBe('creating')
    expect(dc.serialise()['timers']).toMatchObject([{ subject: pending.volumeId }])
  })
})
