import type { Body, Call, Route } from './call.ts'
import { labelsIn, lastPart, nameIn, partOf, textIn } from './call.ts'
import { alreadyExists, GoogleError, invalid, notFound, notReady, required, staleFingerprint } from './fault.ts'
import { placePolicy } from './host-groups.ts'
import { matches } from './filter.ts'
import { change } from './change.ts'
import type { DiskRecord, InstantGroupRecord, InstantSnapshotRecord, Project, SnapshotRecord } from './project.ts'
import { fingerprint } from './project.ts'
import { leaveTo, roomView } from './snapshot-room.ts'

/** Standard snapshots (global), instant snapshots (zonal) and the consistency groups that take several of one moment. */
export const snapshotRoutes: readonly Route[] = [
  { operation: 'snapshots.get', run: (call) => snapshotView(call.project, snapshotIn(call, 'snapshot')) },
  { operation: 'snapshots.list', run: listSnapshots },
  change('snapshots.insert', insertSnapshot),
  change('snapshots.delete', deleteSnapshot),
  change('snapshots.setLabels', setSnapshotLabels),
  { operation: 'instantSnapshots.list', run: listInstants },
  change('instantSnapshots.delete', deleteInstant),
  { operation: 'instantSnapshotGroups.get', run: (call) => groupView(call.project, groupIn(call)) },
  change('instantSnapshotGroups.insert', insertGroup),
  change('instantSnapshotGroups.delete', deleteGroup),
  { operation: 'resourcePolicies.get', run: (call) => policyView(call.project, partOf(call, 'resourcePolicy')) },
  change('resourcePolicies.insert', insertPolicy),
  change('disks.addResourcePolicies', addPolicies),
]

const time = (ms: number): string => new Date(ms).toISOString()
/** Google's own limit. */
const perDiskPerHour = 6
const hourMs = 3_600_000

function snapshotIn({ project, path }: Call, part: string): SnapshotRecord {
  const wanted = path[part] ?? ''
  const found = project.snapshots.find(({ name, id }) => name === wanted || id === wanted)
  if (found === undefined) throw notFound(`projects/${project.id}/global/snapshots/${wanted}`)
  return found
}

function snapshotView(project: Project, record: SnapshotRecord): object {
  const kept = project.dataCentre.storage.getSnapshot(record.snapshotId)
  const status = kept?.state === 'completed' ? 'READY' : kept?.state === 'pending' ? 'UPLOADING' : 'FAILED'
  return {
    kind: 'compute#snapshot',
    id: record.id,
    name: record.name,
    status,
    creationTimestamp: time(record.createdAtMs),
    diskSizeGb: String(kept?.sizeGiB ?? 0),
    ...roomView(project, record),
    description: record.description,
    labels: record.labels,
    labelFingerprint: fingerprint(record.labels),
    sourceDisk: project.url(project.path(record.disk.zone, 'disks', record.disk.name)),
    sourceDiskId: record.disk.id,
    selfLink: project.url(`projects/${project.id}/global/snapshots/${record.name}`),
    ...(record.instant === undefined ? {} : { sourceInstantSnapshot: project.url(record.instant) }),
    ...(record.kmsKey === undefined ? {} : { snapshotEncryptionKey: { kmsKeyName: `${record.kmsKey}/cryptoKeyVersions/1` } }),
  }
}

function listSnapshots({ project, query }: Call): object {
  const items = project.snapshots.filter((record) => matches(query.get('filter') ?? undefined, record)).map((record) => snapshotView(project, record))
  return { kind: 'compute#snapshotList', id: `projects/${project.id}/global/snapshots`, ...(items.length === 0 ? {} : { items }) }
}

function insertSnapshot(call: Call): object {
  const { project, body, requestId } = call
  const name = nameIn(body, 'resource.name')
  if (project.snapshots.some((record) => record.name === name)) throw alreadyExists(`projects/${project.id}/global/snapshots/${name}`)
  const { disk, snapshotId, instant } = sourceIn(call)
  const key = body['snapshotEncryptionKey']
  const record: SnapshotRecord = {
    id: project.newId(),
    name,
    disk,
    snapshotId,
    description: textIn(body, 'description') ?? '',
    labels: labelsIn(body['labels'], 'resource.labels'),
    createdAtMs: project.dataCentre.now(),
    ...(instant === undefined ? {} : { instant }),
    ...(typeof key === 'object' && key !== null && 'kmsKeyName' in key ? { kmsKey: String(key.kmsKeyName) } : {}),
  }
  project.snapshots.push(record)
  const isDone = (): boolean => project.dataCentre.storage.getSnapshot(snapshotId)?.state !== 'pending'
  return project.operations.begin({ zone: '', type: 'createSnapshot', target: `snapshots/${name}`, targetId: record.id }, { requestId, isDone })
}

/** From a disk the bytes of now; from an instant snapshot those of then. */
function sourceIn({ project, body }: Call): { readonly disk: DiskRecord; readonly snapshotId: string; readonly instant?: string } {
  const sourceDisk = textIn(body, 'sourceDisk')
  const sourceInstant = textIn(body, 'sourceInstantSnapshot')
  if (sourceInstant !== undefined) {
    const [, zone = '', name = ''] = /zones\/([^/]+)\/instantSnapshots\/([^/]+)$/.exec(sourceInstant) ?? []
    const instant = project.instants.find((record) => record.zone === zone && record.name === name)
    if (instant === undefined) throw notFound(project.path(zone, 'instantSnapshots', name))
    return { disk: instant.disk, snapshotId: instant.snapshotId, instant: project.path(zone, 'instantSnapshots', name) }
  }
  const [, zone = '', name = ''] = /zones\/([^/]+)\/disks\/([^/]+)$/.exec(sourceDisk ?? '') ?? []
  if (name === '') throw required('resource.sourceDisk')
  const disk = project.disk(zone, name)
  const sinceMs = project.dataCentre.now() - hourMs
  const recent = project.snapshots.filter((record) => record.disk.id === disk.id && record.instant === undefined && record.createdAtMs > sinceMs)
  if (recent.length >= perDiskPerHour)
    throw new GoogleError(403, 'rateLimitExceeded', `Operation rate exceeded for resource 'projects/${project.id}/zones/${zone}/disks/${name}'.`)
  return { disk, snapshotId: project.dataCentre.storage.createSnapshot({ volumeId: disk.volumeId }).snapshotId }
}

function deleteSnapshot(call: Call): object {
  const { project, requestId } = call
  const record = snapshotIn(call, 'snapshot')
  leaveTo(project, record)
  project.snapshots.splice(project.snapshots.indexOf(record), 1)
  project.releaseBytes(record.snapshotId)
  return project.operations.begin({ zone: '', type: 'delete', target: `snapshots/${record.name}`, targetId: record.id }, { requestId })
}

function setSnapshotLabels(call: Call): object {
  const { project, body, requestId } = call
  const record = snapshotIn(call, 'resource')
  if (textIn(body, 'labelFingerprint') !== fingerprint(record.labels)) throw staleFingerprint('Labels')
  record.labels = labelsIn(body['labels'], 'labels')
  return project.operations.begin({ zone: '', type: 'setLabels', target: `snapshots/${record.name}`, targetId: record.id }, { requestId })
}

function listInstants(call: Call): object {
  const { project } = call
  const zone = partOf(call, 'zone')
  const items = project.instants.filter((record) => record.zone === zone).map((record) => instantView(project, record))
  return { kind: 'compute#instantSnapshotList', id: project.path(zone, 'instantSnapshots', ''), ...(items.length === 0 ? {} : { items }) }
}

function instantView(project: Project, record: InstantSnapshotRecord): object {
  return {
    kind: 'compute#instantSnapshot',
    id: record.id,
    name: record.name,
    status: 'READY',
    zone: project.url(`projects/${project.id}/zones/${record.zone}`),
    creationTimestamp: time(record.createdAtMs),
    sourceDisk: project.url(project.path(record.zone, 'disks', record.disk.name)),
    sourceDiskId: record.disk.id,
    diskSizeGb: String(project.dataCentre.storage.getSnapshot(record.snapshotId)?.sizeGiB ?? 0),
    sourceInstantSnapshotGroup: project.url(project.path(record.zone, 'instantSnapshotGroups', record.group)),
  }
}

function deleteInstant(call: Call): object {
  const { project, requestId } = call
  const [zone, name] = [partOf(call, 'zone'), partOf(call, 'instantSnapshot')]
  const record = project.instants.find((candidate) => candidate.zone === zone && candidate.name === name)
  if (record === undefined) throw notFound(project.path(zone, 'instantSnapshots', name))
  removeInstant(project, record)
  return project.operations.begin({ zone, type: 'delete', target: `instantSnapshots/${name}`, targetId: record.id }, { requestId })
}

function removeInstant(project: Project, record: InstantSnapshotRecord): void {
  project.instants.splice(project.instants.indexOf(record), 1)
  project.releaseBytes(record.snapshotId)
}

function groupIn(call: Call): InstantGroupRecord {
  const [zone, name] = [partOf(call, 'zone'), partOf(call, 'instantSnapshotGroup')]
  const found = call.project.instantGroups.find((group) => group.zone === zone && group.name === name)
  if (found === undefined) throw notFound(call.project.path(zone, 'instantSnapshotGroups', name))
  return found
}

const groupView = (project: Project, { id, name, zone, createdAtMs, policy }: InstantGroupRecord): object => ({
  kind: 'compute#instantSnapshotGroup',
  id,
  name,
  status: 'READY',
  zone: project.url(`projects/${project.id}/zones/${zone}`),
  creationTimestamp: time(createdAtMs),
  sourceConsistencyGroup: policyUrl(project, policy),
})

/** All disks of the zone in the group, in one instant: nothing is written between two of them. */
function insertGroup(call: Call): object {
  const { project, body, query, requestId } = call
  const zone = partOf(call, 'zone')
  const name = nameIn(body, 'resource.name')
  if (project.instantGroups.some((group) => group.zone === zone && group.name === name))
    throw alreadyExists(project.path(zone, 'instantSnapshotGroups', name))
  const policy = lastPart(query.get('sourceConsistencyGroup') ?? textIn(body, 'sourceConsistencyGroup'))
  if (!project.policies.has(policy)) throw invalid('sourceConsistencyGroup', policy, 'The referenced resource does not exist.')
  const disks = project.disks().filter((disk) => disk.zone === zone && disk.policies.includes(policy))
  if (disks.length === 0) throw invalid('sourceConsistencyGroup', policy, 'The consistency group has no disks in the zone.')
  const group = { id: project.newId(), name, zone, policy, createdAtMs: project.dataCentre.now() }
  project.instantGroups.push(group)
  for (const disk of disks) {
    const { snapshotId } = project.dataCentre.storage.createSnapshot({ volumeId: disk.volumeId })
    const id = project.newId()
    project.instants.push({ id, name: `${name}-${id.slice(-6)}`, zone, disk, group: name, snapshotId, createdAtMs: group.createdAtMs })
  }
  return project.operations.begin({ zone, type: 'insert', target: `instantSnapshotGroups/${name}`, targetId: group.id }, { requestId })
}

function deleteGroup(call: Call): object {
  const { project, requestId } = call
  const group = groupIn(call)
  project.instantGroups.splice(project.instantGroups.indexOf(group), 1)
  for (const record of project.instants.filter((instant) => instant.zone === group.zone && instant.group === group.name))
    removeInstant(project, record)
  return project.operations.begin(
    { zone: group.zone, type: 'delete', target: `instantSnapshotGroups/${group.name}`, targetId: group.id },
    { requestId },
  )
}

const policyUrl = (project: Project, name: string): string =>
  project.url(`projects/${project.id}/regions/${project.dataCentre.region}/resourcePolicies/${name}`)

function policyView(project: Project, name: string): object {
  const policy = project.policies.get(name)
  if (policy === undefined) throw notFound(`projects/${project.id}/regions/${project.dataCentre.region}/resourcePolicies/${name}`)
  const { id, body } = policy
  return { kind: 'compute#resourcePolicy', id, name, status: 'READY', selfLink: policyUrl(project, name), ...body }
}

function insertPolicy(call: Call): object {
  const { project, body, requestId } = call
  const region = partOf(call, 'region')
  const name = nameIn(body, 'resource.name')
  if (project.policies.has(name)) throw alreadyExists(`projects/${project.id}/regions/${region}/resourcePolicies/${name}`)
  const kinds = ['diskConsistencyGroupPolicy', 'snapshotSchedulePolicy', 'groupPlacementPolicy'].filter((kind) => body[kind] !== undefined)
  const [kind] = kinds
  if (kinds.length !== 1 || kind === undefined) throw invalid('resource', name, 'Exactly one policy must be specified.')
  const kept: Body = { [kind]: body[kind] }
  if (kind === 'groupPlacementPolicy') placePolicy(call, name, body[kind])
  const id = project.newId()
  project.policies.set(name, { id, body: kept })
  return project.operations.begin({ zone: '', region, type: 'insert', target: `resourcePolicies/${name}`, targetId: id }, { requestId })
}

function addPolicies(call: Call): object {
  const { project, body, requestId } = call
  const disk = project.disk(partOf(call, 'zone'), partOf(call, 'disk'))
  const given = Array.isArray(body['resourcePolicies']) ? body['resourcePolicies'].filter((url) => typeof url === 'string') : []
  if (given.length !== 1) throw invalid('resourcePolicies', given.length, 'Exactly one resource policy must be specified.')
  const name = lastPart(given[0])
  const isGroup = (policy: string): boolean => project.policies.get(policy)?.body['diskConsistencyGroupPolicy'] !== undefined
  if (!project.policies.has(name)) throw invalid('resourcePolicies[0]', given[0], 'The referenced resource does not exist.')
  if (isGroup(name) && disk.policies.some(isGroup))
    throw new GoogleError(400, 'invalid', `The disk '${disk.name}' is already in a consistency group.`)
  disk.policies.push(name)
  return project.operations.begin({ zone: disk.zone, type: 'addResourcePolicies', target: `disks/${disk.name}`, targetId: disk.id }, { requestId })
}

/** The bytes that a disk is made of; `undefined`: none. Only a snapshot that has been stored whole can be used. */
export function bytesFor(
  project: Project,
  from: { readonly snapshot?: string; readonly instant?: string; readonly zone: string },
): string | undefined {
  const { snapshot, instant, zone } = from
  if (snapshot !== undefined) {
    const record = project.snapshots.find(({ name }) => name === lastPart(snapshot))
    if (record === undefined) throw notFound(`projects/${project.id}/global/snapshots/${lastPart(snapshot)}`)
    if (project.dataCentre.storage.getSnapshot(record.snapshotId)?.state !== 'completed')
      throw notReady(`projects/${project.id}/global/snapshots/${record.name}`)
    return record.snapshotId
  }
  if (instant === undefined) return undefined
  const record = project.instants.find((candidate) => candidate.zone === zone && candidate.name === lastPart(instant))
  if (record === undefined) throw notFound(project.path(zone, 'instantSnapshots', lastPart(instant)))
  return record.snapshotId
}
