import { describe, expect, it } from 'vitest'
import type { TrafficBinding, TrafficMechanism } from '../capabilities/traffic.ts'
import type { InstanceRef } from '../refs.ts'
import { clone, describeOf, failureOf, newContext, until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

const requestsPerLook = 20

const absent = 'the provider has no such mechanism, or there is no entry point: that it is refused is a case of its own'

/** Sending requests to one member rather than another. */
export function trafficConformance(world: () => ConformanceWorld): void {
  describe.each(['lb-weight', 'lb-target', 'address-move', 'dns-weight'] as const)('traffic by %s', (mechanism) => {
    const has = (): boolean => world().provider.traffic?.mechanisms[mechanism] !== undefined && world().entryPoints?.includes(mechanism) !== false

    it('moves to the new member without losing a request, and lets go of the old one', async ({ skip }) => {
      if (!has()) return skip(absent)
      const { binding, primary, shadow } = await pair(world(), mechanism)
      const failures = await shift(world(), binding, shadow)
      expect(failures).toBe(0)
      await until(world(), 'the new member has everything', async () => (await weights(world(), binding))[shadow.nativeId] === 100)
      expect(await served(world(), binding)).toEqual(new Set([shadow.nativeId]))
      const context = newContext({ priority: 'failover' })
      await world().run(traffic(world()).remove(binding, primary, context))
      await world().run(traffic(world()).remove(binding, primary, context))
      await until(world(), 'the old member is gone', async () => !(primary.nativeId in (await weights(world(), binding))))
      expect(await served(world(), binding)).toEqual(new Set([shadow.nativeId]))
    })

    it('changes nothing when it is repeated, also by another process', async ({ skip }) => {
      if (!has()) return skip(absent)
      const { binding, shadow } = await pair(world(), mechanism)
      await shift(world(), binding, shadow)
      const before = await weights(world(), binding)
      await world().run(
        world()
          .freshProvider()
          .traffic!.setWeights(binding, [{ ref: shadow, weight: 100 }], newContext()),
      ) // `has` says it is there
      await world().run(traffic(world()).enrol(binding, shadow, newContext()))
      expect(await weights(world(), binding)).toEqual(before)
    })

    it('goes back the same way', async ({ skip }) => {
      if (!has()) return skip(absent)
      const { binding, primary, shadow } = await pair(world(), mechanism)
      await shift(world(), binding, shadow)
      await until(world(), 'it has arrived', async () => (await weights(world(), binding))[shadow.nativeId] === 100)
      const idle = (): Promise<void> => world().run(traffic(world()).remove(binding, primary, newContext()))
      await idle()
      await until(world(), 'the old member has drained', async () => !(primary.nativeId in (await weights(world(), binding))))
      await world().run(traffic(world()).enrol(binding, primary, newContext()))
      expect(await shift(world(), binding, primary)).toBe(0)
      await until(world(), 'it is back', async () => (await weights(world(), binding))[primary.nativeId] === 100)
      expect(await served(world(), binding)).toEqual(new Set([primary.nativeId]))
    })

    it('lets a standby wait without traffic and shows its health, where the mechanism can', async ({ skip }) => {
      if (!has()) return skip(absent)
      if (traffic(world()).mechanisms[mechanism]?.standby !== true) return skip('a member of it has traffic as soon as it is healthy')
      const { binding, primary, shadow } = await pair(world(), mechanism)
      await world().run(traffic(world()).enrol(binding, shadow, newContext()))
      await until(world(), 'the standby is healthy', async () => (await health(world(), binding))[shadow.nativeId] === 'healthy')
      expect(await weights(world(), binding)).toEqual({ [primary.nativeId]: 100, [shadow.nativeId]: 0 })
      expect(await served(world(), binding)).toEqual(new Set([primary.nativeId]))
    })

    it('says the same of one member as of all of them', async ({ skip }) => {
      if (!has() || traffic(world()).health === undefined) return skip(absent)
      const { binding, primary, shadow } = await pair(world(), mechanism)
      const one = (nativeId: string) => world().run(traffic(world()).health?.(binding, nativeId) ?? Promise.resolve(undefined))
      expect(await one('nobody')).toBeUndefined()
      await shift(world(), binding, shadow)
      await until(world(), 'it has arrived', async () => (await weights(world(), binding))[shadow.nativeId] === 100)
      const all = await health(world(), binding)
      expect(await one(shadow.nativeId)).toBe(all[shadow.nativeId])
      expect(await one(primary.nativeId)).toBe(all[primary.nativeId])
    })

    it('refuses weights that are no shares, and members nobody knows', async ({ skip }) => {
      if (!has()) return skip(absent)
      const { binding, primary, shadow } = await pair(world(), mechanism)
      const set = (shares: readonly [InstanceRef, number][]) =>
        failureOf(
          world(),
          traffic(world()).setWeights(
            binding,
            shares.map(([ref, weight]) => ({ ref, weight })),
            newContext(),
          ),
        )
      expect(await set([[primary, 60]])).toBe('invalid')
      expect(
        await set([
          [primary, 150],
          [shadow, -50],
        ]),
      ).toBe('invalid')
      expect(await weights(world(), binding)).toMatchObject({ [primary.nativeId]: 100 })
    })

    it('leads to instances of other accounts by their address, where it can, and says for how long clients may follow late', async ({ skip }) => {
      if (!has() || traffic(world()).mechanisms[mechanism]?.foreign !== true) return skip('it leads to no instances of other accounts')
      const primary = await world().makePrimary()
      const binding = await world().makeBinding(mechanism, primary)
      const foreign: InstanceRef = { provider: 'another', account: 'elsewhere', region: 'far', nativeId: 'theirs', address: '192.0.2.10' }
      await world().run(traffic(world()).enrol(binding, foreign, newContext()))
      expect(await weights(world(), binding)).toEqual({ [primary.nativeId]: 100, '192.0.2.10': 0 })
      await world().run(traffic(world()).setWeights(binding, [{ ref: foreign, weight: 100 }], newContext()))
      expect(await weights(world(), binding)).toEqual({ [primary.nativeId]: 0, '192.0.2.10': 100 })
      expect(await failureOf(world(), traffic(world()).remove(binding, foreign, newContext()))).toBe('conflict')
      await world().run(traffic(world()).setWeights(binding, [{ ref: primary, weight: 100 }], newContext()))
      await world().run(traffic(world()).remove(binding, foreign, newContext()))
      await until(world(), 'it is gone', async () => !('192.0.2.10' in (await weights(world(), binding))))
      expect(await world().run(traffic(world()).followSeconds?.(binding) ?? Promise.resolve(0))).toBeGreaterThan(0)
    })

    it('says what is wrong with a binding', async ({ skip }) => {
      if (!has()) return skip(absent)
      expect(await failureOf(world(), traffic(world()).validate({ mechanism, native: {} }))).toBe('invalid')
      const { binding } = await pair(world(), mechanism)
      await world().run(traffic(world()).validate(binding))
    })
  })
}

const traffic = ({ provider }: ConformanceWorld) => provider.traffic! // asked after `has` only

async function pair(
  world: ConformanceWorld,
  mechanism: TrafficMechanism,
): Promise<{ binding: TrafficBinding; primary: InstanceRef; shadow: InstanceRef }> {
  const primary = await world.makePrimary()
  const binding = await world.makeBinding(mechanism, primary)
  return { binding, primary, shadow: await clone(world, await describeOf(world, primary)) }
}

/** Enrols the member, waits until it may take over, and gives it everything while requests go on. Answers how many were lost. */
async function shift(world: ConformanceWorld, binding: TrafficBinding, to: InstanceRef): Promise<number> {
  const context = newContext({ priority: 'failover' })
  let lost = 0
  const look = async (): Promise<void> => {
    for (let sent = 0; sent < requestsPerLook; sent++) if ((await world.request(binding)) === undefined) lost += 1
  }
  await world.run(traffic(world).enrol(binding, to, context))
  if (traffic(world).mechanisms[binding.mechanism]?.unwatched === true) {
    // Nothing watches the health here: whoever moves the traffic has to know.
    await until(world, 'the new member answers', async () => world.answers(to))
  } else {
    await until(world, 'the new member is healthy', async () => {
      await look()
      return (await health(world, binding))[to.nativeId] === 'healthy'
    })
  }
  await world.run(traffic(world).setWeights(binding, [{ ref: to, weight: 100 }], context))
  for (let looks = 0; looks < 5; looks++) {
    await look()
    await world.advance(2_000)
  }
  return lost
}

async function weights(world: ConformanceWorld, binding: TrafficBinding): Promise<Record<string, number>> {
  const members = await world.run(traffic(world).state(binding))
  return Object.fromEntries(members.map(({ nativeId, weight }) => [nativeId, weight]))
}

async function health(world: ConformanceWorld, binding: TrafficBinding): Promise<Record<string, string>> {
  const members = await world.run(traffic(world).state(binding))
  return Object.fromEntries(members.map((member) => [member.nativeId, member.health]))
}

/** Who answers a handful of requests. */
async function served(world: ConformanceWorld, binding: TrafficBinding): Promise<Set<string>> {
  const names = new Set<string>()
  for (let sent = 0; sent < requestsPerLook; sent++) names.add((await world.request(binding)) ?? 'nobody')
  return names
}
