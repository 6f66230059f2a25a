import { describe, expect, it } from 'vitest'
import type { CommandStatus, Script } from '../capabilities/commands.ts'
import type { CallContext, InstanceRef } from '../refs.ts'
import { describeOf, failureOf, finished, newContext, until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** The cloud's channel for commands. */
export function commandConformance(world: () => ConformanceWorld): void {
  describe('commands', () => {
    it('are there where the traits say so, and only there', () => {
      const { provider } = world()
      expect(provider.commands !== undefined).toBe(provider.traits.commands.supported)
    })

    it('run once for one key, and say how they ended', async ({ skip }) => {
      if (world().provider.commands === undefined) return skip('the provider has no channel for commands')
      const ref = await world().makePrimary()
      const context = newContext()
      const text = 'echo one >> /var/tmp/understudy-conformance\ncat /var/tmp/understudy-conformance\necho two >&2\nexit 3'
      const look = () => world().run(world().freshProvider().commands!.look(ref, context))
      expect(await look()).toBeUndefined()
      const ended = await endOf(world(), ref, { text, timeoutSeconds: 60 }, context)
      expect(await look()).toEqual(ended)
      expect(ended).toMatchObject({ phase: 'ended', exitCode: 3 })
      expect([ended.output.trim(), ended.errorOutput.trim()]).toEqual(['one', 'two'])
      // Asked again by a process that has just started: the same run.
      expect(await endOf(world(), ref, { text, timeoutSeconds: 60 }, context)).toEqual(ended)
      const other = await endOf(world(), ref, { text: 'cat /var/tmp/understudy-conformance', timeoutSeconds: 60 }, newContext())
      expect(other).toMatchObject({ exitCode: 0 })
      expect(other.output.trim()).toBe('one')
      await world().run(world().provider.commands!.forget(ref, context))
      await world().run(world().provider.commands!.forget(ref, context))
    })

    it('end when their time is up, and show the end of what they said', async ({ skip }) => {
      if (world().provider.commands === undefined) return skip('the provider has no channel for commands')
      const ref = await world().makePrimary()
      const slow = await endOf(world(), ref, { text: 'sleep 120', timeoutSeconds: 40 }, newContext())
      expect(slow).toMatchObject({ phase: 'ended' })
      expect(slow.exitCode).toBeUndefined()
      const loud = await endOf(world(), ref, { text: `echo ${'x'.repeat(5000)}\necho end`, timeoutSeconds: 60 }, newContext())
      expect(loud.output.length).toBeLessThanOrEqual(4096)
      expect(loud.output.trim()).toMatch(/x\nend$/)
    })

    it('are refused while no agent answers, and for what is gone', async ({ skip }) => {
      const { commands, compute } = world().provider
      if (commands === undefined) return skip('the provider has no channel for commands')
      const ref = await world().makePrimary()
      await finished(world(), await world().run(compute.stop(ref, {}, newContext())))
      expect(await failureOf(world(), commands.run(ref, { text: 'true', timeoutSeconds: 60 }, newContext()))).toBe('conflict')
      expect(await failureOf(world(), commands.run(ref, { text: '#'.repeat(9000), timeoutSeconds: 60 }, newContext()))).toBe('invalid')
      expect((await describeOf(world(), ref)).state).toBe('stopped')
    })
  })
}

type Ended = Extract<CommandStatus, { readonly phase: 'ended' }>

async function endOf(world: ConformanceWorld, ref: InstanceRef, script: Script, context: CallContext): Promise<Ended> {
  let ended: Ended | undefined
  await until(world, 'the agent answers', async () => (await failureOf(world, world.provider.commands!.run(ref, script, context))) !== 'conflict')
  await until(world, 'the script ends', async () => {
    const status = await world.run(world.freshProvider().commands!.run(ref, script, context))
    if (status.phase === 'ended') ended = status
    return ended !== undefined
  })
  return ended!
}
