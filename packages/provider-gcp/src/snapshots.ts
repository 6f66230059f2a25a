import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, DiskRef, InstanceRef, OperationHandle, OperationStatus, SnapshotSetRef, Snapshots } from '@understudy/provider'
import { chosenOf, creationTags, failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import type { Poller } from '@understudy/provider/adapter-kit'
import { diskIdOf, diskRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import type { Disk, Instance } from './clients.ts'
import { dropGroup, instantsOf, sharedGroup, takeGroup } from './consistency-group.ts'
import { originOf, writeNote } from './disk-notes.ts'
import type { SnapshotNote } from './disk-notes.ts'
import { failureOf, isDone, pollNamed, untilDone } from './handles.ts'
import { existing, unlessGone } from './instance-reader.ts'
import { idOf, zoneOf } from './instance-state.ts'
import { writeLabels } from './label-text.ts'
import { diskUrl, keyWithoutVersion, lastPart, nameOf, requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'
import { isWhole, membersOf, setOf, storedBytesOf, usableMembers } from './snapshot-sets.ts'
import { regionZones } from './zones.ts'

const captureVerb = 'snapshots.capture'
const materialiseVerb = 'snapshots.materialise'

/** One disk to be snapshotted, as a handle carries it. */
interface Planned extends SnapshotNote {
  readonly disk: string
  readonly kmsKey?: string
}

/**
 * Crash-consistent sets of standard snapshots, which every zone can use. One disk is snapshotted by itself; several of one moment go
 * by way of instant snapshots of a consistency group, which are exported and removed.
 */
export function gcpSnapshots(adapter: Adapter): { readonly snapshots: Snapshots; readonly pollers: Readonly<Record<string, Poller>> } {
  return {
    snapshots: {
      capture: (ref, context, { without = [] } = {}) => capture(adapter, ref, context, without),
      get: async (set) => setOf(adapter, set, await membersOf(adapter, set.setId)),
      storedBytes: async ({ setId }) => storedBytesOf(await membersOf(adapter, setId)),
      materialise: (set, to, context) => materialise(adapter, set, to, context),
      delete: (set, context) => deleteSet(adapter, set, context),
      deleteDisk: (disk, context) => deleteDisk(adapter, disk, context),
    },
    pollers: {
      [captureVerb]: (handle) => pollCapture(adapter, handle),
      [materialiseVerb]: (handle) => pollMaterialise(adapter, handle),
    },
  }
}

async function capture(
  adapter: Adapter,
  ref: InstanceRef,
  context: CallContext,
  without: readonly DiskRef[],
): Promise<OperationHandle<SnapshotSetRef>> {
  const setId = context.idempotencyKey
  const made = await membersOf(adapter, setId)
  if (isWhole(made)) return handleOf(adapter, captureVerb, context, { setId, zone: made[0]?.note.zone ?? '', disks: [] })
  const instance = await existing(adapter, ref, context)
  const zone = zoneOf(instance)
  const leftOut = new Set(without.map((disk) => diskIdOf(disk)))
  const disks = (await disksOf(adapter, instance)).filter(({ id }) => !leftOut.has(String(id)))
  const plan = planOf(instance, disks)
  const [only] = plan
  if (only === undefined) throw providerError('unsupported', 'NoDisks', `${instance.name} has no persistent disk that could be snapshotted.`)
  const handle = (more: { readonly operation?: string }): OperationHandle<SnapshotSetRef> =>
    handleOf(adapter, captureVerb, context, { setId, zone, disks: plan.map((disk) => ({ ...disk, origin: { ...disk.origin } })), ...more })
  if (plan.length > 1) {
    const group = await sharedGroup(adapter, instance, disks, context)
    await takeGroup(adapter, instance, group, context)
    return handle({})
  }
  const operation = await insertMember(adapter, setId, only, { sourceDisk: diskUrl(adapter.scope.account, zone, only.disk) }, context)
  return handle({ operation: operation.name ?? '' })
}

async function disksOf({ calls }: Adapter, instance: Instance): Promise<readonly Disk[]> {
  const sources = (instance.disks ?? []).flatMap(({ source }) => source ?? [])
  if (sources.some((source) => source.includes('/regions/')))
    throw providerError('unsupported', 'RegionalDisk', `${instance.name} has a regional disk, which is in no consistency group of a zone.`)
  return await Promise.all(sources.map((source) => calls.getDisk(zoneOf(instance), lastPart(source))))
}

function planOf(instance: Instance, disks: readonly Disk[]): readonly Planned[] {
  const attached = new Map((instance.disks ?? []).map((disk) => [lastPart(disk.source), disk]))
  return disks.map((disk): Planned => {
    const { boot, deviceName } = attached.get(disk.name ?? '') ?? {}
    const kmsKey = disk.diskEncryptionKey?.kmsKeyName
    return {
      disk: disk.name ?? '',
      ...(kmsKey ? { kmsKey: keyWithoutVersion(kmsKey) } : {}),
      source: idOf(instance),
      zone: zoneOf(instance),
      device: deviceName ?? '',
      role: boot === true ? 'root' : 'data',
      of: disks.length,
      type: lastPart(disk.type),
      ...(Number(disk.provisionedIops ?? 0) > 0 ? { iops: Number(disk.provisionedIops) } : {}),
      ...(Number(disk.provisionedThroughput ?? 0) > 0 ? { throughputMiBps: Number(disk.provisionedThroughput) } : {}),
      origin: originOf(disk),
    }
  })
}

type Source = { readonly sourceDisk: string } | { readonly sourceInstantSnapshot: string }

async function insertMember(
  adapter: Adapter,
  setId: string,
  { disk, kmsKey, ...note }: Planned,
  source: Source,
  { tags, signal }: Pick<CallContext, 'tags' | 'signal'>,
) {
  const labels = writeLabels(creationTags({ idempotencyKey: setId, tags, actor: '', priority: 'background' }, adapter.installation))
  const resource = {
    name: nameOf(setId, disk),
    description: writeNote(note),
    labels,
    ...source,
    ...(kmsKey === undefined ? {} : { snapshotEncryptionKey: { kmsKeyName: kmsKey } }),
  }
  const requested = { requestId: requestIdOf(setId, `snapshot ${disk}`), signal }
  return await repeatSafely(adapter, () => adapter.calls.insertSnapshot(resource, requested), signal)
}

async function pollCapture(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<SnapshotSetRef>> {
  const setId = textOf(handle, 'setId')
  const zone = textOf(handle, 'zone')
  const operation = handle.native['operation']
  if (typeof operation === 'string') {
    const unfinished = await pollNamed(adapter, undefined, operation)
    if (unfinished?.phase === 'failed') return unfinished
  }
  const members = await membersOf(adapter, setId)
  const plan = planIn(handle)
  if (!isWhole(members))
    return plan.length > 1 ? await exportMissing(adapter, { setId, zone, plan, made: members.length }) : singleMissing(setId, operation)
  const set = setOf(adapter, { setId }, members)
  if (set?.state === 'pending') return running('UPLOADING', 2_000, set.progressPercent)
  // A capture that was repeated after a crash has found its snapshots whole, and plans none; what they were made of may still be there.
  if (members.length > 1) await dropGroup(adapter, zone, setId)
  if (set?.state === 'usable') return succeeded({ setId })
  return failed(providerError('unknown', 'SnapshotFailed', `Google could not complete the snapshot set ${setId}.`))
}

const singleMissing = (setId: string, operation: unknown): OperationStatus<SnapshotSetRef> =>
  failed(providerError('not_found', 'SnapshotSet.NotFound', `The snapshots of set ${setId} do not exist any more (${String(operation)}).`))

/** Makes a standard snapshot of each instant one. Repeated by each poll until all are there; names and request ids keep it at one each. */
async function exportMissing(
  adapter: Adapter,
  { setId, zone, plan, made }: { readonly setId: string; readonly zone: string; readonly plan: readonly Planned[]; readonly made: number },
): Promise<OperationStatus<SnapshotSetRef>> {
  const group = await instantsOf(adapter, zone, setId)
  if (group === undefined)
    return failed(providerError('not_found', 'SnapshotSet.NotFound', `The snapshot set ${setId} does not exist (any more), or only a part of it.`))
  if (group.status === 'FAILED' || group.status === 'INVALID')
    return failed(providerError('unknown', 'SnapshotFailed', `Google could not snapshot the disks of set ${setId} at one moment: ${group.status}.`))
  const byDisk = new Map(group.instants.map((instant) => [lastPart(instant.sourceDisk), instant]))
  if (plan.some(({ disk }) => byDisk.get(disk)?.status !== 'READY')) return running('CREATING')
  for (const planned of plan) {
    const instant = byDisk.get(planned.disk)
    const takenAt = instant?.creationTimestamp ?? ''
    try {
      const source = { sourceInstantSnapshot: `projects/${adapter.scope.account}/zones/${zone}/instantSnapshots/${instant?.name}` }
      const accepted = await insertMember(adapter, setId, { ...planned, takenAt }, source, { tags: {} })
      const failure = isDone(accepted) ? failureOf(accepted) : undefined
      if (failure !== undefined) return failed(failure)
    } catch (error) {
      if (!isProviderError(error, 'already_exists')) throw error
    }
  }
  return running('UPLOADING', 2_000, Math.round((made / plan.length) * 100))
}

function planIn(handle: OperationHandle): readonly Planned[] {
  const disks = handle.native['disks']
  return Array.isArray(disks) ? (disks as unknown as readonly Planned[]) : [] // written by `capture`
}

async function materialise(
  adapter: Adapter,
  set: SnapshotSetRef,
  { zone, devices }: Parameters<Snapshots['materialise']>[1],
  context: CallContext,
): Promise<OperationHandle<readonly DiskRef[]>> {
  const members = chosenOf(await usableMembers(adapter, set), ({ note }) => note.device, devices)
  const labels = writeLabels(creationTags(context, adapter.installation))
  const disks = await Promise.all(
    members.map(async ({ snapshot, note }) => {
      const name = nameOf(context.idempotencyKey, note.device)
      const kmsKey = snapshot.snapshotEncryptionKey?.kmsKeyName
      const resource: Disk = {
        name,
        description: writeNote({ origin: note.origin }),
        labels,
        sourceSnapshot: `global/snapshots/${snapshot.name}`,
        type: `zones/${zone}/diskTypes/${note.type}`,
        ...(note.iops === undefined ? {} : { provisionedIops: String(note.iops) }),
        ...(note.throughputMiBps === undefined ? {} : { provisionedThroughput: String(note.throughputMiBps) }),
        ...(kmsKey ? { diskEncryptionKey: { kmsKeyName: keyWithoutVersion(kmsKey) } } : {}),
      }
      const requested = { requestId: requestIdOf(context.idempotencyKey, `disk ${name} ${zone}`), signal: context.signal }
      try {
        const operation = await repeatSafely(adapter, () => adapter.calls.insertDisk(zone, resource, { zone }, requested), context.signal)
        return { name, operation: operation.name ?? '' }
      } catch (error) {
        if (!isProviderError(error, 'already_exists')) throw error
        return { name, operation: '' }
      }
    }),
  )
  return handleOf(adapter, materialiseVerb, context, { zone, disks })
}

async function pollMaterialise(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<readonly DiskRef[]>> {
  const zone = textOf(handle, 'zone')
  const planned = handle.native['disks'] as unknown as readonly { readonly name: string; readonly operation: string }[] // written above
  const found = await Promise.all(
    planned.map(async ({ name, operation }) => {
      const status = operation === '' ? undefined : await pollNamed(adapter, zone, operation, { zone })
      return { name, status, disk: status === undefined ? await unlessGone(adapter.calls.getDisk(zone, name)) : undefined }
    }),
  )
  const broken = found.find(({ status }) => status?.phase === 'failed')?.status
  if (broken !== undefined) return broken
  const unfinished = found.find(({ status }) => status !== undefined)?.status
  if (unfinished !== undefined) return unfinished
  const lost = found.find(({ disk }) => disk === undefined || disk.status === 'FAILED' || disk.status === 'DELETING')
  if (lost !== undefined) return failed(providerError('not_found', 'Disk.NotFound', `The disk ${lost.name} does not exist (any more).`))
  if (found.some(({ disk }) => disk?.status !== 'READY')) return running('CREATING')
  return succeeded(found.map(({ disk }) => diskRef(adapter.scope, String(disk?.id ?? ''), zone)))
}

async function deleteSet(adapter: Adapter, { setId }: SnapshotSetRef, context: CallContext): Promise<void> {
  const members = await membersOf(adapter, setId)
  await Promise.all(
    members.map(async ({ snapshot: { name } }) => {
      const requested = { requestId: requestIdOf(context.idempotencyKey, `delete ${name}`), signal: context.signal }
      const accepted = await unlessGone(repeatSafely(adapter, () => adapter.calls.deleteSnapshot(name ?? '', requested), context.signal))
      if (accepted !== undefined) await untilDone(adapter, accepted, context.signal)
    }),
  )
  // A capture that was given up may have left its group behind, and where it was only a member says.
  const zones = members[0] === undefined ? await regionZones(adapter) : [members[0].note.zone]
  await Promise.all(zones.map((zone) => dropGroup(adapter, zone, setId, context.signal)))
}

async function deleteDisk(adapter: Adapter, ref: DiskRef, context: CallContext): Promise<void> {
  const id = diskIdOf(ref)
  if (id === undefined || ref.zone === undefined) throw providerError('invalid', 'NoDisk', `${ref.nativeId} is no disk with its zone.`)
  const { zone } = ref
  const requested = { requestId: requestIdOf(context.idempotencyKey, `delete ${ref.nativeId}`), signal: context.signal }
  const accepted = await unlessGone(repeatSafely(adapter, () => adapter.calls.deleteDisk(zone, id, requested), context.signal))
  if (accepted !== undefined) await untilDone(adapter, accepted, context.signal)
}
