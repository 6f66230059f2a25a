import { ownTags } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { Copies, SnapshotCopyRef } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import type { Snapshot } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { ignoringGone, stateOf, usableSnapshots } from './snapshots.ts'

const copyOfTag = 'understudy:copy-of'
const deviceTag = 'understudy:device'
/** What another process has just begun may be shown to a search by tag late. */
const lookAfterMs = [0, 2_000, 3_000]

/** Copies of snapshots in the regions beside the data centre's. */
export function simCopies(adapter: SimAdapter): Copies {
  const { dc } = adapter
  const membersOf = async ({ copyId, region }: SnapshotCopyRef): Promise<readonly Snapshot[]> => {
    const filters = [{ name: `tag:${ownTags.operation}`, values: [copyId] }]
    return (await adapter.call('DescribeSnapshots', () => dc.storage.describeSnapshots({ filters }, region), { effect: 'read' })).items
  }
  return {
    regions: () => adapter.call('DescribeRegions', () => [dc.region, ...dc.otherRegions], { effect: 'read' }),
    async copy(set, { region }, context) {
      if (region === dc.region) throw providerError('invalid', 'SameRegion', `The snapshots are in ${region} already.`)
      const ref = { copyId: context.idempotencyKey, region }
      const isBegun = async (snapshotId: string) => (await membersOf(ref)).some(({ tags }) => tags[copyOfTag] === snapshotId)
      const wanted = await usableSnapshots(adapter, set)
      const begun = new Set<string | undefined>()
      for (const waitMs of lookAfterMs) {
        if (waitMs > 0) await adapter.pause(waitMs, context.signal)
        for (const { tags } of await membersOf(ref)) begun.add(tags[copyOfTag])
        if (begun.size === wanted.size) return
      }
      for (const [deviceKey, snapshotId] of wanted) {
        if (begun.has(snapshotId)) continue
        const tags = { ...creationTags(context, adapter.installation), [copyOfTag]: snapshotId, [deviceTag]: deviceKey }
        const begin = () => dc.storage.copySnapshot({ snapshotId, region, tags })
        await adapter.lookBeforeRepeating(
          () => adapter.call('CopySnapshot', begin, { effect: 'once' }, context.signal).then(() => true),
          async () => ((await isBegun(snapshotId)) ? true : undefined),
          context.signal,
        )
      }
    },
    async get(ref) {
      const found = await membersOf(ref)
      if (found.length === 0) return undefined
      const members = found
        .map((snapshot) => ({
          ...{ deviceKey: snapshot.tags[deviceTag] ?? '', source: snapshot.tags[copyOfTag] ?? '', nativeId: snapshot.snapshotId },
          ...{ state: stateOf(snapshot), sizeGiB: snapshot.sizeGiB },
        }))
        .toSorted((a, b) => (a.deviceKey < b.deviceKey ? -1 : 1))
      return {
        ref,
        state: (['failed', 'pending', 'usable'] as const).find((state) => members.some((member) => member.state === state)) ?? 'failed',
        progressPercent: Math.min(...found.map((snapshot) => dc.storage.progressPercent(snapshot))),
        members,
      }
    },
    async delete(ref, context) {
      for (const { snapshotId } of await membersOf(ref)) {
        const remove = () => dc.storage.deleteSnapshot(snapshotId, ref.region)
        await ignoringGone(adapter.call('DeleteSnapshot', remove, { effect: 'repeatable' }, context.signal))
      }
    },
  }
}
