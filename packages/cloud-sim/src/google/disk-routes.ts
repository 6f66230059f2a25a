import type { Call, Route } from './call.ts'
import { labelsIn, lastPart, nameIn, partOf, textIn } from './call.ts'
import { alreadyExists, GoogleError, invalid, staleFingerprint } from './fault.ts'
import { matches } from './filter.ts'
import { change } from './change.ts'
import { fingerprint } from './project.ts'
import { bytesOfImage } from './image-routes.ts'
import { bytesFor } from './snapshot-routes.ts'
import { diskView } from './views.ts'

/** Zonal disks. */
export const diskRoutes: readonly Route[] = [
  { operation: 'disks.get', run: (call) => diskView(call.project, call.project.disk(partOf(call, 'zone'), partOf(call, 'disk'))) },
  { operation: 'disks.aggregatedList', run: aggregatedDisks },
  change('disks.insert', insertDisk),
  change('disks.delete', deleteDisk),
  change('disks.setLabels', setDiskLabels),
]

function aggregatedDisks({ project, query }: Call): object {
  const filter = query.get('filter') ?? undefined
  const found = project.disks().filter((record) => matches(filter, record))
  const items = project.byZone(query, (zone) => {
    const disks = found.filter((record) => record.zone === zone).map((record) => diskView(project, record))
    return disks.length === 0 ? undefined : { disks }
  })
  return { kind: 'compute#diskAggregatedList', id: `projects/${project.id}/aggregated/disks`, items }
}

function insertDisk(call: Call): object {
  const { project, body, requestId } = call
  const zone = partOf(call, 'zone')
  const name = nameIn(body, 'resource.name')
  if (project.disks().some((disk) => disk.zone === zone && disk.name === name)) throw alreadyExists(project.path(zone, 'disks', name))
  const type = textIn(body, 'type')
  if (type !== undefined && !type.includes(`zones/${zone}/diskTypes/`))
    throw invalid('resource.type', type, 'The disk type must be in the zone of the disk.')
  const snapshot = textIn(body, 'sourceSnapshot')
  const instant = textIn(body, 'sourceInstantSnapshot')
  const image = textIn(body, 'sourceImage')
  const ofImage = image === undefined ? undefined : bytesOfImage(project, image)
  const snapshotId =
    ofImage?.snapshotId ?? bytesFor(project, { zone, ...(snapshot === undefined ? {} : { snapshot }), ...(instant === undefined ? {} : { instant }) })
  const size = textIn(body, 'sizeGb')
  const volume = project.dataCentre.storage.createVolume({
    zone,
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(ofImage === undefined ? {} : { snapshotRegion: ofImage.snapshotRegion }),
    ...(size === undefined ? (snapshotId === undefined ? { sizeGiB: 10 } : {}) : { sizeGiB: Number(size) }),
  })
  const id = project.newId()
  project.addDisk({
    id,
    name,
    zone,
    volumeId: volume.volumeId,
    labels: labelsIn(body['labels'], 'resource.labels'),
    type: lastPart(type) || 'pd-standard',
    policies: [],
    ...(ofImage === undefined || image === undefined ? {} : { sourceImage: project.url(`projects/${project.id}/global/images/${lastPart(image)}`) }),
    ...(snapshot === undefined ? {} : { sourceSnapshot: project.url(`projects/${project.id}/global/snapshots/${lastPart(snapshot)}`) }),
    ...(textIn(body, 'description') === undefined ? {} : { description: textIn(body, 'description') ?? '' }),
    createdAtMs: project.dataCentre.now(),
  })
  const isDone = (): boolean => project.dataCentre.storage.getVolume(volume.volumeId)?.state !== 'creating'
  return project.operations.begin({ zone, type: 'insert', target: `disks/${name}`, targetId: id }, { requestId, isDone })
}

function deleteDisk(call: Call): object {
  const { project, requestId } = call
  const disk = project.disk(partOf(call, 'zone'), partOf(call, 'disk'))
  const [user] = project.usersOf(disk)
  if (user !== undefined) {
    const [what, by] = [project.path(disk.zone, 'disks', disk.name), project.path(user.zone, 'instances', user.name)]
    throw new GoogleError(400, 'resourceInUseByAnotherResource', `The disk resource '${what}' is already being used by '${by}'`)
  }
  project.dataCentre.storage.deleteVolume(disk.volumeId)
  return project.operations.begin({ zone: disk.zone, type: 'delete', target: `disks/${disk.name}`, targetId: disk.id }, { requestId })
}

function setDiskLabels(call: Call): object {
  const { project, body, requestId } = call
  const record = project.disk(partOf(call, 'zone'), partOf(call, 'resource'))
  if (textIn(body, 'labelFingerprint') !== fingerprint(record.labels)) throw staleFingerprint('Labels')
  record.labels = labelsIn(body['labels'], 'labels')
  return project.operations.begin({ zone: record.zone, type: 'setLabels', target: `disks/${record.name}`, targetId: record.id }, { requestId })
}
