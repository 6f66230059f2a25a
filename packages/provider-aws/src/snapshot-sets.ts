import type { Snapshot } from '@aws-sdk/client-ec2'
import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { SnapshotSet, SnapshotSetRef, SnapshotState } from '@understudy/provider'
import { instanceRef, snapshotRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import type { SnapshotsByDevice } from './launch.ts'
import { readTags } from './tags.ts'

/** Instance that a snapshot was taken of. */
export const sourceTag = 'understudy:source'
/** `device=volume` pairs of the whole set, the root first. Tags written by the call that takes the set are part of its effect. */
const disksTag = 'understudy:disks'
const maxTagValue = 256

interface DiskOfSet {
  readonly deviceKey: string
  readonly volumeId: string
}

/** The tags that let a set be read without anything else: which instance, and which volume was plugged in where. */
export function setTags(source: string, disks: readonly DiskOfSet[]): Labels {
  const values: string[] = ['']
  for (const { deviceKey, volumeId } of disks) {
    const pair = `${deviceKey}=${volumeId}`
    const last = values.at(-1) ?? ''
    if (last.length + 1 + pair.length > maxTagValue) values.push(pair)
    else values[values.length - 1] = last === '' ? pair : `${last} ${pair}`
  }
  return { [sourceTag]: source, ...Object.fromEntries(values.map((value, index) => [index === 0 ? disksTag : `${disksTag}.${index}`, value])) }
}

function readSetTags(tags: Labels): readonly DiskOfSet[] {
  const values: string[] = []
  for (let index = 0; ; index++) {
    const value = tags[index === 0 ? disksTag : `${disksTag}.${index}`]
    if (value === undefined) break
    values.push(...value.split(' '))
  }
  return values.flatMap((pair) => {
    const [deviceKey = '', volumeId = ''] = pair.split('=')
    return volumeId === '' ? [] : [{ deviceKey, volumeId }]
  })
}

/** The snapshots that one key made, here or in another region. */
export async function snapshotsOf({ calls }: Pick<Adapter, 'calls'>, key: string, region?: string): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = []
  let nextToken: string | undefined
  do {
    const input = {
      OwnerIds: ['self'],
      Filters: [{ Name: `tag:${ownTags.operation}`, Values: [key] }],
      MaxResults: 1000,
      ...(nextToken === undefined ? {} : { NextToken: nextToken }),
    }
    const page = await calls.describeSnapshots(input, region)
    snapshots.push(...(page.Snapshots ?? []))
    nextToken = page.NextToken === '' ? undefined : page.NextToken
  } while (nextToken !== undefined)
  return snapshots
}

export async function readSet(adapter: Adapter, ref: SnapshotSetRef): Promise<SnapshotSet | undefined> {
  return setOf(adapter, ref, await snapshotsOf(adapter, ref.setId))
}

export function setOf({ scope }: Adapter, ref: SnapshotSetRef, snapshots: readonly Snapshot[]): SnapshotSet | undefined {
  const [first] = snapshots
  if (first === undefined) return undefined
  const tags = readTags(first.Tags)
  const disks = readSetTags(tags)
  const members = snapshots
    .map((snapshot) => {
      const index = disks.findIndex(({ volumeId }) => volumeId === snapshot.VolumeId)
      return {
        deviceKey: disks[index]?.deviceKey ?? '',
        role: index === 0 ? ('root' as const) : ('data' as const),
        snapshot: snapshotRef(scope, snapshot.SnapshotId ?? ''),
        state: stateOf(snapshot),
        sizeGiB: snapshot.VolumeSize ?? 0,
      }
    })
    .toSorted((a, b) => (a.role === b.role ? (a.deviceKey < b.deviceKey ? -1 : 1) : a.role === 'root' ? -1 : 1))
  // One member that was deleted makes the set useless: it could only restore a part.
  const isWhole = members.length >= disks.length
  const worst = (['failed', 'pending', 'usable'] as const).find((state) => members.some((member) => member.state === state)) ?? 'failed'
  return {
    ref,
    source: instanceRef(scope, tags[sourceTag] ?? ''),
    takenAt: new Date(Math.min(...snapshots.map(({ StartTime }) => StartTime?.getTime() ?? 0))).toISOString(),
    consistency: 'crash',
    state: isWhole ? worst : 'failed',
    progressPercent: Math.min(...snapshots.map(progressOf)),
    members,
  }
}

export const progressOf = (snapshot: Snapshot): number => (stateOf(snapshot) === 'usable' ? 100 : Number.parseInt(snapshot.Progress ?? '0', 10) || 0)

export function stateOf(snapshot: Snapshot): SnapshotState {
  if (snapshot.State === 'completed') return 'usable'
  return snapshot.State === 'pending' ? 'pending' : 'failed'
}

/** Snapshot ids by device name, of a set that can be used; throws `conflict` while it cannot, `not_found` when it is gone. */
export async function usableSnapshots(adapter: Adapter, ref: SnapshotSetRef): Promise<SnapshotsByDevice> {
  const set = await readSet(adapter, ref)
  if (set === undefined) throw providerError('not_found', 'SnapshotSet.NotFound', `There is no snapshot set ${ref.setId}.`)
  if (set.state !== 'usable')
    throw providerError('conflict', 'SnapshotSet.NotUsable', `The snapshot set ${ref.setId} is ${set.state}, ${set.progressPercent} % done.`)
  return new Map(set.members.map(({ deviceKey, snapshot }) => [deviceKey, snapshot.nativeId]))
}
