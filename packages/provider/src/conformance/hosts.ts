import { describe, expect, it } from 'vitest'
import type { HostGroup } from '../dna.ts'
import { clone, describeOf, failureOf, newContext, refusalOf, specLike, until } from './steps.ts'
import type { ConformanceWorld, HostGroupWorld } from './world.ts'

type Strategy = NonNullable<HostGroup['strategy']>

/** Clones on the group of hosts of their source, and off its hardware. */
export function hostConformance(world: () => ConformanceWorld): void {
  describe('groups of hosts', () => {
    it('are had, or refused with a reason', () => {
      const { hostGroups } = world().provider.traits
      if (hostGroups.supported) expect(world().hostGroups?.strategies.length ?? (world().live === true ? 1 : 0)).toBeGreaterThan(0)
      else expect(hostGroups.reason.length).toBeGreaterThan(20)
    })

    it('an instance that is bound to none says so, and nothing is made like it on one', async () => {
      const source = await describeOf(world(), await world().makePrimary())
      expect(source.placement.hostGroup).toBeUndefined()
      const { compute } = world().provider
      const zone = source.placement.zone ?? ''
      for (const hosts of ['same-group', 'separate'] as const)
        expect(await failureOf(world(), compute.provision(source, specLike(source, world(), { zone, hosts }), newContext()))).toBe('unsupported')
    })

    it('another zone is another host, whatever the source is bound to', async () => {
      const source = await describeOf(world(), await world().makePrimary())
      const made = await describeOf(world(), await clone(world(), source, { hosts: 'separate' }))
      expect(made.placement.zone).toBe(world().zoneOther)
    })

    const each: readonly Strategy[] = ['own-hosts', 'together', 'apart', 'partitions']
    it.for(each)('%s: a clone on the same group is in it, in its zone', async (strategy, { skip }) => {
      const groups = world().hostGroups
      skip(groups?.strategies.includes(strategy) !== true, 'the cloud has no such groups, or its adapter does not read them')
      const { source, zone, member } = await memberOf(world(), groups, strategy)
      expect(source.placement.hostGroup).toMatchObject({ strategy })
      const ref = await clone(world(), source, { zone, hosts: 'same-group' })
      const made = await describeOf(world(), ref)
      expect(made.placement).toMatchObject({ hostGroup: { id: source.placement.hostGroup?.id, strategy } })
      expect(made.placement.zone).toBe(source.placement.zone)
      expect(groups?.groupOf(ref)).toBe(groups?.groupOf(member))
      expect(made.fingerprint).toBe(source.fingerprint)
    })

    it.for(each)('%s: a clone that shall be separate is on other hardware in the same zone, or refused', async (strategy, { skip }) => {
      const groups = world().hostGroups
      skip(groups?.strategies.includes(strategy) !== true, 'the cloud has no such groups, or its adapter does not read them')
      const { source, zone, member } = await memberOf(world(), groups, strategy)
      if (source.placement.hostGroup?.separable !== true) {
        const spec = specLike(source, world(), { zone, hosts: 'separate' })
        expect(await failureOf(world(), world().provider.compute.provision(source, spec, newContext()))).toBe('unsupported')
        return
      }
      const ref = await clone(world(), source, { zone, hosts: 'separate' })
      expect(ref.zone).toBe(member.zone)
      expect(groups?.hardwareOf(ref)).not.toBe(groups?.hardwareOf(member))
    })

    it.for(each)('%s: a clone for another zone is refused the group', async (strategy, { skip }) => {
      const groups = world().hostGroups
      skip(groups?.strategies.includes(strategy) !== true, 'the cloud has no such groups, or its adapter does not read them')
      const { source } = await memberOf(world(), groups, strategy)
      const spec = specLike(source, world(), { hosts: 'same-group' })
      expect(await failureOf(world(), world().provider.compute.provision(source, spec, newContext()))).toBe('invalid')
    })

    it.for(each)('%s: a group that is full is a want of capacity, and says nothing of the offering', async (strategy, { skip }) => {
      const groups = world().hostGroups
      skip(groups?.strategies.includes(strategy) !== true, 'the cloud has no such groups, or its adapter does not read them')
      const { source, zone, member } = await memberOf(world(), groups, strategy)
      groups?.fill(member)
      const context = newContext()
      const spec = specLike(source, world(), { zone, hosts: 'same-group' })
      const refusal = await refusalOf(world(), world().provider.compute.provision(source, spec, context))
      expect(refusal).toMatchObject({ kind: 'insufficient_capacity' })
      expect(refusal?.avoid).toBeUndefined()
      await until(world(), 'nothing is left of it', async () => (await world().countOf(context.idempotencyKey)).instances === 0)
    })

    it.for(each)('%s: a group that is no more is refused', async (strategy, { skip }) => {
      const groups = world().hostGroups
      skip(groups?.strategies.includes(strategy) !== true, 'the cloud has no such groups, or its adapter does not read them')
      const { source, zone, member } = await memberOf(world(), groups, strategy)
      groups?.forget(member)
      const spec = specLike(source, world(), { zone, hosts: 'same-group' })
      const refusal = await refusalOf(world(), world().provider.compute.provision(source, spec, newContext()))
      // Nodes that are named by their labels are not there, or have no room: that is the same.
      const kinds = ['not_found', 'invalid', ...(strategy === 'own-hosts' ? ['insufficient_capacity'] : [])]
      expect(kinds).toContain(refusal?.kind)
      expect(refusal?.avoid).toBeUndefined()
    })
  })
}

async function memberOf(world: ConformanceWorld, groups: HostGroupWorld | undefined, strategy: Strategy) {
  if (groups === undefined) throw new Error('asked of a world without groups of hosts')
  const member = await groups.makeMember(strategy)
  const source = await describeOf(world, member)
  return { member, source, zone: source.placement.zone ?? '' }
}
