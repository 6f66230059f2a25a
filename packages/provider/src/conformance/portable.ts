import { describe, expect, it } from 'vitest'
import type { PortableDefinition } from '../capabilities/portable.ts'
import type { InstanceRef } from '../refs.ts'
import { clone, describeOf, failureOf, newContext, specLike } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** Making an instance where none stands that it could be a clone of. */
export function portableConformance(world: () => ConformanceWorld): void {
  describe('a portable definition', () => {
    it('is given the closest type of at least its size', async ({ skip }) => {
      const { portable } = world().provider
      if (portable === undefined) return skip('the provider makes nothing of a portable definition')
      const { vcpus, memoryMiB, arch } = await definition(world(), await world().makePrimary())
      const types = await world().run(portable.fitting({ arch, vcpus, memoryMiB }))
      expect(types.length).toBeGreaterThan(0)
      expect(types.every((type) => type.vcpus >= vcpus && type.memoryMiB >= memoryMiB)).toBe(true)
      expect(types.toSorted((a, b) => a.vcpus - b.vcpus || a.memoryMiB - b.memoryMiB)).toEqual(types)
      expect(types[0]).toMatchObject({ vcpus, memoryMiB })
      expect(await world().run(portable.fitting({ arch, vcpus: 100_000, memoryMiB }))).toEqual([])
    })

    it('becomes one instance that runs, with its boot data and tags, however often it is asked for', async ({ skip }) => {
      const { portable, compute } = world().provider
      if (portable === undefined) return skip('the provider makes nothing of a portable definition')
      const wanted = { ...(await definition(world(), await world().makePrimary())), tags: { team: 'shop' }, bootData: bootData('hello') }
      const source = portable.define(wanted)
      expect(portable.define(wanted)).toEqual(source)
      const [type] = await world().run(portable.fitting(wanted))
      const context = newContext()
      const spec = { name: 'shadow', instanceType: type?.instanceType ?? '' } as const
      const made = await clone(world(), source, spec, context)
      expect((await clone(world(), source, spec, context)).nativeId).toBe(made.nativeId)
      const dna = await describeOf(world(), made)
      expect(dna).toMatchObject({ state: 'running', image: wanted.image, size: { type: type?.instanceType }, tags: { team: 'shop' } })
      expect(Buffer.from(dna.userData ?? '', 'base64').toString()).toContain('hello')
      expect(dna.disks.map(({ role }) => role)).toEqual(['root'])
      const other = portable.define({ ...wanted, bootData: bootData('another') })
      expect(await failureOf(world(), compute.provision(other, specLike(other, world(), spec), context))).toBe('idempotency_mismatch')
    })
  })
}

const bootData = (text: string): string => Buffer.from(`#!/bin/sh\necho ${text}`).toString('base64')

/** That of an instance which stands: what an owner would write down. */
async function definition(world: ConformanceWorld, ref: InstanceRef): Promise<PortableDefinition> {
  const { image = '', os, size, nics } = await describeOf(world, ref)
  const [nic] = nics
  return {
    image,
    arch: os.arch,
    vcpus: size.vcpus,
    memoryMiB: size.memoryMiB,
    subnet: nic?.subnet ?? '',
    securityGroups: nic?.securityGroups ?? [],
    publicAddress: true,
    tags: {},
  }
}
