import { describe, expect, it } from 'vitest'
import type { Leftover } from '../capabilities/leftovers.ts'
import { failureOf, newContext, until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** What stays when a process dies between two calls. */
export function leftoverConformance(world: () => ConformanceWorld): void {
  describe('leftovers', () => {
    it('are what is kept of scripts that have ended, and nobody has let go of: found by their tags, and removed', async ({ skip }) => {
      const { leftovers, commands } = world().provider
      if (leftovers === undefined || commands === undefined) return skip('the cloud leaves nothing of the kind')
      const ref = await world().makePrimary()
      const tags = { 'understudy:resource': `res_${newContext().idempotencyKey}` }
      const run = async (text: string) => {
        const context = newContext({ tags })
        const ask = () => world().provider.commands!.run(ref, { text, timeoutSeconds: 300 }, context)
        await until(world(), 'the agent answers', async () => (await failureOf(world(), ask())) !== 'conflict')
        return { key: context.idempotencyKey, ended: async () => (await world().run(ask())).phase === 'ended' }
      }
      const left = async (): Promise<readonly Leftover[]> =>
        (
          await world().run(
            world()
              .freshProvider()
              .leftovers!.list({ tags, instances: [ref] }),
          )
        ).filter(({ kind }) => kind === 'command')
      const short = await run('echo done')
      await until(world(), 'the script ends', short.ended)
      const found = await left()
      if (found.length === 0) return skip('the cloud does not count what it keeps of scripts')
      expect(found.map((leftover) => leftover.tags)).toEqual([expect.objectContaining({ ...tags, 'understudy:op': short.key })])
      const other = { tags: { 'understudy:resource': 'res_of_somebody_else' }, instances: [ref] }
      expect((await world().run(world().provider.leftovers!.list(other))).filter(({ kind }) => kind === 'command')).toEqual([])
      for (let times = 0; times < 2; times++) await world().run(world().freshProvider().leftovers!.remove(found[0]!, newContext()))
      expect(await left()).toEqual([])
      // Of what goes on, and of what is gone, there is nothing.
      await run('sleep 200')
      expect(await left()).toEqual([])
      const gone = { ...ref, nativeId: ref.nativeId.replace(/.{3}$/, '000') }
      expect(await world().run(world().provider.leftovers!.list({ tags, instances: [gone] }))).toEqual([])
    })
  })
}
