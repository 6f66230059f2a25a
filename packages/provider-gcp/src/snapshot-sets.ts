import { ownTags } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { SnapshotSet, SnapshotSetRef, SnapshotState } from '@understudy/provider'
import { instanceRef, snapshotRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { noteOf } from './disk-notes.ts'
import type { SnapshotNote } from './disk-notes.ts'
import { labelFilter } from './label-text.ts'
import type { Snapshot } from './storage-calls.ts'

export interface Member {
  readonly snapshot: Snapshot
  readonly note: SnapshotNote
}

/** The snapshots that one key made, the root first, then by device. */
export async function membersOf({ calls }: Adapter, key: string): Promise<readonly Member[]> {
  const members: Member[] = []
  for await (const snapshot of calls.listSnapshots(labelFilter({ [ownTags.operation]: key }))) {
    const note = noteOf(snapshot)
    if (note !== undefined && snapshot.status !== 'DELETING') members.push({ snapshot, note })
  }
  return members.toSorted(({ note: a }, { note: b }) => (a.role === b.role ? (a.device < b.device ? -1 : 1) : a.role === 'root' ? -1 : 1))
}

/** One member that was never taken, or was deleted, makes the set useless: it could only restore a part. */
export const isWhole = (members: readonly Member[]): boolean => members.length > 0 && members.length >= (members[0]?.note.of ?? 0)

export function setOf({ scope }: Adapter, ref: SnapshotSetRef, members: readonly Member[]): SnapshotSet | undefined {
  const [first] = members
  if (first === undefined) return undefined
  const states = members.map(({ snapshot }) => stateOf(snapshot))
  const worst = (['failed', 'pending', 'usable'] as const).find((state) => states.includes(state)) ?? 'failed'
  return {
    ref,
    source: instanceRef(scope, first.note.source, first.note.zone),
    takenAt: new Date(Math.min(...members.map(({ snapshot, note }) => Date.parse(note.takenAt ?? snapshot.creationTimestamp ?? '')))).toISOString(),
    consistency: 'crash',
    state: isWhole(members) ? worst : 'failed',
    // Google does not say how far an upload is.
    progressPercent: Math.round((states.filter((state) => state === 'usable').length / first.note.of) * 100),
    members: members.map(({ snapshot, note }) => ({
      deviceKey: note.device,
      role: note.role,
      snapshot: snapshotRef(scope, String(snapshot.id ?? '')),
      state: stateOf(snapshot),
      sizeGiB: Number(snapshot.diskSizeGb ?? 0),
    })),
  }
}

function stateOf({ status }: Snapshot): SnapshotState {
  if (status === 'READY') return 'usable'
  return status === 'CREATING' || status === 'UPLOADING' ? 'pending' : 'failed'
}

/** The members of a set that can be used; throws `conflict` while it cannot, `not_found` when it is gone. */
export async function usableMembers(adapter: Adapter, ref: SnapshotSetRef): Promise<readonly Member[]> {
  const members = await membersOf(adapter, ref.setId)
  const set = setOf(adapter, ref, members)
  if (set === undefined) throw providerError('not_found', 'SnapshotSet.NotFound', `There is no snapshot set ${ref.setId}.`)
  if (set.state !== 'usable')
    throw providerError('conflict', 'SnapshotSet.NotUsable', `The snapshot set ${ref.setId} is ${set.state}, ${set.progressPercent} % done.`)
  return members
}

/** Google counts after the fact, and again when a neighbour goes: while it does, the number of before stands there. */
export function storedBytesOf(members: readonly Member[]): number | undefined {
  if (!isWhole(members)) return undefined
  const isCounted = members.every(({ snapshot }) => stateOf(snapshot) === 'usable' && snapshot.storageBytesStatus === 'UP_TO_DATE')
  return isCounted ? members.reduce((sum, { snapshot }) => sum + Number(snapshot.storageBytes ?? 0), 0) : undefined
}
