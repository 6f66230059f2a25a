import type { Call, Route } from './call.ts'
import { labelsIn, lastPart, nameIn, textIn } from './call.ts'
import { change } from './change.ts'
import { alreadyExists, invalid, notFound, notReady, required } from './fault.ts'
import { matches } from './filter.ts'
import { fingerprint } from './project.ts'
import type { ImageRecord, Project } from './project.ts'

/** Images of the project's own, made of snapshots. They are global: only where their bytes are is of a region, and disks can be made of them anywhere. */
export const imageRoutes: readonly Route[] = [
  { operation: 'images.get', run: (call) => imageView(call.project, imageIn(call)) },
  { operation: 'images.list', run: listImages },
  change('images.insert', insertImage),
  change('images.delete', deleteImage),
  { operation: 'regions.list', run: listRegions },
]

/** https://cloud.google.com/storage/docs/locations#location-mr */
const multiRegions = ['us', 'eu', 'asia']
const regionsOf = ({ dataCentre }: Project): readonly string[] => [dataCentre.region, ...dataCentre.otherRegions]

function listRegions({ project, query }: Call): object {
  const items = regionsOf(project)
    .map((name, index) => ({
      kind: 'compute#region',
      id: String(1_000 + index),
      name,
      status: 'UP',
      selfLink: project.url(`projects/${project.id}/regions/${name}`),
    }))
    .filter((region) => matches(query.get('filter') ?? undefined, { ...region, labels: {} }))
  return { kind: 'compute#regionList', id: `projects/${project.id}/regions`, items }
}

const pathOf = (project: Project, name: string): string => `projects/${project.id}/global/images/${name}`

function imageIn({ project, path }: Call): ImageRecord {
  const wanted = path['image'] ?? ''
  const found = project.images.find(({ name, id }) => name === wanted || id === wanted)
  if (found === undefined) throw notFound(pathOf(project, wanted))
  return found
}

function imageView(project: Project, record: ImageRecord): object {
  const kept = project.dataCentre.storage.getSnapshot(record.snapshotId)
  const status = kept?.state === 'completed' ? 'READY' : kept?.state === 'pending' ? 'PENDING' : 'FAILED'
  return {
    kind: 'compute#image',
    id: record.id,
    name: record.name,
    status,
    sourceType: 'RAW',
    creationTimestamp: new Date(record.createdAtMs).toISOString(),
    diskSizeGb: String(kept?.sizeGiB ?? 0),
    description: record.description,
    labels: record.labels,
    labelFingerprint: fingerprint(record.labels),
    sourceSnapshot: project.url(`projects/${project.id}/global/snapshots/${record.sourceSnapshot}`),
    sourceSnapshotId: record.sourceSnapshotId,
    storageLocations: [record.location],
    selfLink: project.url(pathOf(project, record.name)),
    ...(record.kmsKey === undefined ? {} : { imageEncryptionKey: { kmsKeyName: `${record.kmsKey}/cryptoKeyVersions/1` } }),
  }
}

function listImages({ project, query }: Call): object {
  const items = project.images.filter((record) => matches(query.get('filter') ?? undefined, record)).map((record) => imageView(project, record))
  return { kind: 'compute#imageList', id: `projects/${project.id}/global/images`, ...(items.length === 0 ? {} : { items }) }
}

/** Of a snapshot that is complete; the bytes come over in the background, and the operation ends with them. */
function insertImage({ project, body, requestId }: Call): object {
  const name = nameIn(body, 'resource.name')
  if (project.images.some((record) => record.name === name)) throw alreadyExists(pathOf(project, name))
  const source = textIn(body, 'sourceSnapshot')
  if (source === undefined) throw required('resource.sourceSnapshot')
  const snapshot = project.snapshots.find((record) => record.name === lastPart(source))
  const snapshotPath = `projects/${project.id}/global/snapshots/${lastPart(source)}`
  if (snapshot === undefined) throw notFound(snapshotPath)
  if (project.dataCentre.storage.getSnapshot(snapshot.snapshotId)?.state !== 'completed') throw notReady(snapshotPath)
  const location = locationIn(project, body['storageLocations'])
  const key = body['imageEncryptionKey']
  const kmsKey = typeof key === 'object' && key !== null && 'kmsKeyName' in key ? String(key.kmsKeyName) : undefined
  const keyLocation = /\/locations\/([^/]+)\//.exec(kmsKey ?? '')?.[1]
  if (keyLocation !== undefined && keyLocation !== 'global' && keyLocation !== location)
    throw invalid('resource.imageEncryptionKey.kmsKeyName', kmsKey, `The key is in ${keyLocation}, and the image is stored in ${location}.`)
  const { snapshotId } = project.dataCentre.storage.copySnapshot({
    snapshotId: snapshot.snapshotId,
    region: location,
    atOnceMax: Number.POSITIVE_INFINITY,
  })
  const record: ImageRecord = {
    ...{ id: project.newId(), name, snapshotId, location, sourceSnapshot: snapshot.name, sourceSnapshotId: snapshot.id },
    description: textIn(body, 'description') ?? '',
    labels: labelsIn(body['labels'], 'resource.labels'),
    createdAtMs: project.dataCentre.now(),
    ...(kmsKey === undefined ? {} : { kmsKey }),
  }
  project.images.push(record)
  const isDone = (): boolean => project.dataCentre.storage.getSnapshot(snapshotId)?.state !== 'pending'
  return project.operations.begin({ zone: '', type: 'insert', target: `images/${name}`, targetId: record.id }, { requestId, isDone })
}

/** One at most; without one it is the location next to the source, for which the simulated region has no word of its own. */
function locationIn(project: Project, value: unknown): string {
  const [location, ...more] = Array.isArray(value) ? value.map(String) : []
  if (location === undefined) throw required('resource.storageLocations')
  if (more.length > 0) throw invalid('resource.storageLocations', value, 'At most one storage location may be specified.')
  if (![...regionsOf(project), ...multiRegions].includes(location))
    throw invalid('resource.storageLocations[0]', location, 'The storage location is not a region or multi-region of Cloud Storage.')
  return location
}

function deleteImage(call: Call): object {
  const { project, requestId } = call
  const record = imageIn(call)
  project.images.splice(project.images.indexOf(record), 1)
  project.dataCentre.storage.deleteSnapshot(record.snapshotId, record.location)
  return project.operations.begin({ zone: '', type: 'delete', target: `images/${record.name}`, targetId: record.id }, { requestId })
}

/** What a disk is made of; `undefined` for an image of others. */
export function bytesOfImage(project: Project, image: string): { readonly snapshotId: string; readonly snapshotRegion: string } | undefined {
  const record = project.images.find(({ name }) => image.endsWith(`global/images/${name}`))
  if (record === undefined) return undefined
  if (project.dataCentre.storage.getSnapshot(record.snapshotId)?.state !== 'completed') throw notReady(pathOf(project, record.name))
  return { snapshotId: record.snapshotId, snapshotRegion: record.location }
}
