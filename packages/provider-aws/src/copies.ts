import type { Snapshot } from '@aws-sdk/client-ec2'
import type { CallContext, Copies, SnapshotCopy, SnapshotCopyRef, SnapshotSetRef } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { pause } from './freshness.ts'
import { lookBeforeRepeating } from './repeat.ts'
import { progressOf, snapshotsOf, sourceTag, stateOf, usableSnapshots } from './snapshot-sets.ts'
import { goneIsFine } from './snapshots.ts'
import { readTags, writeTags } from './tags.ts'

/** On a copy: the snapshot that it is of, and the device whose disk that was. EC2 gives a copy no volume by which to tell. */
const copyOfTag = 'understudy:copy-of'
const deviceTag = 'understudy:device'

/** Copies of EBS snapshots in other regions. Every call about a copy goes to EC2 in its region. */
export function awsCopies(adapter: Adapter): Copies {
  return {
    async regions() {
      const { Regions: regions = [] } = await adapter.calls.describeRegions({})
      return regions.flatMap(({ RegionName }) => (RegionName === undefined ? [] : [RegionName]))
    },
    copy: (set, { region }, context) => copy(adapter, set, region, context),
    get: async (ref) => copyOf(ref, await membersOf(adapter, ref)),
    async delete(ref, context) {
      const snapshots = await snapshotsOf(adapter, ref.copyId, ref.region)
      await Promise.all(snapshots.map(({ SnapshotId = '' }) => goneIsFine(adapter.calls.deleteSnapshot({ SnapshotId }, context.signal, ref.region))))
    },
  }
}

/** EC2 shows a new snapshot to a search by tag within seconds: what another process has just begun is not begun again. */
const lookAfterMs = [0, 2_000, 3_000] as const

/**
 * CopySnapshot takes no client token: what the key has made is looked for first, and again after an answer that was lost. One member after the
 * other, so that few are begun in vain when the region takes no more.
 */
async function copy(adapter: Adapter, set: SnapshotSetRef, region: string, context: CallContext): Promise<void> {
  const { scope, installation, calls } = adapter
  if (region === scope.region)
    throw providerError('invalid', 'SameRegion', `The snapshots are in ${region} already: a copy has to be in another region.`)
  const ref = { copyId: context.idempotencyKey, region }
  const wanted = await usableSnapshots(adapter, set)
  const begun = new Set<string>()
  for (const waitMs of lookAfterMs) {
    if (waitMs > 0) await pause(adapter.clock, waitMs, context.signal)
    for (const { source } of await membersOf(adapter, ref)) begun.add(source)
    if (begun.size === wanted.size) return
  }
  for (const [deviceKey, snapshotId] of wanted) {
    if (begun.has(snapshotId)) continue
    const tags = {
      ...creationTags(context, installation),
      [copyOfTag]: snapshotId,
      [deviceTag]: deviceKey,
      [sourceTag]: `${scope.region}/${set.setId}`,
    }
    const input = {
      SourceRegion: scope.region,
      SourceSnapshotId: snapshotId,
      Description: `Understudy: a copy of ${snapshotId} from ${scope.region}`,
      TagSpecifications: [{ ResourceType: 'snapshot' as const, Tags: writeTags(tags) }],
    }
    await lookBeforeRepeating(adapter, {
      attempt: async () => {
        await calls.copySnapshot(input, region, context.signal)
        return true
      },
      look: async () => ((await membersOf(adapter, ref)).some(({ source }) => source === snapshotId) ? true : undefined),
      signal: context.signal,
    })
  }
}

interface Member {
  readonly snapshot: Snapshot
  readonly deviceKey: string
  readonly source: string
}

async function membersOf(adapter: Adapter, { copyId, region }: SnapshotCopyRef): Promise<readonly Member[]> {
  const snapshots = await snapshotsOf(adapter, copyId, region)
  return snapshots.map((snapshot) => {
    const { [deviceTag]: deviceKey = '', [copyOfTag]: source = '' } = readTags(snapshot.Tags)
    return { snapshot, deviceKey, source }
  })
}

function copyOf(ref: SnapshotCopyRef, found: readonly Member[]): SnapshotCopy | undefined {
  if (found.length === 0) return undefined
  const members = found
    .map(({ snapshot, deviceKey, source }) => ({
      ...{ deviceKey, source, nativeId: snapshot.SnapshotId ?? '', state: stateOf(snapshot), sizeGiB: snapshot.VolumeSize ?? 0 },
    }))
    .toSorted((a, b) => (a.deviceKey < b.deviceKey ? -1 : 1))
  return {
    ref,
    state: (['failed', 'pending', 'usable'] as const).find((state) => members.some((member) => member.state === state)) ?? 'failed',
    progressPercent: Math.min(...found.map(({ snapshot }) => progressOf(snapshot))),
    members,
  }
}
