import { describe, expect, it } from 'vitest'
import type { DiskDna } from '../dna.ts'
import type { DiskRef } from '../refs.ts'
import { captured, clone, describeOf, failureOf, finished, newContext } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

const noSnapshots = 'the provider has no snapshots'

/** Disks of one instance at one moment. */
export function snapshotConformance(world: () => ConformanceWorld): void {
  describe('snapshot sets', () => {
    const snapshots = () => world().provider.snapshots
    const disk = (disks: readonly DiskDna[], role: 'root' | 'data'): DiskRef => disks.find((candidate) => candidate.role === role)!.ref // `makePrimary` gives both

    it('hold all disks at one moment: what was written first is never missing what was written after it', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside, or loses its answers')
      const capability = snapshots()
      if (capability === undefined) return skip(noSnapshots)
      const ref = await world().makePrimary()
      const { disks } = await describeOf(world(), ref)
      let value = 0
      const writeBoth = (): void => {
        value += 1
        world().writeDisk(disk(disks, 'root'), value)
        world().writeDisk(disk(disks, 'data'), value)
      }
      writeBoth()
      const handle = await interleaved(world(), capability.capture(ref, newContext()), writeBoth)
      const set = await finished(world(), handle)
      for (let i = 0; i < 10; i++) writeBoth()
      const restored = await finished(world(), await world().run(capability.materialise(set, { zone: world().zoneOther }, newContext())))
      expect(restored.map(({ zone }) => zone)).toEqual([world().zoneOther, world().zoneOther])
      const [root, data] = restored.map((made) => world().readDisk(made)) as [number, number]
      expect(root).toBeGreaterThan(0)
      expect(root).toBeLessThan(value)
      expect([0, 1]).toContain(root - data)
    })

    it('are taken once for one key, also when the answer is lost', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside, or loses its answers')
      const capability = snapshots()
      if (capability === undefined) return skip(noSnapshots)
      const ref = await world().makePrimary()
      const context = newContext()
      world().loseNextAnswer('capture')
      await world().run(capability.capture(ref, context).catch(() => undefined))
      const handle = await world().run(world().freshProvider().snapshots!.capture(ref, context)) // as above
      expect(await finished(world(), handle)).toEqual({ setId: context.idempotencyKey })
      expect((await world().countOf(context.idempotencyKey)).snapshots).toBe(2)
      expect((await world().run(world().freshProvider().compute.adopt(context.idempotencyKey))).snapshotSets).toEqual([
        { setId: context.idempotencyKey },
      ])
    })

    it('say what they hold, and can be read by another process', async ({ skip }) => {
      if (snapshots() === undefined) return skip(noSnapshots)
      const ref = await world().makePrimary()
      const { disks } = await describeOf(world(), ref)
      const set = await captured(world(), ref)
      const read = await world().run(world().freshProvider().snapshots!.get(set)) // as above
      expect(read).toMatchObject({ ref: set, state: 'usable', progressPercent: 100, source: { nativeId: ref.nativeId } })
      expect(read?.members.map(({ deviceKey, role, sizeGiB }) => ({ deviceKey, role, sizeGiB }))).toEqual(
        disks.map(({ deviceKey, role, sizeGiB }) => ({ deviceKey, role, sizeGiB })),
      )
    })

    it('can be started from: the new instance has the bytes of the old', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside, or loses its answers')
      if (snapshots() === undefined) return skip(noSnapshots)
      const ref = await world().makePrimary()
      const source = await describeOf(world(), ref)
      world().writeDisk(disk(source.disks, 'root'), 41)
      world().writeDisk(disk(source.disks, 'data'), 42)
      const set = await captured(world(), ref)
      const made = await describeOf(world(), await clone(world(), source, { disks: { from: 'snapshots', set } }))
      expect(made.fingerprint).toBe(source.fingerprint)
      expect(world().readDisk(disk(made.disks, 'root'))).toBe(41)
      expect(world().readDisk(disk(made.disks, 'data'))).toBe(42)
    })

    it('of an instance with one disk are as good: in any zone, found by their key, and gone with it', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside, or says how many disks a real instance has')
      const capability = snapshots()
      if (capability === undefined) return skip(noSnapshots)
      const ref = await world().makePrimary({ dataDisk: false })
      const source = await describeOf(world(), ref)
      const [root, ...others] = source.disks
      expect({ role: root?.role, others }).toEqual({ role: 'root', others: [] })
      world().writeDisk(disk(source.disks, 'root'), 31)
      const set = await captured(world(), ref)
      world().writeDisk(disk(source.disks, 'root'), 32)
      const fresh = world().freshProvider()
      expect(await world().run(fresh.snapshots!.get(set))).toMatchObject({
        ...{ source: { nativeId: ref.nativeId }, consistency: 'crash', state: 'usable', progressPercent: 100 },
        members: [{ deviceKey: root?.deviceKey, role: 'root', sizeGiB: root?.sizeGiB, state: 'usable' }],
      })
      expect((await world().countOf(set.setId)).snapshots).toBe(1)
      expect((await world().run(fresh.compute.adopt(set.setId))).snapshotSets).toEqual([set])
      const [restored] = await finished(world(), await world().run(capability.materialise(set, { zone: world().zoneOther }, newContext())))
      expect([restored?.zone, world().readDisk(restored!)]).toEqual([world().zoneOther, 31])
      const made = await describeOf(world(), await clone(world(), source, { disks: { from: 'snapshots', set } }))
      expect(world().readDisk(disk(made.disks, 'root'))).toBe(31)
      await world().run(capability.delete(set, newContext()))
      await world().run(capability.delete(set, newContext()))
      expect(await world().run(capability.get(set))).toBeUndefined()
      expect((await world().countOf(set.setId)).snapshots).toBe(0)
    })

    it('are gone after deletion, and deleting them again is no error', async ({ skip }) => {
      const capability = snapshots()
      if (capability === undefined) return skip(noSnapshots)
      const set = await captured(world(), await world().makePrimary())
      const disks = await finished(world(), await world().run(capability.materialise(set, { zone: world().zoneOther }, newContext())))
      await world().run(capability.delete(set, newContext()))
      await world().run(capability.delete(set, newContext()))
      expect(await world().run(capability.get(set))).toBeUndefined()
      for (const made of disks) {
        await world().run(capability.deleteDisk(made, newContext()))
        await world().run(capability.deleteDisk(made, newContext()))
      }
      const source = await describeOf(world(), await world().makePrimary())
      expect(await failureOf(world(), capability.deleteDisk(disk(source.disks, 'root'), newContext()))).toBe('conflict')
    })
  })
}

/** Lets `between` happen again and again while `work` is under way. */
async function interleaved<T>(world: ConformanceWorld, work: Promise<T>, between: () => void): Promise<T> {
  let done = false
  const settled = world.run(work).finally(() => (done = true))
  while (!done) {
    between()
    await Promise.race([
      settled.then(
        () => undefined,
        () => undefined,
      ),
      new Promise((resolve) => setImmediate(resolve)),
    ])
  }
  return await settled
}
