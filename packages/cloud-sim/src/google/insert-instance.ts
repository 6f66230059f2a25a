import type { BlockDeviceRequest } from '../datacentre/api.ts'
import type { Instance } from '../datacentre/types.ts'
import type { Body, Call } from './call.ts'
import { isObject, labelsIn, lastPart, nameIn, objectsIn, partOf, textIn } from './call.ts'
import { alreadyExists, invalid, operationFailure, required } from './fault.ts'
import { hostPlacement, hostScheduling, policiesIn } from './host-groups.ts'
import type { DiskRecord, InstanceRecord } from './project.ts'
import { seededGoogleImage } from './seed.ts'
import { bytesFor } from './snapshot-routes.ts'

interface PlannedDisk {
  readonly name: string
  readonly boot: boolean
  readonly autoDelete: boolean
  readonly deviceName: string
  readonly type: string
  readonly sourceImage?: string
  /** Name of a standard snapshot, and the bytes it stands for. */
  readonly sourceSnapshot?: string
  readonly snapshotId?: string
  readonly description?: string
  readonly sizeGiB?: number
  readonly labels: Record<string, string>
}

/** Checks at once what can be checked, and leaves it to the operation whether there is room. */
export function insertInstance(call: Call): object {
  const { project, body, requestId } = call
  const zone = partOf(call, 'zone')
  const name = nameIn(body, 'resource.name')
  const target = { zone, type: 'insert', target: `instances/${name}` }
  if (project.instances().some((record) => record.zone === zone && record.name === name)) throw alreadyExists(project.path(zone, 'instances', name))
  const disks = plannedDisks(call, name, zone)
  const type = machineTypeIn(call, zone)
  const scheduling = schedulingIn(body)
  const id = project.newId()
  try {
    const machine = launch(call, zone, type, disks, scheduling)
    const records = recordsOf(call, { id, name, zone, machine, disks, scheduling })
    project.add(records.instance, records.disks)
    const isDone = (): boolean => project.dataCentre.instances.get(machine.instanceId)?.state !== 'pending'
    return project.operations.begin({ ...target, targetId: id }, { requestId, isDone })
  } catch (error) {
    const failure = operationFailure(error, zone)
    if (failure === undefined) throw error
    return project.operations.begin({ ...target, targetId: id }, { requestId, failure })
  }
}

function plannedDisks(call: Call, instanceName: string, zone: string): PlannedDisk[] {
  const given = objectsIn(call.body['disks'])
  if (given.length === 0) throw required('resource.disks')
  if (given.filter(({ boot }) => boot === true).length !== 1)
    throw invalid('resource.disks', given.length, 'Exactly one boot disk must be specified.')
  const planned = given.map((disk, index): PlannedDisk => {
    const at = `resource.disks[${index}]`
    const parameters = disk['initializeParams']
    if (!isObject(parameters)) throw required(`${at}.initializeParams`)
    const boot = disk['boot'] === true
    const sourceImage = textIn(parameters, 'sourceImage')
    const snapshot = textIn(parameters, 'sourceSnapshot')
    if (boot && sourceImage === undefined && snapshot === undefined) throw required(`${at}.initializeParams.sourceImage`)
    if (sourceImage !== undefined && snapshot !== undefined) throw invalid(`${at}.initializeParams`, snapshot, 'At most one source may be specified.')
    const snapshotId = snapshot === undefined ? undefined : bytesFor(call.project, { snapshot, zone })
    const description = textIn(parameters, 'description')
    const size = parameters['diskSizeGb']
    // Numbers of 64 bits travel as text.
    if (size !== undefined && (typeof size !== 'string' || !/^[1-9]\d*$/.test(size))) throw invalid(`${at}.initializeParams.diskSizeGb`, size)
    return {
      name: textIn(parameters, 'diskName') ?? (boot ? instanceName : `${instanceName}-${index}`),
      boot,
      autoDelete: disk['autoDelete'] === true,
      deviceName: textIn(disk, 'deviceName') ?? `persistent-disk-${index}`,
      type: lastPart(textIn(parameters, 'diskType')) || 'pd-standard',
      ...(sourceImage === undefined ? {} : { sourceImage }),
      ...(snapshot === undefined || snapshotId === undefined ? {} : { sourceSnapshot: lastPart(snapshot), snapshotId }),
      ...(description === undefined ? {} : { description }),
      ...(size === undefined ? {} : { sizeGiB: Number(size) }),
      labels: labelsIn(parameters['labels'], `${at}.initializeParams.labels`),
    }
  })
  for (const { name } of planned) {
    if (call.project.disks().some((disk) => disk.zone === zone && disk.name === name)) throw alreadyExists(call.project.path(zone, 'disks', name))
  }
  return planned
}

function machineTypeIn({ project, body }: Call, zone: string): string {
  const given = textIn(body, 'machineType')
  if (given === undefined) throw required('resource.machineType')
  const [, typeZone, type = ''] = /(?:^|\/)zones\/([^/]+)\/machineTypes\/([^/]+)$/.exec(given) ?? []
  if (typeZone !== zone) throw invalid('resource.machineType', given, 'The machine type must be a URL in the zone of the instance.')
  const isOffered = project.dataCentre.catalogue.describeInstanceTypes().items.some(({ instanceType }) => instanceType === type)
  if (!isOffered) throw invalid('resource.machineType', given, 'The referenced resource does not exist.')
  return type
}

function schedulingIn(body: Body): Body {
  const given = isObject(body['scheduling']) ? body['scheduling'] : {}
  const model = textIn(given, 'provisioningModel') ?? 'STANDARD'
  if (model !== 'STANDARD' && model !== 'SPOT') throw invalid('resource.scheduling.provisioningModel', model)
  const isSpot = model === 'SPOT'
  if (isSpot && given['automaticRestart'] === true)
    throw invalid('resource.scheduling.automaticRestart', true, 'Scheduling options cannot restart a Spot instance.')
  if (isSpot && given['onHostMaintenance'] === 'MIGRATE')
    throw invalid('resource.scheduling.onHostMaintenance', 'MIGRATE', 'A Spot instance cannot migrate.')
  return {
    provisioningModel: model,
    preemptible: isSpot,
    automaticRestart: given['automaticRestart'] ?? !isSpot,
    onHostMaintenance: given['onHostMaintenance'] ?? (isSpot ? 'TERMINATE' : 'MIGRATE'),
    ...(isSpot ? { instanceTerminationAction: given['instanceTerminationAction'] ?? 'STOP' } : {}),
    ...hostScheduling(given),
  }
}

function launch(call: Call, zone: string, type: string, disks: readonly PlannedDisk[], scheduling: Body): Instance {
  const { project, body } = call
  const { dataCentre } = project
  const boot = disks.find((disk) => disk.boot)
  // The data centre wants an image also for what starts from a snapshot.
  const imageId = boot?.snapshotId === undefined ? lastPart(boot?.sourceImage) : seededGoogleImage
  const image = dataCentre.catalogue.describeImages().items.find((candidate) => candidate.imageId === imageId)
  if (image === undefined)
    throw invalid('resource.disks[0].initializeParams.sourceImage', disks[0]?.sourceImage, 'The referenced image resource cannot be found.')
  const isSpot = scheduling['provisioningModel'] === 'SPOT'
  const stops = scheduling['instanceTerminationAction'] === 'STOP'
  const { instances } = dataCentre.instances.run({
    imageId: image.imageId,
    instanceType: type,
    minCount: 1,
    maxCount: 1,
    zone,
    ...hostPlacement(call, scheduling),
    blockDevices: disks.map((disk): BlockDeviceRequest => ({
      deviceName: disk.boot ? image.rootDeviceName : disk.deviceName,
      ...(disk.snapshotId === undefined ? {} : { snapshotId: disk.snapshotId }),
      sizeGiB: disk.sizeGiB ?? (disk.boot ? image.rootSizeGiB : 10),
      deleteOnTermination: disk.autoDelete,
    })),
    associatePublicIp: objectsIn(body['networkInterfaces']).some((nic) => objectsIn(nic['accessConfigs']).length > 0),
    // Only a persistent request can be stopped in the data centre; Google's spot instances always can.
    ...(isSpot ? { spot: { kind: 'persistent', interruptionBehavior: stops ? 'stop' : 'terminate' } as const } : {}),
    disableApiTermination: body['deletionProtection'] === true,
  })
  const [machine] = instances
  if (machine === undefined) throw new Error('one instance was asked for and none came')
  return machine
}

function recordsOf(
  call: Call,
  made: {
    readonly id: string
    readonly name: string
    readonly zone: string
    readonly machine: Instance
    readonly disks: readonly PlannedDisk[]
    readonly scheduling: Body
  },
): { readonly instance: InstanceRecord; readonly disks: readonly DiskRecord[] } {
  const { project, body } = call
  const { id, name, zone, machine, disks, scheduling } = made
  const createdAtMs = project.dataCentre.now()
  const volumeOf = (disk: PlannedDisk): string => {
    const device = disk.boot ? machine.rootDeviceName : disk.deviceName
    return machine.blockDevices.find(({ deviceName }) => deviceName === device)?.volumeId ?? ''
  }
  const tags = isObject(body['tags']) ? body['tags']['items'] : undefined
  return {
    instance: {
      id,
      name,
      zone,
      instanceId: machine.instanceId,
      labels: labelsIn(body['labels'], 'resource.labels'),
      metadata: objectsIn(isObject(body['metadata']) ? body['metadata']['items'] : undefined).map((item) => ({
        key: textIn(item, 'key') ?? '',
        value: textIn(item, 'value') ?? '',
      })),
      networkTags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
      serviceAccounts: objectsIn(body['serviceAccounts']).map((account) => ({
        email: textIn(account, 'email') ?? '',
        scopes: Array.isArray(account['scopes']) ? account['scopes'].filter((scope) => typeof scope === 'string') : [],
      })),
      disks: disks.map(({ name: diskName, boot, autoDelete, deviceName }) => ({ name: diskName, boot, autoDelete, deviceName })),
      scheduling,
      policies: policiesIn(call),
      hasExternalAddress: objectsIn(body['networkInterfaces']).some((nic) => objectsIn(nic['accessConfigs']).length > 0),
      createdAtMs,
    },
    disks: disks.map((disk) => ({
      id: project.newId(),
      name: disk.name,
      zone,
      volumeId: volumeOf(disk),
      labels: disk.labels,
      type: disk.type,
      ...(disk.sourceImage === undefined ? {} : { sourceImage: project.url(`projects/sim-images/global/images/${lastPart(disk.sourceImage)}`) }),
      ...(disk.sourceSnapshot === undefined ? {} : { sourceSnapshot: project.url(`projects/${project.id}/global/snapshots/${disk.sourceSnapshot}`) }),
      ...(disk.description === undefined ? {} : { description: disk.description }),
      policies: [],
      createdAtMs,
    })),
  }
}
