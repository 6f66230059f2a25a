import { describe, expect, it } from 'vitest'
import type { SnapshotCopy, SnapshotCopyRef } from '../capabilities/copies.ts'
import { captured, failureOf, newContext, until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

/** Copies of sets in another region. */
export function copyConformance(world: () => ConformanceWorld): void {
  describe('copies in another region', () => {
    const elsewhere = async (): Promise<string | undefined> => {
      const { copies, scope } = world().provider
      return copies === undefined ? undefined : (await world().run(copies.regions())).find((region) => region !== scope.region)
    }
    const complete = async (ref: SnapshotCopyRef): Promise<SnapshotCopy> => {
      let found: SnapshotCopy | undefined
      await until(world(), 'the copy is usable', async () => {
        found = await world().run(world().freshProvider().copies!.get(ref)) // who asks has found out that there are copies
        return found?.state === 'usable'
      })
      return found!
    }

    it('say no with a reason, or can be made', () => {
      const { copies, traits } = world().provider
      if (traits.copySnapshots.supported) expect(copies).toBeDefined()
      else expect({ copies, reason: traits.copySnapshots.reason.length > 20 }).toEqual({ copies: undefined, reason: true })
    })

    it('hold every member once, are found by their key from anywhere, and are gone when they are deleted, without the set', async ({ skip }) => {
      const { copies, snapshots } = world().provider
      const region = await elsewhere()
      if (copies === undefined || region === undefined || snapshots === undefined) return skip('its snapshots cannot be copied')
      const set = await captured(world(), await world().makePrimary())
      const sources = (await world().run(snapshots.get(set)))!.members // as just taken
      const context = newContext()
      const ref = { copyId: context.idempotencyKey, region }
      expect(await world().run(copies.get(ref))).toBeUndefined()
      await world().run(copies.copy(set, { region }, context))
      // Another process, which knows nothing but the key.
      await world().run(world().freshProvider().copies!.copy(set, { region }, context)) // as above
      const made = await complete(ref)
      const bySource = <T extends { readonly source: string }>(members: readonly T[]) => members.toSorted((a, b) => (a.source < b.source ? -1 : 1))
      expect(bySource(made.members.map(({ deviceKey, source, sizeGiB }) => ({ deviceKey, source, sizeGiB })))).toEqual(
        bySource(sources.map(({ deviceKey, snapshot, sizeGiB }) => ({ deviceKey, source: snapshot.nativeId, sizeGiB }))),
      )
      // None of them is a snapshot of this region.
      expect((await world().run(world().provider.compute.adopt(context.idempotencyKey))).snapshotSets).toEqual([])
      expect(await world().run(copies.get({ ...ref, region: world().provider.scope.region }))).toBeUndefined()
      await world().run(copies.delete(ref, newContext()))
      await world().run(copies.delete(ref, newContext()))
      expect(await world().run(copies.get(ref))).toBeUndefined()
      expect(await world().run(snapshots.get(set))).toMatchObject({ state: 'usable' })
      await world().run(snapshots.delete(set, newContext()))
    })

    it('are refused in the region of the set, and of a set that is gone', async ({ skip }) => {
      const { copies, scope, snapshots } = world().provider
      const region = await elsewhere()
      if (copies === undefined || region === undefined || snapshots === undefined) return skip('its snapshots cannot be copied')
      const set = await captured(world(), await world().makePrimary())
      expect(await failureOf(world(), copies.copy(set, { region: scope.region }, newContext()))).toBe('invalid')
      await world().run(snapshots.delete(set, newContext()))
      const late = newContext()
      expect(await failureOf(world(), copies.copy(set, { region }, late))).toBe('not_found')
      expect(await world().run(copies.get({ copyId: late.idempotencyKey, region }))).toBeUndefined()
    })
  })
}
