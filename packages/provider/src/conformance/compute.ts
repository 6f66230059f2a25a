import { describe, expect, it } from 'vitest'
import type { InstanceRef } from '../refs.ts'
import { clone, describeOf, ended, failureOf, finished, newContext, refusalOf, specLike, stateOf, until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** Creating, finding again, and moving through power states. */
export function computeConformance(world: () => ConformanceWorld): void {
  describe('creating', () => {
    it('makes one instance for one key, however often it is asked', async () => {
      const { provider, run, countOf } = bound(world())
      const source = await describeOf(world(), await world().makePrimary())
      const context = newContext()
      const first = await run(provider.compute.provision(source, specLike(source, world()), context))
      const second = await run(world().freshProvider().compute.provision(source, specLike(source, world()), context))
      expect((await finished(world(), first)).nativeId).toBe((await finished(world(), second)).nativeId)
      expect((await countOf(context.idempotencyKey)).instances).toBe(1)
    })

    it('makes one instance when the answer to the launch is lost', async ({ skip }) => {
      skip(world().live === true, 'nobody disturbs a real cloud')
      const { provider, run, countOf } = bound(world())
      const source = await describeOf(world(), await world().makePrimary())
      const context = newContext()
      world().loseNextAnswer('provision')
      await run(provider.compute.provision(source, specLike(source, world()), context).catch(() => undefined))
      const handle = await run(world().freshProvider().compute.provision(source, specLike(source, world()), context))
      await finished(world(), handle)
      expect((await countOf(context.idempotencyKey)).instances).toBe(1)
    })

    it('is found by its key when its handle was never stored', async () => {
      const { provider, run } = bound(world())
      const source = await describeOf(world(), await world().makePrimary())
      const context = newContext()
      await run(provider.compute.provision(source, specLike(source, world()), context))
      const fresh = world().freshProvider()
      await until(world(), 'adopt finds it', async () => (await run(fresh.compute.adopt(context.idempotencyKey))).instances.length > 0)
      const adopted = await run(fresh.compute.adopt(context.idempotencyKey))
      expect(adopted.instances).toHaveLength(1)
      expect(adopted.disks).toEqual([])
      expect(await run(fresh.compute.adopt(newContext().idempotencyKey))).toEqual({ instances: [], disks: [], snapshotSets: [] })
    })

    it('refuses other parameters under a used key', async () => {
      const { provider, run, countOf } = bound(world())
      const source = await describeOf(world(), await world().makePrimary())
      const context = newContext()
      await run(provider.compute.provision(source, specLike(source, world()), context))
      const other = specLike(source, world(), { instanceType: world().typeOther })
      expect(await failureOf(world(), provider.compute.provision(source, other, context))).toBe('idempotency_mismatch')
      expect((await countOf(context.idempotencyKey)).instances).toBe(1)
    })

    it('makes an equal instance in another zone, with our tags and without the source’s addresses', async () => {
      const primary = await world().makePrimary()
      const source = await describeOf(world(), primary)
      const context = newContext()
      const made = await describeOf(world(), await clone(world(), source, { name: 'stand-in' }, context))
      expect(made.fingerprint).toBe(source.fingerprint)
      expect(made.placement.zone).toBe(world().zoneOther)
      expect(made.nativeName).toBe('stand-in')
      expect(made.tags).toMatchObject({ 'understudy:op': context.idempotencyKey, 'understudy:managed': 'true', 'understudy:role': 'shadow' })
      expect(made.nics.flatMap(({ privateIps }) => privateIps)).not.toContain(source.nics[0]?.privateIps[0])
      expect(made.size).toEqual(source.size)
    })

    it('makes it in the size and under the purchase model asked for', async () => {
      const source = await describeOf(world(), await world().makePrimary())
      const made = await describeOf(world(), await clone(world(), source, { instanceType: world().typeOther, purchase: 'spot' }))
      expect(made.size.type).toBe(world().typeOther)
      expect(made.purchase).toBe('spot')
      expect(made.fingerprint).toBe(source.fingerprint)
    })

    it('brings it to rest when it shall be stopped, and leaves it alone when it has been started since', async () => {
      const { provider, run } = bound(world())
      const source = await describeOf(world(), await world().makePrimary())
      const handle = await run(provider.compute.provision(source, specLike(source, world(), { power: 'stopped' }), newContext()))
      const ref = await finished(world(), handle)
      expect(await stateOf(world(), ref)).toBe('stopped')
      await finished(world(), await run(provider.compute.start(ref, newContext())))
      await finished(world(), handle)
      expect(await stateOf(world(), ref)).toBe('running')
    })

    it('isolates a clone: other security groups, no identity, none of the source’s tags', async () => {
      const primary = await world().makePrimary()
      const { provider, run } = bound(world())
      await run(provider.labels.tag([primary], { 'service-discovery': 'on' }, newContext()))
      const source = await describeOf(world(), primary)
      const groups = source.nics[0]?.securityGroups ?? []
      const made = await describeOf(
        world(),
        await clone(world(), { ...source, identity: 'arn:aws:iam::1:instance-profile/x' }, { isolation: { securityGroups: groups } }),
      )
      expect(made.identity).toBeUndefined()
      expect(made.tags['service-discovery']).toBeUndefined()
      expect(made.nics).toHaveLength(1)
    })

    it('leaves no orphan when it is aborted in the middle', async () => {
      const { provider, run, countOf } = bound(world())
      const source = await describeOf(world(), await world().makePrimary())
      const abort = new AbortController()
      const context = newContext({ signal: abort.signal })
      const work = provider.compute.provision(source, specLike(source, world()), context).catch(() => undefined)
      abort.abort(new Error('the step has run out of time'))
      await run(work)
      await world().advance(5_000)
      const fresh = world().freshProvider()
      const { instances } = await run(fresh.compute.adopt(context.idempotencyKey))
      expect(instances.length).toBe((await countOf(context.idempotencyKey)).instances)
      expect(instances.length).toBeLessThanOrEqual(1)
      for (const ref of instances) await finished(world(), await run(fresh.compute.terminate(ref, newContext())))
      expect(await countOf(context.idempotencyKey)).toEqual({ instances: 0, looseDisks: 0, snapshots: 0 })
    })
  })

  describe('power', () => {
    it('stops, starts and says so; repeating changes nothing', async () => {
      const { provider, run } = bound(world())
      const ref = await world().makePrimary()
      expect(await finished(world(), await run(provider.compute.stop(ref, {}, newContext())))).toEqual({ state: 'stopped' })
      expect(await finished(world(), await run(provider.compute.stop(ref, {}, newContext())))).toEqual({ state: 'stopped' })
      expect(await finished(world(), await run(provider.compute.start(ref, newContext())))).toEqual({ state: 'running' })
      expect(await finished(world(), await run(provider.compute.start(ref, newContext())))).toEqual({ state: 'running' })
    })

    it('starts one that is still stopping, once it has stopped', async () => {
      const { provider, run } = bound(world())
      const ref = await world().makePrimary()
      await run(provider.compute.stop(ref, {}, newContext()))
      expect(await finished(world(), await run(provider.compute.start(ref, newContext())))).toEqual({ state: 'running' })
    })

    it('polls a handle that went through JSON in another process', async () => {
      const { provider, run } = bound(world())
      const ref = await world().makePrimary()
      const handle = await run(provider.compute.stop(ref, {}, newContext()))
      const restored = JSON.parse(JSON.stringify(handle)) as typeof handle // what a store gives back
      expect(await finished(world(), restored, world().freshProvider())).toEqual({ state: 'stopped' })
    })

    it('holds memory where that is enabled', async ({ skip }) => {
      const { provider, run } = bound(world())
      if (!provider.traits.hold.supported) return skip('this cloud keeps no memory: that it is refused is a case of its own')
      // A template that was not made for it cannot be held, and what is made of it neither.
      if (world().live === true && provider.traits.hold.enableAt === 'launch') return skip('the template was not made for it')
      const ref = await world().makePrimary({ holdEnabled: true })
      await accepted(world(), ref)
      expect(await finished(world(), await run(provider.compute.hold(ref, newContext())))).toEqual({ state: 'held' })
      expect(await finished(world(), await run(provider.compute.start(ref, newContext())))).toEqual({ state: 'running' })
    })

    it('says when only a stop came of holding', async ({ skip }) => {
      const { provider, run } = bound(world())
      if (world().breakHold === undefined) return skip('this cloud holds or refuses, and does nothing between')
      const ref = await world().makePrimary({ holdEnabled: true })
      world().breakHold?.(ref)
      await accepted(world(), ref)
      expect(await finished(world(), await run(provider.compute.hold(ref, newContext())))).toEqual({ state: 'stopped' })
    })

    it('refuses to hold what was not made for it', async ({ skip }) => {
      const { provider } = bound(world())
      const ref = await world().makePrimary()
      const { hold } = provider.traits
      if (hold.supported && hold.enableAt !== 'launch') return skip('on this cloud an instance need not be made for it')
      expect(await failureOf(world(), provider.compute.hold(ref, newContext()))).toBe('unsupported')
      expect(await stateOf(world(), ref)).toBe('running')
    })

    it('resizes only where the cloud can, and never halfway', async () => {
      const { provider, run } = bound(world())
      const { resize } = provider.traits
      const ref = await world().makePrimary()
      const to = { instanceType: world().typeOther }
      if (!resize.supported || resize.requires === 'stopped') {
        expect(await failureOf(world(), provider.compute.resize(ref, to, newContext()))).toBe(resize.supported ? 'conflict' : 'unsupported')
        expect((await describeOf(world(), ref)).size.type).not.toBe(to.instanceType)
        await finished(world(), await run(provider.compute.stop(ref, {}, newContext())))
      }
      if (!resize.supported) return
      await finished(world(), await run(provider.compute.resize(ref, to, newContext())))
      await finished(world(), await run(provider.compute.resize(ref, to, newContext())))
      expect((await describeOf(world(), ref)).size.type).toBe(to.instanceType)
    })

    it('terminates, also what is gone already, but not what is protected', async () => {
      const { provider, run } = bound(world())
      const ref = await world().makePrimary()
      await run(provider.labels.setProtection(ref, { terminate: true }, newContext()))
      expect((await describeOf(world(), ref)).protection.terminate).toBe(true)
      expect(await failureOf(world(), provider.compute.terminate(ref, newContext()))).toBe('protected')
      expect(await stateOf(world(), ref)).toBe('running')
      await run(provider.labels.setProtection(ref, { terminate: false }, newContext()))
      expect(await finished(world(), await run(provider.compute.terminate(ref, newContext())))).toEqual({ state: 'terminated' })
      expect(await finished(world(), await run(provider.compute.terminate(ref, newContext())))).toEqual({ state: 'terminated' })
      expect(await failureOf(world(), provider.compute.start(ref, newContext()))).toBe('not_found')
    })

    it('refuses a handle that it has not given out', async () => {
      const { provider } = bound(world())
      const foreign = {
        v: 1,
        provider: 'elsewhere',
        verb: 'compute.start',
        idempotencyKey: '0',
        startedAt: '2026-01-01T00:00:00Z',
        native: {},
      } as const
      expect(await failureOf(world(), provider.compute.poll(foreign))).toBe('invalid')
    })

    it('reports a start without capacity with what to avoid', async ({ skip }) => {
      skip(world().live === true, 'nobody disturbs a real cloud')
      const { provider, run } = bound(world())
      const ref = await world().makePrimary()
      await finished(world(), await run(provider.compute.stop(ref, {}, newContext())))
      world().failNext('start', 'insufficient_capacity')
      const refusal = await refusalOf(world(), provider.compute.start(ref, newContext()))
      expect(refusal).toMatchObject({ kind: 'insufficient_capacity', retryable: false, avoid: { zone: ref.zone } })
      expect((await ended(world(), await run(provider.compute.start(ref, newContext())))).phase).toBe('succeeded')
    })
  })
}

/** Asks until the guest is ready to be held. */
async function accepted(world: ConformanceWorld, ref: InstanceRef): Promise<void> {
  const ask = () => failureOf(world, world.provider.compute.hold(ref, newContext()))
  await until(world, 'the guest is ready to be held', async () => (await ask()) === 'no failure')
}

function bound(world: ConformanceWorld) {
  return { provider: world.provider, run: world.run.bind(world), countOf: world.countOf.bind(world) }
}
