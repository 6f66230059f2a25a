import { describe, expect, it } from 'vitest'
import type { DiskPlace, Disks } from '../capabilities/disks.ts'
import type { DiskDna } from '../dna.ts'
import type { DiskRef, InstanceRef } from '../refs.ts'
import { captured, describeOf, failureOf, finished, newContext } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

const noDisks = 'the provider exchanges no disks'

/** Exchanging the disks of an instance that exists. */
export function diskConformance(world: () => ConformanceWorld): void {
  describe('the disks of an instance', () => {
    const placesOf = (disks: readonly DiskDna[]): DiskPlace[] =>
      disks.map(({ deviceKey, ref, deleteWithInstance }) => ({ deviceKey, disk: ref, deleteWithInstance }))

    it('are exchanged for those of a set: the same instance then has the bytes of before, and back again', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside')
      const { snapshots } = world().provider
      if (world().provider.disks === undefined || snapshots === undefined) return skip(noDisks)
      const ref = await world().makePrimary()
      const source = await describeOf(world(), ref)
      const before = placesOf(source.disks)
      for (const [index, { disk }] of before.entries()) world().writeDisk(disk, 100 + index)
      const set = await captured(world(), ref)
      for (const { disk } of before) world().writeDisk(disk, 7)
      const zone = source.placement.zone ?? ''
      const made = await finished(world(), await world().run(snapshots.materialise(set, { zone }, newContext())))
      await stopped(world(), ref)
      const after = before.map((place, index): DiskPlace => ({ ...place, disk: made[index]! })) // in the order of the set, which is that of the definition
      await arranged(world(), ref, after)
      const exchanged = await describeOf(world(), ref)
      expect(exchanged.fingerprint).toBe(source.fingerprint)
      expect(exchanged.disks.map(({ ref: disk }) => disk.nativeId)).toEqual(after.map(({ disk }) => disk.nativeId))
      expect(after.map(({ disk }) => world().readDisk(disk))).toEqual([100, 101])
      // What lost its place is still there, and finds back.
      await arranged(world(), ref, before)
      expect((await describeOf(world(), ref)).disks.map(({ ref: disk }) => disk.nativeId)).toEqual(before.map(({ disk }) => disk.nativeId))
      expect(before.map(({ disk }) => world().readDisk(disk))).toEqual([7, 7])
      await finished(world(), await world().run(world().provider.compute.start(ref, newContext())))
    })

    it('get one more beside them while it runs, made of one member of a set, and lose it again', async ({ skip }) => {
      const { snapshots, disks, traits } = world().provider
      if (disks === undefined || snapshots === undefined) return skip(noDisks)
      const ref = await world().makePrimary()
      const source = await describeOf(world(), ref)
      const data = source.disks.find(({ role }) => role === 'data')!
      if (world().live !== true) world().writeDisk(data.ref, 77)
      const set = await captured(world(), ref)
      if (world().live !== true) world().writeDisk(data.ref, 8)
      const to = { zone: source.placement.zone ?? '', devices: [data.deviceKey] }
      const made = await finished(world(), await world().run(snapshots.materialise(set, to, newContext())))
      expect(made).toHaveLength(1)
      const [extra] = made as readonly [DiskRef]
      const context = newContext()
      const readOnly = traits.readOnlyDisks.supported
      if (!readOnly) expect(await failureOf(world(), disks.plug(ref, extra, { readOnly: true }, newContext()))).toBe('invalid')
      const place = await untilSettled(world(), (fresh) => fresh.plug(ref, extra, { readOnly }, context))
      const beside = (await describeOf(world(), ref)).disks.find(({ ref: disk }) => disk.nativeId === extra.nativeId)
      expect(place).toMatchObject({ settled: true, inGuest: expect.arrayContaining([expect.stringMatching(/^\/dev\//)]) as string[] })
      expect(beside).toMatchObject({ deviceKey: place.settled && place.deviceKey, role: 'data', deleteWithInstance: false })
      if (world().live !== true) expect([world().readDisk(extra), world().readDisk(data.ref)]).toEqual([77, 8])
      expect(await failureOf(world(), snapshots.deleteDisk(extra, newContext()))).toBe('conflict')
      // A set without it has the others as they are now, and what is not plugged in is none of it anyway.
      const own = await finished(world(), await world().run(snapshots.capture(ref, newContext(), { without: [extra] })))
      const kept = await world().run(snapshots.get(own))
      expect(kept?.members.map(({ deviceKey }) => deviceKey)).toEqual(source.disks.map(({ deviceKey }) => deviceKey))
      expect(kept).toMatchObject({ state: 'usable' })
      await world().run(snapshots.delete(own, newContext()))
      const away = newContext()
      await untilSettled(world(), (fresh) => fresh.unplug(ref, extra, away))
      expect((await describeOf(world(), ref)).disks.map(({ ref: disk }) => disk.nativeId)).toEqual(source.disks.map(({ ref: disk }) => disk.nativeId))
      await world().run(snapshots.deleteDisk(extra, newContext()))
      // Gone, and so plugged in nowhere.
      expect(await world().run(disks.unplug(ref, extra, newContext()))).toEqual({ settled: true })
    })

    it('stay while it runs, and an unknown disk is refused', async ({ skip }) => {
      const { disks } = world().provider
      if (disks === undefined) return skip(noDisks)
      const ref = await world().makePrimary()
      const { disks: present } = await describeOf(world(), ref)
      expect(await failureOf(world(), disks.arrange(ref, placesOf(present), newContext()))).toBe('conflict')
      await stopped(world(), ref)
      const strange: DiskRef = { ...present[1]!.ref, nativeId: present[1]!.ref.nativeId.replace(/.{6}$/, '000000') } // a root and a data disk
      const places = [{ deviceKey: `${present[1]!.deviceKey}x`, disk: strange, deleteWithInstance: false }]
      expect(await failureOf(world(), disks.arrange(ref, places, newContext()))).toBe('not_found')
    })
  })
}

async function stopped(world: ConformanceWorld, ref: InstanceRef): Promise<void> {
  await finished(world, await world.run(world.provider.compute.stop(ref, {}, newContext())))
}

async function arranged(world: ConformanceWorld, ref: InstanceRef, places: readonly DiskPlace[]): Promise<void> {
  const context = newContext()
  await untilSettled(world, (disks) => disks.arrange(ref, places, context))
}

/** Each round by a process that has just started. */
async function untilSettled<Round extends { readonly settled: boolean }>(
  world: ConformanceWorld,
  work: (disks: Disks) => Promise<Round>,
): Promise<Round> {
  for (let round = 0; round < 120; round++) {
    const done = await world.run(work(world.freshProvider().disks!))
    if (done.settled) return done
    await world.advance(1000)
  }
  throw new Error('the disks did not come to where they should be')
}
