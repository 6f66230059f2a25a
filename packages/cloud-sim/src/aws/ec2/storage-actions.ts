import { SimError } from '../../datacentre/sim-error.ts'
import type { DataCentre } from '../../datacentre/datacentre.ts'
import type { Snapshot, Volume } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { fullSizeOf } from '../ebs/actions.ts'
import { missingParameter } from '../fault.ts'
import { at, oneOf, queryOf, tagSet, tagSpecifications } from './common.ts'
import { zoneIdOf } from './instance-view.ts'

export const storageActions: ActionTable = {
  DescribeVolumes: ({ dataCentre, params }) => {
    const page = dataCentre.storage.describeVolumes(queryOf(params, 'VolumeId'))
    return { volumeSet: page.items.map((volume) => volumeView(dataCentre, volume)), nextToken: page.nextToken }
  },
  CreateVolume: createVolume,
  DeleteVolume: ({ dataCentre, params }) => {
    dataCentre.storage.deleteVolume(params.required('VolumeId'))
    return { return: true }
  },
  AttachVolume: ({ dataCentre, params }) => {
    const input = { volumeId: params.required('VolumeId'), instanceId: params.required('InstanceId'), device: params.required('Device') }
    return attachmentView(dataCentre.storage.attach(input))
  },
  DetachVolume: ({ dataCentre, params }) => {
    const input = compact({
      volumeId: params.required('VolumeId'),
      instanceId: params.optional('InstanceId'),
      device: params.optional('Device'),
      force: params.boolean('Force'),
    })
    return attachmentView(dataCentre.storage.detach(input))
  },
  CreateSnapshot: ({ dataCentre, params }) => {
    const tags = tagSpecifications(params).get('snapshot')
    const snapshot = dataCentre.storage.createSnapshot(
      compact({ volumeId: params.required('VolumeId'), description: params.optional('Description'), tags }),
    )
    return snapshotView(dataCentre, snapshot)
  },
  CreateSnapshots: createSnapshots,
  DescribeSnapshots: describeSnapshots,
  DeleteSnapshot: ({ dataCentre, params }) => {
    dataCentre.storage.deleteSnapshot(params.required('SnapshotId'))
    return { return: true }
  },
}

function createVolume({ dataCentre, params }: Call): XmlObject {
  const zone = params.optional('AvailabilityZone')
  if (zone === undefined) throw missingParameter('AvailabilityZone')
  const volume = dataCentre.storage.createVolume(
    compact({
      zone,
      sizeGiB: params.integer('Size'),
      snapshotId: params.optional('SnapshotId'),
      type: params.optional('VolumeType'),
      iops: params.integer('Iops'),
      throughputMiBps: params.integer('Throughput'),
      encrypted: params.boolean('Encrypted'),
      kmsKeyId: params.optional('KmsKeyId'),
      clientToken: params.optional('ClientToken'),
      tags: tagSpecifications(params).get('volume'),
    }),
  )
  return volumeView(dataCentre, volume)
}

function createSnapshots({ dataCentre, params }: Call): XmlObject {
  const source = params.child('InstanceSpecification')
  if (source === undefined) throw missingParameter('InstanceSpecification')
  const excluded = source.texts('ExcludeDataVolumeId')
  const snapshots = dataCentre.storage.createSnapshots(
    compact({
      instanceId: source.required('InstanceId'),
      excludeBootVolume: source.boolean('ExcludeBootVolume'),
      excludeDataVolumeIds: excluded.length > 0 ? excluded : undefined,
      description: params.optional('Description'),
      copyTagsFromVolume: oneOf(params, 'CopyTagsFromSource', ['volume']) === 'volume',
      tags: tagSpecifications(params).get('snapshot'),
    }),
  )
  // This call spells the state `state`, everywhere else a snapshot's state is `status`; and it says less.
  const views = snapshots.map((snapshot) => ({
    ...snapshotView(dataCentre, snapshot),
    status: undefined,
    state: snapshot.state,
    kmsKeyId: undefined,
    storageTier: undefined,
  }))
  return { snapshotSet: views }
}

export function describeSnapshots({ dataCentre, params, region }: Call): XmlObject {
  const query = queryOf(params, 'SnapshotId')
  const owners = params.texts('Owner').map((owner) => (owner === 'self' ? dataCentre.accountId : owner))
  const page = dataCentre.storage.describeSnapshots(
    owners.length > 0 ? { ...query, filters: [...(query.filters ?? []), { name: 'owner-id', values: owners }] } : query,
    region === dataCentre.region ? undefined : region,
  )
  return { snapshotSet: page.items.map((snapshot) => snapshotView(dataCentre, snapshot)), nextToken: page.nextToken }
}

function volumeView(dataCentre: DataCentre, volume: Volume): XmlObject {
  return {
    volumeId: volume.volumeId,
    size: volume.sizeGiB,
    snapshotId: volume.snapshotId ?? '',
    availabilityZone: volume.zone,
    availabilityZoneId: zoneIdOf(dataCentre, volume.zone),
    status: volume.state,
    createTime: new Date(volume.createdAtMs),
    attachmentSet: volume.attachment === undefined ? [] : [attachmentView(volume)],
    tagSet: tagSet(volume.tags),
    volumeType: volume.type,
    iops: volume.iops,
    throughput: volume.throughputMiBps,
    encrypted: volume.encrypted,
    kmsKeyId: volume.kmsKeyId,
    multiAttachEnabled: false,
  }
}

function attachmentView(volume: Volume): XmlObject {
  const { attachment } = volume
  if (attachment === undefined) throw new SimError('InternalError', 'the volume has no attachment to show', 500)
  return {
    volumeId: volume.volumeId,
    instanceId: attachment.instanceId,
    device: attachment.device,
    status: attachment.state,
    attachTime: at(attachment.attachTimeMs),
    deleteOnTermination: attachment.deleteOnTermination,
  }
}

function snapshotView(dataCentre: DataCentre, snapshot: Snapshot): XmlObject {
  return {
    snapshotId: snapshot.snapshotId,
    volumeId: snapshot.volumeId,
    status: snapshot.state,
    statusMessage: snapshot.stateMessage,
    startTime: at(snapshot.startedAtMs),
    completionTime: at(snapshot.completedAtMs),
    progress: `${Math.floor(dataCentre.storage.progressPercent(snapshot))}%`,
    ownerId: snapshot.ownerId,
    volumeSize: snapshot.sizeGiB,
    fullSnapshotSizeInBytes: snapshot.state === 'completed' ? fullSizeOf(dataCentre, snapshot.snapshotId) : undefined,
    description: snapshot.description,
    encrypted: snapshot.encrypted,
    kmsKeyId: snapshot.kmsKeyId,
    storageTier: 'standard',
    tagSet: tagSet(snapshot.tags),
  }
}
