import type { JsonObject } from '@understudy/core'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, at, listAt, need, needText, ok, tagsOf, textAt } from './call.ts'
import { begin } from './operations.ts'
import { breakPointsOf, copiedCollection, copyOfPoint } from './restore-point-copies.ts'
import { isCopiedInBackground } from './snapshots.ts'
import type { DiskRecord, RestorePointCollectionRecord, RestorePointRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Compute/restorePointCollections'
const collectionIdOf = (call: ArmCall): string => idOf(call, type, call.params['name'] ?? '')
/** Of one VM: three crash-consistent restore points in an hour. */
const perHour = 3
const hourMs = 3_600_000

function collectionOf(call: ArmCall): RestorePointCollectionRecord {
  const found = call.state.restorePointCollections.get(collectionIdOf(call).toLowerCase())
  if (found === undefined) throw notFound(collectionIdOf(call))
  return found
}

/** The VM of a collection is given once; afterwards only tags change. */
export async function putCollection(call: ArmCall): Promise<ArmReply> {
  const location = needText(call.body, 'location')
  const sourceId = needText(call.body, 'properties.source.id')
  return await call.dataCentre.invoke('RestorePointCollections_CreateOrUpdate', () => {
    const id = collectionIdOf(call)
    const existing = call.state.restorePointCollections.get(id.toLowerCase())
    if (existing !== undefined) {
      if (existing.sourceId.toLowerCase() !== sourceId.toLowerCase())
        throw new ArmError(409, 'PropertyChangeNotAllowed', "Changing property 'restorePointCollection.source.id' is not allowed.")
      existing.tags = tagsOf(call.body)
      return ok(collectionBody(call, existing))
    }
    const source = call.state.vms.get(sourceId.toLowerCase()) ?? copiedCollection(call, sourceId, location)
    if (source === undefined) throw notFound(sourceId)
    const name = call.params['name'] ?? ''
    const sourceLocation = source.location
    const record: RestorePointCollectionRecord = { id, name, location, sourceId, sourceLocation, tags: tagsOf(call.body), points: new Map() }
    call.state.restorePointCollections.set(id.toLowerCase(), record)
    return ok(collectionBody(call, record), 201)
  })
}

export const getCollection = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('RestorePointCollections_Get', () => ok(collectionBody(call, collectionOf(call))))

export const listCollections = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('RestorePointCollections_ListAll', () =>
    ok({ value: [...call.state.restorePointCollections.values()].map((record) => collectionBody(call, record)) }),
  )

/** All restore points go with their collection. */
export const deleteCollection = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('RestorePointCollections_Delete', () => {
    const found = call.state.restorePointCollections.get(collectionIdOf(call).toLowerCase())
    if (found === undefined) return { status: 204 }
    call.state.restorePointCollections.delete(found.id.toLowerCase())
    for (const point of found.points.values()) {
      breakPointsOf(call, point)
      for (const { snapshotId } of point.members)
        call.dataCentre.storage.deleteSnapshot(snapshotId, call.dataCentre.storage.getSnapshot(snapshotId)?.region)
    }
    return begin(call, () => 'Succeeded')
  })

/** All disks of the VM at one instant. There is one restore point under a name, and it is never changed. */
export async function putPoint(call: ArmCall): Promise<ArmReply> {
  need(call.body, 'properties')
  return await call.dataCentre.invoke('RestorePoints_Create', () => {
    const collection = collectionOf(call)
    const name = call.params['point'] ?? ''
    const id = `${collection.id}/restorePoints/${name}`
    if (collection.points.has(name.toLowerCase()))
      throw new ArmError(409, 'Conflict', `The restore point ${name} already exists and cannot be changed.`)
    const sourcePointId = textAt(call.body, 'properties.sourceRestorePoint.id')
    if (sourcePointId !== undefined) return added(call, collection, copyOfPoint(call, { id, name, collection, sourcePointId }))
    const vm = call.state.vms.get(collection.sourceId.toLowerCase())
    if (vm?.instanceId === undefined) throw notFound(collection.sourceId)
    checkPace(call, collection.sourceId)
    const plugged = [...call.state.disks.values()].filter(({ managedBy }) => managedBy === vm.id)
    const excluded = excludedIn(call)
    const disks = plugged.filter(({ id: disk }) => !excluded.has(disk.toLowerCase()))
    const excludeDataVolumeIds = plugged.flatMap((disk) => (excluded.has(disk.id.toLowerCase()) ? [disk.volumeId] : []))
    const refused = disks.find((disk) => isCopiedInBackground(disk))
    if (refused !== undefined)
      throw new ArmError(409, 'OperationNotAllowed', `The disk ${refused.name} is of the kind ${refused.sku}, of which there are no restore points.`)
    const made = call.dataCentre.storage.createSnapshots({ instanceId: vm.instanceId, excludeDataVolumeIds })
    const point: RestorePointRecord = {
      id,
      name,
      createdAtMs: call.dataCentre.now(),
      consistencyMode: textAt(call.body, 'properties.consistencyMode') ?? 'ApplicationConsistent',
      vm: vm.properties,
      members: disks.flatMap((disk) => {
        const snapshotId = made.find(({ volumeId }) => volumeId === disk.volumeId)?.snapshotId
        return snapshotId === undefined ? [] : [{ id: `${id}/diskRestorePoints/${disk.name}_${call.state.newId()}`, disk, snapshotId }]
      }),
    }
    return added(call, collection, point)
  })
}

function added(call: ArmCall, { points }: RestorePointCollectionRecord, point: RestorePointRecord): ArmReply {
  points.set(point.name.toLowerCase(), point)
  const progress = () => (isReady(call, point) ? ('Succeeded' as const) : ('InProgress' as const))
  return begin(call, progress, { status: 201, body: pointBody(call, point) })
}

/** Disks that its caller wants no restore points of. */
const excludedIn = ({ body }: ArmCall): ReadonlySet<string> =>
  new Set(listAt(body, 'properties.excludeDisks').map((entry) => needText(entry, 'id').toLowerCase()))

function checkPace(call: ArmCall, sourceId: string): void {
  const since = call.dataCentre.now() - hourMs
  const recent = [...call.state.restorePointCollections.values()]
    .filter((collection) => collection.sourceId.toLowerCase() === sourceId.toLowerCase())
    .flatMap(({ points }) => [...points.values()])
    .filter(({ createdAtMs }) => createdAtMs > since)
  if (recent.length < perHour) return
  throw new ArmError(429, 'TooManyRequests', 'Too many restore points of this virtual machine were made within the last hour.', {
    retryAfterSeconds: 1_200,
  })
}

const percentOf = (call: ArmCall, snapshotId: string): number => {
  const behind = call.dataCentre.storage.getSnapshot(snapshotId)
  return behind === undefined ? 0 : call.dataCentre.storage.progressPercent(behind)
}
const isReady = (call: ArmCall, { members }: RestorePointRecord): boolean => members.every(({ snapshotId }) => percentOf(call, snapshotId) === 100)

export const getPoint = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('RestorePoints_Get', () => {
    const collection = collectionOf(call)
    const point = collection.points.get((call.params['point'] ?? '').toLowerCase())
    if (point === undefined) throw notFound(`${collection.id}/restorePoints/${call.params['point'] ?? ''}`)
    return ok(pointBody(call, point, call.query.get('$expand') === 'instanceView'))
  })

const collectionBody = (call: ArmCall, record: RestorePointCollectionRecord): JsonObject => ({
  id: record.id,
  name: record.name,
  type,
  location: record.location,
  tags: record.tags,
  properties: {
    source: { id: record.sourceId, location: record.sourceLocation },
    provisioningState: 'Succeeded',
    restorePointCollectionId: record.id,
    ...(call.query.get('$expand') === 'restorePoints' ? { restorePoints: [...record.points.values()].map((point) => pointBody(call, point)) } : {}),
  },
})

function pointBody(call: ArmCall, point: RestorePointRecord, withView = false): JsonObject {
  const isFailed = point.members.some(({ snapshotId }) => call.dataCentre.storage.getSnapshot(snapshotId)?.state === 'error')
  const status = (percent: number) => ({ code: percent === 100 ? 'ReplicationState/succeeded' : 'ReplicationState/running', level: 'Info' as const })
  const view = {
    diskRestorePoints: point.members.map(({ id, snapshotId }) => {
      const completionPercent = percentOf(call, snapshotId)
      return { id, replicationStatus: { completionPercent, status: status(completionPercent) } }
    }),
  }
  return {
    id: point.id,
    name: point.name,
    type: `${type}/restorePoints`,
    properties: {
      consistencyMode: point.consistencyMode,
      ...(point.copyOf === undefined ? {} : { sourceRestorePoint: { id: point.copyOf } }),
      timeCreated: new Date(point.createdAtMs).toISOString(),
      provisioningState: isFailed ? 'Failed' : isReady(call, point) ? 'Succeeded' : 'Creating',
      sourceMetadata: metadataOf(point),
      ...(withView ? { instanceView: view } : {}),
    },
  }
}

/** What the VM was when the restore point was made: each disk with the restore point of it. */
function metadataOf({ vm, members }: RestorePointRecord): JsonObject {
  const osDiskId = (textAt(vm, 'storageProfile.osDisk.managedDisk.id') ?? '').toLowerCase()
  const entry = ({ id, disk, copyOf }: RestorePointRecord['members'][number]) => ({
    name: disk.name,
    diskSizeGB: disk.sizeGiB,
    managedDisk: { id: disk.id, storageAccountType: disk.sku },
    diskRestorePoint: { id, ...(copyOf === undefined ? {} : { sourceDiskRestorePoint: { id: copyOf } }) },
    ...cachingOf(disk),
  })
  const cachingOf = (disk: DiskRecord): { caching?: string } => {
    const entries = [at(vm, 'storageProfile.osDisk'), ...listAt(vm, 'storageProfile.dataDisks')]
    const caching = textAt(
      entries.find((candidate) => textAt(candidate, 'managedDisk.id')?.toLowerCase() === disk.id.toLowerCase()),
      'caching',
    )
    return caching === undefined ? {} : { caching }
  }
  const os = members.find(({ disk }) => disk.id.toLowerCase() === osDiskId)
  const lunOf = (disk: DiskRecord): number => {
    const disks = (vm['storageProfile'] as { readonly dataDisks?: readonly JsonObject[] } | undefined)?.dataDisks ?? [] // as it was accepted
    return Number(disks.find((candidate) => (textAt(candidate, 'managedDisk.id') ?? '').toLowerCase() === disk.id.toLowerCase())?.['lun'] ?? 0)
  }
  return {
    storageProfile: {
      ...(os === undefined ? {} : { osDisk: { ...entry(os), osType: textAt(vm, 'storageProfile.osDisk.osType') ?? 'Linux' } }),
      dataDisks: members.filter((member) => member !== os).map((member) => ({ ...entry(member), lun: lunOf(member.disk) })),
    },
    hardwareProfile: { vmSize: textAt(vm, 'hardwareProfile.vmSize') ?? '' },
  }
}
