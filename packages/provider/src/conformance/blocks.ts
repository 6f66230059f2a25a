import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Block, BlockPage, Blocks } from '../capabilities/blocks.ts'
import type { DiskDna } from '../dna.ts'
import type { DiskRef, SnapshotRef } from '../refs.ts'
import { captured, describeOf, failureOf, newContext } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

const seconds = 3600

/** The bytes of snapshots. */
export function blockConformance(world: () => ConformanceWorld): void {
  describe('blocks of snapshots', () => {
    const reading = () => {
      const { blocks, traits } = world().provider
      return blocks === undefined || !traits.readSnapshots.supported ? undefined : { blocks, blockBytes: traits.readSnapshots.blockBytes }
    }
    const disk = (disks: readonly DiskDna[], role: 'root' | 'data'): DiskRef => disks.find((candidate) => candidate.role === role)!.ref // `makePrimary` gives both
    const membersOf = async (setId: string): Promise<{ readonly root: SnapshotRef; readonly data: SnapshotRef }> => {
      const set = await world().run(world().provider.snapshots!.get({ setId })) // who can read snapshots can take them
      const of = (role: 'root' | 'data'): SnapshotRef => set!.members.find((member) => member.role === role)!.snapshot // as just taken
      return { root: of('root'), data: of('data') }
    }

    it('say no with a reason, or can be read', () => {
      const { blocks, traits } = world().provider
      if (traits.readSnapshots.supported) expect(blocks).toBeDefined()
      else expect({ blocks, reason: traits.readSnapshots.reason.length > 20 }).toEqual({ blocks: undefined, reason: true })
    })

    it('have the bytes of the disk, and name what has changed since another snapshot of it, and nothing else', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside')
      const found = reading()
      if (found === undefined) return skip('the bytes of its snapshots cannot be read')
      const { blocks, blockBytes } = found
      const ref = await world().makePrimary()
      const { disks } = await describeOf(world(), ref)
      world().writeDisk(disk(disks, 'data'), 41)
      world().writeDisk(disk(disks, 'root'), 7)
      const first = await membersOf((await captured(world(), ref)).setId)
      world().writeDisk(disk(disks, 'data'), 42)
      const second = await membersOf((await captured(world(), ref)).setId)
      const snapshots = [first.root, first.data, second.root, second.data]
      await world().run(blocks.open(snapshots, { seconds }, newContext()))
      try {
        const [before, after] = [await whole(world(), blocks, first.data), await whole(world(), blocks, second.data)]
        expect(before.map(({ index }) => index)).toEqual([0])
        expect([await numberIn(blocks, first.data, before[0]!), await numberIn(blocks, second.data, after[0]!)]).toEqual([41, 42])
        const bytes = await world().run(blocks.read(second.data, after[0]!))
        expect(bytes.length).toBe(blockBytes)
        const changed = await whole(world(), blocks, second.data, first.data)
        expect(changed.map(({ index, cleared }) => ({ index, cleared }))).toEqual([{ index: 0, cleared: undefined }])
        expect(changed[0]!.keptBytes).toBeGreaterThan(0)
        expect(changed[0]!.keptBytes).toBeLessThanOrEqual(blockBytes)
        expect(sha(await world().run(blocks.read(second.data, changed[0]!)))).toBe(sha(bytes))
        expect(await whole(world(), blocks, second.root, first.root)).toEqual([])
        expect(await world().run(blocks.list(second.data, { from: 1 }))).toMatchObject({ blocks: [] })
      } finally {
        await world().run(blocks.close(snapshots, newContext()))
      }
    })

    it('are counted where the cloud lists them: those that have changed, and all', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside')
      const found = reading()
      const { snapshots } = world().provider
      if (found === undefined || snapshots?.countBytes === undefined) return skip('the cloud does not list blocks without being changed')
      const ref = await world().makePrimary()
      const { disks } = await describeOf(world(), ref)
      world().writeDisk(disk(disks, 'data'), 41)
      const first = await captured(world(), ref)
      world().writeDisk(disk(disks, 'data'), 42)
      const second = await captured(world(), ref)
      const alone = await world().run(snapshots.countBytes(first))
      expect(alone?.usedBytes).toBe(alone?.fullBytes)
      expect(alone?.usedBytes).toBeGreaterThanOrEqual(found.blockBytes)
      const counted = await world().run(snapshots.countBytes(second, { since: first }))
      expect(counted).toEqual({ usedBytes: found.blockBytes, fullBytes: alone?.fullBytes })
      expect(await world().run(snapshots.countBytes({ setId: 'a-set-that-is-not-there' }))).toBeUndefined()
    })

    it('of an instance with one disk can be read and compared as well', async ({ skip }) => {
      skip(world().live === true, 'nobody sees the bytes of a real disk from outside')
      const found = reading()
      if (found === undefined) return skip('the bytes of its snapshots cannot be read')
      const { blocks } = found
      const ref = await world().makePrimary({ dataDisk: false })
      const { disks } = await describeOf(world(), ref)
      const kept = async (value: number): Promise<SnapshotRef> => {
        world().writeDisk(disk(disks, 'root'), value)
        const set = await world().run(world().provider.snapshots!.get(await captured(world(), ref))) // as above
        return set!.members[0]!.snapshot // as just taken
      }
      const [first, second] = [await kept(51), await kept(52)]
      await world().run(blocks.open([first, second], { seconds }, newContext()))
      try {
        const [before] = await whole(world(), blocks, first)
        const changed = await whole(world(), blocks, second, first)
        expect(changed.map(({ index }) => index)).toEqual([0])
        expect([await numberIn(blocks, first, before!), await numberIn(blocks, second, changed[0]!)]).toEqual([51, 52])
      } finally {
        await world().run(blocks.close([first, second], newContext()))
      }
    })

    it('of another disk are of no line with it', async ({ skip }) => {
      const found = reading()
      if (found === undefined) return skip('the bytes of its snapshots cannot be read')
      const { blocks } = found
      const { data } = await membersOf((await captured(world(), await world().makePrimary())).setId)
      const { data: other } = await membersOf((await captured(world(), await world().makePrimary())).setId)
      await world().run(blocks.open([data, other], { seconds }, newContext()))
      try {
        expect(await world().run(blocks.list(data, { from: 0, since: other }))).toBe('unrelated')
      } finally {
        await world().run(blocks.close([data, other], newContext()))
      }
    })

    it('are gone with the snapshot; what was never open, and what is gone, can be closed', async ({ skip }) => {
      const found = reading()
      if (found === undefined) return skip('the bytes of its snapshots cannot be read')
      const { blocks } = found
      const set = await captured(world(), await world().makePrimary())
      const { data } = await membersOf(set.setId)
      await world().run(blocks.close([data], newContext()))
      await world().run(world().provider.snapshots!.delete(set, newContext())) // as above
      const asked = async (): Promise<unknown> => {
        await blocks.open([data], { seconds }, newContext())
        return blocks.list(data, { from: 0 })
      }
      expect(await failureOf(world(), asked())).toBe('not_found')
      await world().run(blocks.close([data], newContext()))
    })
  })
}

async function whole(world: ConformanceWorld, blocks: Blocks, snapshot: SnapshotRef, since?: SnapshotRef): Promise<readonly Block[]> {
  const found: Block[] = []
  for (let from: number | undefined = 0; from !== undefined;) {
    const page: BlockPage | 'unrelated' = await world.run(blocks.list(snapshot, { from, since }))
    if (page === 'unrelated') throw new Error('two snapshots of one disk are of no line')
    found.push(...page.blocks)
    from = page.next
  }
  return found
}

/** What `writeDisk` has written at the beginning: a small number, in one order of its bytes or the other. */
async function numberIn(blocks: Blocks, snapshot: SnapshotRef, block: Block): Promise<number> {
  const head = Buffer.from(await blocks.read(snapshot, block))
  return Math.min(head.readUInt32BE(), head.readUInt32LE())
}
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
