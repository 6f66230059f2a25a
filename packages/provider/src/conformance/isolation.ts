import { describe, expect, it } from 'vitest'
import { clone, describeOf, failureOf, finished, newContext, until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** A place that nothing gets out of. What it is made of differs between clouds; that it is closed, the world says. */
export function isolationConformance(world: () => ConformanceWorld): void {
  describe('isolation', () => {
    it('makes one closed place for one key, and removes it when nobody is in it', async ({ skip }) => {
      const { isolation } = world().provider
      if (isolation === undefined) return skip('the provider isolates nothing')
      const source = await describeOf(world(), await world().makePrimary())
      const context = newContext({ tags: { 'understudy:role': 'drill' } })
      const first = await world().run(isolation.ensure(source, { ports: [8080] }, context))
      // By a process that has just started, with one port more.
      const fresh = world().freshProvider().isolation!
      expect(await world().run(fresh.ensure(source, { ports: [8080, 8443] }, context))).toEqual(first)
      expect(first.securityGroups).toHaveLength(1)
      const before = world().isolationOf?.(context.idempotencyKey)
      if (before !== undefined) expect(before).toEqual({ ports: [8080, 8443], out: 'nothing', owner: context.idempotencyKey })

      const ref = await clone(world(), source, { isolation: first })
      const made = await describeOf(world(), ref)
      expect(made.nics.map(({ securityGroups, publicIp }) => [securityGroups, publicIp])).toEqual([[first.securityGroups, undefined]])
      expect(await failureOf(world(), isolation.remove(context.idempotencyKey, newContext()))).toBe('conflict')
      await finished(world(), await world().run(world().provider.compute.terminate(ref, newContext())))
      let removed = 0
      await until(world(), 'nobody is in it any more', async () => {
        const failure = await failureOf(
          world(),
          isolation.remove(context.idempotencyKey, newContext()).then((result) => (removed = result.removed)),
        )
        return failure === 'no failure'
      })
      expect(removed).toBeGreaterThan(0)
      expect(await world().run(isolation.remove(context.idempotencyKey, newContext()))).toEqual({ removed: 0 })
      if (world().isolationOf !== undefined) expect(world().isolationOf?.(context.idempotencyKey)).toBeUndefined()
    })
  })
}
