import { describe, expect, it } from 'vitest'
import { withAvoidCache } from '../decorators/with-avoid-cache.ts'
import { withRateLimit } from '../decorators/with-rate-limit.ts'
import type { TokenBucket } from '../provider.ts'
import { describeOf, failureOf, finished, newContext, refusalOf, specLike } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** How the cloud's refusals come out. */
export function failureConformance(world: () => ConformanceWorld): void {
  describe('refusals', () => {
    it('for lack of capacity say what to avoid, and the next zone is tried', async ({ skip }) => {
      skip(world().live === true, 'nobody disturbs a real cloud')
      const source = await describeOf(world(), await world().makePrimary())
      const provider = withAvoidCache(world().provider, { clock: world().clock })
      const asked = specLike(source, world(), { instanceType: world().typeOther })
      const offering = { instanceType: asked.instanceType, zone: asked.zone, purchase: asked.purchase }
      world().exhaust(asked.zone, asked.instanceType)
      expect((await refusalOf(world(), provision(asked.zone), provider))?.kind).toBe('insufficient_capacity')
      expect(provider.avoid.isAvoided(offering)).toBe(true)
      expect(await failureOf(world(), provision(asked.zone))).toBe('insufficient_capacity')
      const next = [asked.zone, world().zoneThird].find((zone) => !provider.avoid.isAvoided({ ...offering, zone }))
      expect(next).toBe(world().zoneThird)
      const ref = await finished(world(), await world().run(provision(world().zoneThird)))
      expect(ref.zone).toBe(world().zoneThird)

      function provision(zone: string) {
        return provider.compute.provision(source, { ...asked, zone }, newContext())
      }
    })

    it('for too many calls are retryable, and nothing was made', async ({ skip }) => {
      skip(world().live === true, 'nobody disturbs a real cloud')
      const source = await describeOf(world(), await world().makePrimary())
      const context = newContext()
      world().failNext('provision', 'throttled')
      const work = world().provider.compute.provision(source, specLike(source, world()), context)
      await expect(world().run(work)).rejects.toMatchObject({ shape: { kind: 'throttled', retryable: true } })
      expect((await world().countOf(context.idempotencyKey)).instances).toBe(0)
      await finished(world(), await world().run(world().provider.compute.provision(source, specLike(source, world()), context)))
      expect((await world().countOf(context.idempotencyKey)).instances).toBe(1)
    })

    it('never starve a failover: in a storm of background calls its own go first', async () => {
      const ref = await world().makePrimary()
      const bucket: TokenBucket = { capacity: 10, refillPerSecond: 1 }
      const { limits } = world().provider.traits
      const provider = withRateLimit(world().provider, { clock: world().clock, buckets: { ...limits, tag: bucket } })
      const usualPace = world().pace?.(20)
      const startedMs = world().clock.nowMs()
      const order: string[] = []
      const tag = (name: string, priority: 'failover' | 'background') =>
        provider.labels.tag([ref], { [name]: '1' }, newContext({ priority })).then(() => void order.push(name))
      const storm = Promise.all(Array.from({ length: 15 }, (_, index) => tag(`b${index}`, 'background')))
      const urgent = Promise.all(Array.from({ length: 3 }, (_, index) => tag(`f${index}`, 'failover')))
      await world().run(urgent)
      // Background may have seven of the ten at once, and what has come back since.
      const refilled = Math.ceil((world().clock.nowMs() - startedMs) / 1000)
      expect(order.filter((name) => name.startsWith('b')).length).toBeLessThanOrEqual(7 + refilled)
      await world().run(storm)
      // 18 calls from a bucket of 10 that gets one token per second, of which background leaves three.
      expect(world().clock.nowMs() - startedMs).toBeGreaterThanOrEqual(8_000)
      usualPace?.()
    })
  })
}
