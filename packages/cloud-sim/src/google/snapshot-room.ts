import { blockBytes } from '../datacentre/block-store-layers.ts'
import type { Project, SnapshotRecord } from './project.ts'

/** So long Google counts what a snapshot takes, after it is there and after the one before it has gone. */
const countingMs = 180_000

/** `storageBytes` and its status, as a snapshot shows them: while it is counted, the number of before. */
export function roomView(project: Project, record: SnapshotRecord): object {
  const kept = project.dataCentre.storage.getSnapshot(record.snapshotId)
  const at = project.dataCentre.now()
  const isNew = kept?.completedAtMs === undefined || at < kept.completedAtMs + countingMs
  const { inherited } = record
  if (isNew) return shown(0, 'UPDATING')
  if (inherited !== undefined && at < inherited.atMs + countingMs) return shown(inherited.bytesBefore, 'UPDATING')
  return shown(bytesOf(project, record), 'UP_TO_DATE')
}

/** Before one is deleted: the next one of its disk is about to keep what both have in common. */
export function leaveTo(project: Project, record: SnapshotRecord): void {
  const all = ofDisk(project, record)
  const next = all[all.indexOf(record) + 1]
  if (next !== undefined) next.inherited = { atMs: project.dataCentre.now(), bytesBefore: bytesOf(project, next) }
}

const shown = (bytes: number, storageBytesStatus: 'UPDATING' | 'UP_TO_DATE'): object => ({ storageBytes: String(bytes), storageBytesStatus })

/** What it has and the one before it has not. Nothing is compressed, as it would be in a real one. */
function bytesOf(project: Project, record: SnapshotRecord): number {
  const { blocks } = project.dataCentre
  const all = ofDisk(project, record)
  const before = all[all.indexOf(record) - 1]
  const written = blocks.written(record.snapshotId)
  const changed = before === undefined ? undefined : blocks.differing(before.snapshotId, record.snapshotId)
  if (changed === undefined) return written.length * blockBytes
  const own = new Set(written)
  return changed.filter((block) => own.has(block)).length * blockBytes
}

/** In the order in which they were taken. */
const ofDisk = (project: Project, { disk }: SnapshotRecord): readonly SnapshotRecord[] =>
  project.snapshots.filter((other) => other.disk.id === disk.id)
