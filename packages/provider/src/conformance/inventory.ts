import { describe, expect, it } from 'vitest'
import { describeOf, failureOf, newContext, until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** Reading what exists, and naming it. */
export function inventoryConformance(world: () => ConformanceWorld): void {
  describe('inventory and labels', () => {
    it('says who the credentials belong to', async () => {
      const { account, principal } = await world().run(world().provider.identify())
      expect(account).toBe(world().provider.scope.account)
      expect(principal).not.toBe('')
    })

    it('answers nothing, and no error, for what does not exist', async () => {
      const { provider } = world()
      const ghost = { ...provider.scope, nativeId: 'i-0000000000000dead' }
      expect(await world().run(provider.inventory.describe(ghost))).toBeUndefined()
      const primary = await world().makePrimary()
      const states = await world().run(provider.inventory.states([ghost, primary]))
      expect([...states.keys()]).toEqual([primary.nativeId])
      expect(states.get(primary.nativeId)).toMatchObject({ state: 'running', ref: { zone: primary.zone } })
    })

    it('describes an instance completely enough to make another', async () => {
      const primary = await world().makePrimary()
      const dna = await describeOf(world(), primary)
      expect(dna.ref).toMatchObject({ nativeId: primary.nativeId, zone: primary.zone })
      expect(dna.state).toBe('running')
      expect(dna.disks.map(({ role }) => role)).toEqual(['root', 'data'])
      expect(dna.size.vcpus).toBeGreaterThan(0)
      expect(dna.size.memoryMiB).toBeGreaterThan(0)
      expect(dna.nics[0]?.privateIps).toHaveLength(1)
      expect((await describeOf(world(), primary)).fingerprint).toBe(dna.fingerprint)
      expect(JSON.parse(JSON.stringify(dna))).toEqual(dna)
    })

    it('lists by all tags given, literally, up to the limit', async () => {
      const { provider } = world()
      const [one, two] = [await world().makePrimary(), await world().makePrimary()]
      const mark = newContext().idempotencyKey
      await world().run(provider.labels.tag([one, two], { mark, star: 'a*c' }, newContext()))
      await world().run(provider.labels.tag([two], { star: 'abc' }, newContext()))
      const listed = async (tags: Record<string, string>, limit?: number): Promise<string[]> => {
        const ids: string[] = []
        const walk = async (): Promise<void> => {
          for await (const { ref } of provider.inventory.list({ tags, ...(limit === undefined ? {} : { limit }) })) ids.push(ref.nativeId)
        }
        await world().run(walk())
        return ids.toSorted()
      }
      await until(world(), 'both are listed', async () => (await listed({ mark })).length === 2)
      expect(await listed({ mark })).toEqual([one.nativeId, two.nativeId].toSorted())
      expect(await listed({ mark, star: 'a*c' })).toEqual([one.nativeId])
      expect(await listed({ mark }, 1)).toHaveLength(1)
      expect(await listed({ mark }, 0)).toEqual([])
      expect(await listed({ mark: 'nobody has this' })).toEqual([])
    })

    it('adds, overwrites and removes tags, and gives a name', async () => {
      const { provider } = world()
      const ref = await world().makePrimary()
      await world().run(provider.labels.tag([ref], { kept: '1', changed: 'before', removed: 'x' }, newContext()))
      await world().run(provider.labels.tag([ref], { changed: 'after', removed: undefined }, newContext()))
      await world().run(provider.labels.rename(ref, 'renamed', newContext()))
      const { tags, nativeName } = await describeOf(world(), ref)
      expect(tags).toMatchObject({ kept: '1', changed: 'after' })
      expect(tags['removed']).toBeUndefined()
      expect(provider.traits.rename.supported ? nativeName : 'renamed').toBe('renamed')
      const ghost = { ...provider.scope, nativeId: 'i-0000000000000dead' }
      expect(await failureOf(world(), provider.labels.tag([ghost], { a: 'b' }, newContext()))).toBe('not_found')
    })
  })

  describe('what the traits deny', () => {
    it('is refused as unsupported when it is asked for all the same', async () => {
      const { provider } = world()
      const ref = await world().makePrimary()
      const { resize, hold, multiDiskSnapshot } = provider.traits
      if (!resize.supported)
        expect(await failureOf(world(), provider.compute.resize(ref, { instanceType: world().typeOther }, newContext()))).toBe('unsupported')
      if (!hold.supported) expect(await failureOf(world(), provider.compute.hold(ref, newContext()))).toBe('unsupported')
      if (!multiDiskSnapshot.supported && provider.snapshots !== undefined) {
        expect(await failureOf(world(), provider.snapshots.capture(ref, newContext()))).toBe('unsupported')
      }
    })

    it('is refused of traffic too: a mechanism that it lacks, and one that nobody has', async ({ skip }) => {
      const { traffic } = world().provider
      if (traffic === undefined) return skip('the provider moves no traffic: there is nobody to ask')
      const mechanisms = ['lb-weight', 'lb-target', 'address-move', 'dns-weight'] as const
      for (const mechanism of mechanisms) {
        if (traffic.mechanisms[mechanism] === undefined)
          expect(await failureOf(world(), traffic.state({ mechanism, native: {} }))).toBe('unsupported')
      }
      const unknown = { mechanism: 'carrier-pigeon', native: {} } as unknown as Parameters<typeof traffic.state>[0] // a document can say anything
      expect(await failureOf(world(), traffic.validate(unknown))).toBe('unsupported')
    })
  })
}
