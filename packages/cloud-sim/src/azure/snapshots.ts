import type { JsonObject } from '@understudy/core'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, at, needText, ok, oneOf, tagsOf, textAt } from './call.ts'
import { begin } from './operations.ts'
import { breakCopiesOf, copyOfSnapshot } from './snapshot-copies.ts'
import type { DiskRecord, SnapshotRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Compute/snapshots'
/**
 * Of one disk: seven incremental snapshots in five minutes, and 500 at all; of one whose copies are made in the background, three at once. What
 * Azure refuses more with is not documented.
 * https://learn.microsoft.com/azure/virtual-machines/disks-incremental-snapshots#restrictions
 */
const [burst, burstMs, ofDiskMax, inProgressMax] = [7, 300_000, 500, 3]
/** Snapshots of these are incremental only, and can be used when their copy is complete; those of others can be used at once. */
const copiedInBackground = new Set(['PremiumV2_LRS', 'UltraSSD_LRS'])
export const isCopiedInBackground = ({ sku }: Pick<DiskRecord, 'sku'>): boolean => copiedInBackground.has(sku)

type Source = Pick<SnapshotRecord, 'sourceDiskId' | 'sourceSku' | 'osType' | 'family' | 'snapshotId' | 'sizeGiB' | 'takenAtMs' | 'copyOf'>

const snapshotIdOf = (call: ArmCall): string => idOf(call, type, call.params['name'] ?? '')

export function requireSnapshot(call: ArmCall): SnapshotRecord {
  const found = call.state.snapshots.get(snapshotIdOf(call).toLowerCase())
  if (found === undefined) throw notFound(snapshotIdOf(call))
  return found
}

/** Made once under its name: afterwards only tags change. */
export async function putSnapshot(call: ArmCall): Promise<ArmReply> {
  const id = snapshotIdOf(call)
  const location = needText(call.body, 'location')
  oneOf(call.body, 'properties.creationData.createOption', ['Copy', 'CopyStart'])
  oneOf(call.body, 'sku.name', ['Standard_LRS', 'Premium_LRS', 'Standard_ZRS'])
  const sourceId = needText(call.body, 'properties.creationData.sourceResourceId')
  const incremental = at(call.body, 'properties.incremental') === true
  return await call.dataCentre.invoke('Snapshots_CreateOrUpdate', () => {
    const existing = call.state.snapshots.get(id.toLowerCase())
    if (existing !== undefined) {
      if ((existing.copyOf ?? existing.sourceDiskId).toLowerCase() !== sourceId.toLowerCase()) throw unchangeable('snapshot.creationData')
      if (existing.incremental !== incremental) throw unchangeable('snapshot.incremental')
      existing.tags = tagsOf(call.body)
      return ok(snapshotBody(call, existing))
    }
    const isCopy = textAt(call.body, 'properties.creationData.createOption') === 'CopyStart'
    const what = { sourceId, location, incremental }
    const snapshot: SnapshotRecord = {
      id,
      name: call.params['name'] ?? '',
      location,
      sku: textAt(call.body, 'sku.name') ?? 'Standard_LRS',
      incremental,
      ...(isCopy ? copyOfSnapshot(call, what) : snapshotOfDisk(call, what)),
      createdAtMs: call.dataCentre.now(),
      tags: tagsOf(call.body),
    }
    call.state.snapshots.set(id.toLowerCase(), snapshot)
    // The copy goes on behind an operation that has ended.
    return begin(call, () => 'Succeeded', { status: 202, body: snapshotBody(call, snapshot) })
  })
}

function snapshotOfDisk(
  call: ArmCall,
  { sourceId, location, incremental }: { readonly sourceId: string; readonly location: string; readonly incremental: boolean },
): Source {
  const disk = call.state.disks.get(sourceId.toLowerCase())
  if (disk === undefined) throw notFound(sourceId)
  if (disk.location.toLowerCase() !== location.toLowerCase())
    throw new ArmError(400, 'InvalidParameter', `The snapshot is to be in ${location}, and the disk ${disk.name} is in ${disk.location}.`)
  if (incremental) checkPace(call, disk)
  else if (isCopiedInBackground(disk))
    throw new ArmError(400, 'OperationNotAllowed', `Disks of the kind ${disk.sku} have incremental snapshots only.`)
  const { snapshotId } = call.dataCentre.storage.createSnapshot({ volumeId: disk.volumeId, isUsableAtOnce: !isCopiedInBackground(disk) })
  return {
    ...{ sourceDiskId: disk.id, sourceSku: disk.sku, osType: textAt(call.body, 'properties.osType'), snapshotId, sizeGiB: disk.sizeGiB },
    family: (incremental ? familyOf(call, disk) : undefined) ?? call.state.newId(),
    takenAtMs: call.dataCentre.now(),
  }
}

const unchangeable = (property: string): ArmError => new ArmError(409, 'PropertyChangeNotAllowed', `Changing property '${property}' is not allowed.`)

const incrementalOf = (call: ArmCall, disk: DiskRecord): readonly SnapshotRecord[] =>
  [...call.state.snapshots.values()].filter(
    ({ incremental, sourceDiskId, copyOf }) => incremental && copyOf === undefined && sourceDiskId === disk.id,
  )
const familyOf = (call: ArmCall, disk: DiskRecord): string | undefined => incrementalOf(call, disk)[0]?.family

function checkPace(call: ArmCall, disk: DiskRecord): void {
  const present = incrementalOf(call, disk)
  if (present.length >= ofDiskMax)
    throw new ArmError(409, 'OperationNotAllowed', `The quota of ${ofDiskMax} incremental snapshots of the disk ${disk.name} is exceeded.`)
  const oldest = present.filter(({ createdAtMs }) => createdAtMs > call.dataCentre.now() - burstMs).map(({ createdAtMs }) => createdAtMs)
  if (oldest.length >= burst)
    throw new ArmError(429, 'TooManyRequests', `Too many incremental snapshots of the disk ${disk.name} were made within five minutes.`, {
      retryAfterSeconds: Math.max(1, Math.ceil((Math.min(...oldest) + burstMs - call.dataCentre.now()) / 1000)),
    })
  const copying = present.filter((snapshot) => isCopiedInBackground(disk) && percentOf(call, snapshot) < 100)
  if (copying.length >= inProgressMax)
    throw new ArmError(409, 'OperationNotAllowed', `${copying.length} snapshots of the disk ${disk.name} are still being copied.`)
}

const percentOf = (call: ArmCall, { snapshotId }: SnapshotRecord): number => {
  const behind = call.dataCentre.storage.getSnapshot(snapshotId)
  return behind === undefined ? 0 : call.dataCentre.storage.progressPercent(behind)
}

/** The snapshot that a disk is to be a copy of: complete, and no larger than the disk. */
export function copiedSnapshot(call: ArmCall): SnapshotRecord {
  const id = needText(call.body, 'properties.creationData.sourceResourceId')
  const snapshot = call.state.snapshots.get(id.toLowerCase())
  if (snapshot === undefined) throw notFound(id)
  if (percentOf(call, snapshot) < 100)
    throw new ArmError(409, 'OperationNotAllowed', `The snapshot ${snapshot.name} is still being copied: no disk can be made of it yet.`)
  const location = needText(call.body, 'location')
  if (snapshot.location.toLowerCase() !== location.toLowerCase())
    throw new ArmError(400, 'InvalidParameter', `The disk is to be in ${location}, and the snapshot ${snapshot.name} is in ${snapshot.location}.`)
  const asked = at(call.body, 'properties.diskSizeGB')
  if (typeof asked === 'number' && asked < snapshot.sizeGiB)
    throw new ArmError(400, 'InvalidParameter', `The disk is to have ${asked} GiB, and the snapshot ${snapshot.name} has ${snapshot.sizeGiB}.`)
  return snapshot
}

function snapshotBody(call: ArmCall, snapshot: SnapshotRecord): JsonObject {
  const { state } = call.dataCentre.storage.getSnapshot(snapshot.snapshotId) ?? {}
  const completionPercent = percentOf(call, snapshot)
  return {
    id: snapshot.id,
    name: snapshot.name,
    type,
    location: snapshot.location,
    sku: { name: snapshot.sku, tier: snapshot.sku.split('_')[0] ?? '' },
    tags: snapshot.tags,
    properties: {
      creationData: {
        createOption: snapshot.copyOf === undefined ? 'Copy' : 'CopyStart',
        sourceResourceId: snapshot.copyOf ?? snapshot.sourceDiskId,
      },
      ...(snapshot.osType === undefined ? {} : { osType: snapshot.osType }),
      diskSizeGB: snapshot.sizeGiB,
      diskState: isOpen(call, snapshot) ? 'ActiveSAS' : 'Unattached',
      incremental: snapshot.incremental,
      ...(snapshot.incremental ? { incrementalSnapshotFamilyId: snapshot.family } : {}),
      provisioningState: state === 'error' && snapshot.copyBroken !== true ? 'Failed' : 'Succeeded',
      completionPercent,
      ...(snapshot.copyBroken === true
        ? { copyCompletionError: { errorCode: 'CopySourceNotFound', errorMessage: `The snapshot ${snapshot.copyOf ?? ''} was deleted meanwhile.` } }
        : {}),
      snapshotAccessState: state === 'error' ? 'Unknown' : completionPercent === 100 ? 'Available' : 'Pending',
      timeCreated: new Date(snapshot.createdAtMs).toISOString(),
    },
  }
}

const isOpen = ({ state, dataCentre }: ArmCall, { id }: SnapshotRecord): boolean =>
  [...state.accesses.values()].some((access) => access.of === id && access.expiresAtMs > dataCentre.now())

export const getSnapshot = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_Get', () => ok(snapshotBody(call, requireSnapshot(call))))

const listed = (call: ArmCall, isMeant: (snapshot: SnapshotRecord) => boolean): ArmReply =>
  ok({ value: [...call.state.snapshots.values()].filter(isMeant).map((snapshot) => snapshotBody(call, snapshot)) })

export const listSnapshots = (call: ArmCall): Promise<ArmReply> => call.dataCentre.invoke('Snapshots_List', () => listed(call, () => true))

export const listSnapshotsOfGroup = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_ListByResourceGroup', () => {
    const prefix = idOf(call, type, '').toLowerCase()
    return listed(call, ({ id }) => id.toLowerCase().startsWith(prefix))
  })

export const patchSnapshot = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_Update', () => {
    const snapshot = requireSnapshot(call)
    if (call.body['tags'] !== undefined) snapshot.tags = tagsOf(call.body)
    return ok(snapshotBody(call, snapshot))
  })

export const deleteSnapshot = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Snapshots_Delete', () => {
    const snapshot = call.state.snapshots.get(snapshotIdOf(call).toLowerCase())
    if (snapshot === undefined) return { status: 204 }
    if (isOpen(call, snapshot))
      throw new ArmError(409, 'OperationNotAllowed', `The snapshot ${snapshot.name} has an active shared access signature: revoke it first.`)
    call.state.snapshots.delete(snapshot.id.toLowerCase())
    breakCopiesOf(call, snapshot)
    // Of the data centre's own it may be gone already.
    const behind = call.dataCentre.storage.getSnapshot(snapshot.snapshotId)
    if (behind !== undefined) call.dataCentre.storage.deleteSnapshot(behind.snapshotId, behind.region)
    return begin(call, () => 'Succeeded')
  })
