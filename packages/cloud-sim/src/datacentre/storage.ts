import type { BlockDeviceRequest, CopySnapshotInput, CreateVolumeInput, StorageApi } from './api.ts'
import { ClientTokens } from './client-tokens.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import { Snapshots } from './snapshots.ts'
import type { Instance, Page, Query, Snapshot, Tags, Volume } from './types.ts'
import type { World } from './world.ts'

const gibibyte = 1024 ** 3

/** Volumes: making, plugging in, unplugging, deleting. Snapshots are in `snapshots.ts`. */
export class Storage implements StorageApi {
  readonly #world: World
  readonly #tokens: ClientTokens
  readonly #snapshots: Snapshots

  constructor(world: World) {
    this.#world = world
    this.#tokens = new ClientTokens(world)
    this.#snapshots = new Snapshots(world)
    world.timers.on('volume.available', (timer) => this.#becomeAvailable(timer.subject))
    world.timers.on('volume.attached', (timer) => this.#finishAttach(timer.subject))
    world.timers.on('volume.detached', (timer) => this.#finishDetach(timer.subject))
  }

  createVolume(input: CreateVolumeInput): Volume {
    const { clientToken, ...parameters } = input
    const known = this.#tokens.find('CreateVolume', clientToken, parameters)
    if (known) return this.#need(known[0] ?? '')
    this.checkCreate(input, 'InvalidParameterValue')
    const volume = this.#make(input, 'creating')
    if (clientToken !== undefined) volume.clientToken = clientToken
    this.#tokens.remember('CreateVolume', clientToken, parameters, [volume.volumeId])
    this.#world.timers.after(this.#world.draw(this.#world.latencies.volumeCreate), 'volume.available', volume.volumeId, 0)
    return volume
  }

  /** Throws what EC2 would about a volume that cannot be made. */
  checkCreate(input: CreateVolumeInput, invalidCode: string): void {
    if (!this.#world.state.zones.has(input.zone)) throw new SimError('InvalidZone.NotFound', `The zone '${input.zone}' does not exist.`)
    const source = input.snapshotId === undefined ? undefined : this.#snapshots.need(input.snapshotId, input.snapshotRegion)
    if (source && source.state !== 'completed') {
      throw new SimError('IncorrectState', `Snapshot '${source.snapshotId}' is not in a valid state: ${source.state}`)
    }
    const sizeGiB = input.sizeGiB ?? source?.sizeGiB
    if (sizeGiB === undefined) throw new SimError('MissingParameter', 'The request must contain the parameter size/snapshot.')
    if (!Number.isInteger(sizeGiB) || sizeGiB < 1 || sizeGiB > 65_536) throw new SimError(invalidCode, `Volume of ${sizeGiB}GiB is not valid.`)
    if (source && sizeGiB < source.sizeGiB) {
      throw new SimError(
        invalidCode,
        `Volume of size ${sizeGiB}GB is smaller than snapshot '${source.snapshotId}', expect size>= ${source.sizeGiB}GB`,
      )
    }
    if (source?.encrypted && input.encrypted === false) {
      throw new SimError(invalidCode, 'The encrypted flag cannot be set to false for a volume made from an encrypted snapshot.')
    }
  }

  willBeEncrypted(disk: Pick<BlockDeviceRequest, 'encrypted' | 'snapshotId'>): boolean {
    const source = disk.snapshotId === undefined ? undefined : this.#world.state.snapshots.get(disk.snapshotId)
    return disk.encrypted === true || source?.encrypted === true || this.#world.encryptionByDefault
  }

  describeVolumes(query: Query = {}): Page<Volume> {
    const { volumes, instances } = this.#world.state
    return select(query, {
      all: () => volumes.values(),
      byId: (id) => volumes.get(id),
      isVisible: (volume) => this.#world.isVisible(volume),
      notFound: volumeNotFound,
      tagsOf: (volume) => volume.tags,
      field: (volume, name) => volumeField(volume, name),
      candidates: (filter) => {
        if (filter.name === 'volume-id') return present(filter.values.map((id) => volumes.get(id)))
        if (filter.name === 'attachment.instance-id') {
          return present(filter.values.flatMap((id) => (instances.get(id)?.blockDevices ?? []).map((device) => volumes.get(device.volumeId))))
        }
        if (!filter.name.startsWith('tag:')) return undefined
        return present(filter.values.flatMap((value) => [...this.#world.tagIndex.find(filter.name.slice(4), value)].map((id) => volumes.get(id))))
      },
    })
  }

  attach(input: { readonly volumeId: string; readonly instanceId: string; readonly device: string }): Volume {
    const volume = this.#need(input.volumeId)
    const instance = this.#needInstance(input.instanceId)
    if (instance.state !== 'running' && instance.state !== 'stopped') {
      throw new SimError('IncorrectState', `Instance '${instance.instanceId}' is not 'running'.`)
    }
    if (volume.state === 'in-use') throw new SimError('VolumeInUse', `${volume.volumeId} is already attached to an instance`)
    if (volume.state !== 'available') throw new SimError('IncorrectState', `${volume.volumeId} is not 'available'.`)
    if (volume.zone !== instance.zone) {
      throw new SimError(
        'InvalidVolume.ZoneMismatch',
        `The volume '${volume.volumeId}' is not in the same availability zone as instance '${instance.instanceId}'`,
      )
    }
    if (instance.blockDevices.some((device) => device.deviceName === input.device)) {
      throw new SimError('InvalidDevice.InUse', `Attachment point ${input.device} is already in use on instance '${instance.instanceId}'.`)
    }
    const limit = this.#world.state.instanceTypes.get(instance.instanceType)?.maxVolumes ?? 28
    if (instance.blockDevices.length >= limit)
      throw new SimError('AttachmentLimitExceeded', `Instance '${instance.instanceId}' takes at most ${limit} volumes.`)
    this.#bind(volume, instance, input.device, false, 'attaching')
    this.#world.timers.after(this.#world.draw(this.#world.latencies.attach), 'volume.attached', volume.volumeId, 0)
    return volume
  }

  detach(input: { readonly volumeId: string; readonly instanceId?: string; readonly device?: string; readonly force?: boolean }): Volume {
    const volume = this.#need(input.volumeId)
    const { attachment } = volume
    if (!attachment) throw new SimError('IncorrectState', `Volume '${volume.volumeId}' is in the '${volume.state}' state.`)
    if ((input.instanceId ?? attachment.instanceId) !== attachment.instanceId || (input.device ?? attachment.device) !== attachment.device) {
      throw new SimError(
        'InvalidAttachment.NotFound',
        `The volume '${volume.volumeId}' is not attached to instance '${input.instanceId ?? ''}' as device '${input.device ?? ''}'`,
      )
    }
    const instance = this.#world.state.instances.get(attachment.instanceId)
    if (instance && attachment.device === instance.rootDeviceName && instance.state !== 'stopped') {
      throw new SimError('OperationNotPermitted', `Unable to detach root volume '${volume.volumeId}' from instance '${instance.instanceId}'`)
    }
    if (attachment.state === 'detaching') return volume
    attachment.state = 'detaching'
    this.#tellAttachment(volume)
    this.#world.timers.after(this.#world.draw(this.#world.latencies.detach), 'volume.detached', volume.volumeId, 0)
    return volume
  }

  deleteVolume(volumeId: string): void {
    const volume = this.#need(volumeId)
    if (volume.attachment) throw new SimError('VolumeInUse', `Volume ${volumeId} is currently attached to ${volume.attachment.instanceId}`)
    if (volume.state !== 'available' && volume.state !== 'error')
      throw new SimError('IncorrectState', `The volume '${volumeId}' is in the '${volume.state}' state.`)
    this.#remove(volume)
  }

  createSnapshot(input: Parameters<StorageApi['createSnapshot']>[0]): Snapshot {
    const volume = this.#need(input.volumeId)
    const [snapshot] = this.#snapshots.take([volume], input.description ?? '', () => input.tags ?? {}, input.isUsableAtOnce)
    if (!snapshot) throw new Error('a snapshot of one volume made none')
    return snapshot
  }

  createSnapshots(input: Parameters<StorageApi['createSnapshots']>[0]): readonly Snapshot[] {
    const instance = this.#needInstance(input.instanceId)
    if (instance.state !== 'running' && instance.state !== 'stopped' && instance.state !== 'stopping') {
      throw new SimError('IncorrectInstanceState', `The instance '${instance.instanceId}' is not in a valid state for this operation.`)
    }
    const volumes = instance.blockDevices
      .filter(
        (device) =>
          !(input.excludeBootVolume && device.deviceName === instance.rootDeviceName) && !input.excludeDataVolumeIds?.includes(device.volumeId),
      )
      .map((device) => this.#need(device.volumeId))
    if (volumes.length === 0) throw new SimError('InvalidParameterValue', 'No volumes are left to take snapshots of.')
    return this.#snapshots.take(volumes, input.description ?? '', (volume) => ({ ...(input.copyTagsFromVolume ? volume.tags : {}), ...input.tags }))
  }

  copySnapshot(input: CopySnapshotInput): Snapshot {
    return this.#snapshots.copy(input)
  }

  describeSnapshots(query: Query = {}, region?: string): Page<Snapshot> {
    return this.#snapshots.describe(query, region)
  }

  spoilSnapshot(snapshotId: string, region?: string): void {
    this.#snapshots.spoil(snapshotId, region)
  }

  corruptSnapshot(snapshotId: string, { offset, length }: Parameters<StorageApi['corruptSnapshot']>[1]): void {
    const { blocks } = this.#world
    this.#snapshots.need(snapshotId)
    blocks.spoil(
      snapshotId,
      offset,
      blocks.read(snapshotId, offset, length).map((byte) => ~byte),
    )
  }

  deleteSnapshot(snapshotId: string, region?: string): void {
    this.#snapshots.delete(snapshotId, region)
  }

  progressPercent(snapshot: Snapshot): number {
    return this.#snapshots.progressPercent(snapshot)
  }

  getVolume(volumeId: string): Volume | undefined {
    return this.#world.state.volumes.get(volumeId)
  }

  getSnapshot(snapshotId: string): Snapshot | undefined {
    return this.#world.state.snapshots.get(snapshotId)
  }

  /** A volume that comes into being with its instance. */
  createAttached(instance: Instance, disk: BlockDeviceRequest, spec: Omit<CreateVolumeInput, 'zone'>, tags: Tags): void {
    const volume = this.#make({ ...spec, zone: instance.zone, tags }, 'in-use')
    this.#bind(volume, instance, disk.deviceName, disk.deleteOnTermination ?? disk.snapshotId === undefined, 'attached')
  }

  /** What becomes of the disks of a terminated instance. */
  releaseFrom(instance: Instance): void {
    for (const device of instance.blockDevices) {
      const volume = this.#world.state.volumes.get(device.volumeId)
      if (!volume || volume.attachment?.instanceId !== instance.instanceId) continue
      this.#unbind(volume)
      if (device.deleteOnTermination) this.#remove(volume)
    }
    instance.blockDevices = []
  }

  setDeleteOnTermination(instance: Instance, deviceName: string, deleteOnTermination: boolean): void {
    const device = instance.blockDevices.find((candidate) => candidate.deviceName === deviceName)
    if (!device) throw new SimError('InvalidInstanceAttributeValue', `No device is currently mapped at ${deviceName}`)
    device.deleteOnTermination = deleteOnTermination
    const volume = this.#world.state.volumes.get(device.volumeId)
    if (volume?.attachment) volume.attachment.deleteOnTermination = deleteOnTermination
  }

  #make(input: CreateVolumeInput, state: Volume['state']): Volume {
    const world = this.#world
    const source = input.snapshotId === undefined ? undefined : this.#snapshots.need(input.snapshotId, input.snapshotRegion)
    const type = input.type ?? 'gp3'
    const volume: Volume = {
      volumeId: world.id('vol'),
      zone: input.zone,
      sizeGiB: input.sizeGiB ?? source?.sizeGiB ?? 0,
      type,
      encrypted: this.willBeEncrypted(input),
      state,
      createdAtMs: world.now(),
      visibleAtMs: world.visibleAt(),
      tags: { ...input.tags },
    }
    const iops = input.iops ?? (type === 'gp3' ? 3000 : undefined)
    if (iops !== undefined) volume.iops = iops
    const throughputMiBps = input.throughputMiBps ?? (type === 'gp3' ? 125 : undefined)
    if (throughputMiBps !== undefined) volume.throughputMiBps = throughputMiBps
    const kmsKeyId = volume.encrypted ? (input.kmsKeyId ?? source?.kmsKeyId ?? world.arn('kms', 'key/aws-ebs')) : undefined
    if (kmsKeyId !== undefined) volume.kmsKeyId = kmsKeyId
    if (source) volume.snapshotId = source.snapshotId
    world.state.volumes.set(volume.volumeId, volume)
    world.tagIndex.add(volume.volumeId, volume.tags)
    if (source && world.blocks.has(source.snapshotId)) world.blocks.cloneFrom(volume.volumeId, source.snapshotId, volume.sizeGiB * gibibyte)
    else world.blocks.createEmpty(volume.volumeId, volume.sizeGiB * gibibyte)
    return volume
  }

  #bind(volume: Volume, instance: Instance, device: string, deleteOnTermination: boolean, state: 'attaching' | 'attached'): void {
    const attachTimeMs = this.#world.now()
    volume.state = 'in-use'
    volume.attachment = { instanceId: instance.instanceId, device, state, deleteOnTermination, attachTimeMs }
    instance.blockDevices.push({ deviceName: device, volumeId: volume.volumeId, deleteOnTermination, attachTimeMs })
    this.#tellAttachment(volume)
  }

  #unbind(volume: Volume): void {
    const { attachment } = volume
    if (!attachment) return
    delete volume.attachment
    volume.state = 'available'
    this.#world.emit({ kind: 'volume_attachment', volumeId: volume.volumeId, instanceId: attachment.instanceId, to: 'detached' })
  }

  #becomeAvailable(volumeId: string): void {
    const volume = this.#world.state.volumes.get(volumeId)
    if (volume?.state !== 'creating') return
    volume.state = 'available'
    this.#world.emit({ kind: 'volume_state', volumeId, to: 'available' })
  }

  #finishAttach(volumeId: string): void {
    const volume = this.#world.state.volumes.get(volumeId)
    if (volume?.attachment?.state !== 'attaching') return
    volume.attachment.state = 'attached'
    this.#tellAttachment(volume)
  }

  #finishDetach(volumeId: string): void {
    const volume = this.#world.state.volumes.get(volumeId)
    if (volume?.attachment?.state !== 'detaching') return
    const instance = this.#world.state.instances.get(volume.attachment.instanceId)
    if (instance) instance.blockDevices = instance.blockDevices.filter((device) => device.volumeId !== volumeId)
    this.#unbind(volume)
  }

  #remove(volume: Volume): void {
    volume.state = 'deleted'
    this.#world.state.volumes.delete(volume.volumeId)
    this.#world.tagIndex.remove(volume.volumeId, volume.tags)
    this.#world.blocks.delete(volume.volumeId)
    this.#world.emit({ kind: 'volume_state', volumeId: volume.volumeId, to: 'deleted' })
  }

  #tellAttachment(volume: Volume): void {
    if (!volume.attachment) return
    this.#world.emit({ kind: 'volume_attachment', volumeId: volume.volumeId, instanceId: volume.attachment.instanceId, to: volume.attachment.state })
  }

  #need(volumeId: string): Volume {
    const volume = this.#world.state.volumes.get(volumeId)
    if (!volume || !this.#world.isVisible(volume)) throw volumeNotFound(volumeId)
    return volume
  }

  #needInstance(instanceId: string): Instance {
    const instance = this.#world.state.instances.get(instanceId)
    if (!instance || !this.#world.isVisible(instance))
      throw new SimError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`)
    return instance
  }
}

const volumeNotFound = (id: string): SimError => new SimError('InvalidVolume.NotFound', `The volume '${id}' does not exist.`)
const present = <T>(items: readonly (T | undefined)[]): T[] => items.filter((item): item is T => item !== undefined)

function volumeField(volume: Volume, name: string): readonly (string | undefined)[] | undefined {
  switch (name) {
    case 'volume-id':
      return [volume.volumeId]
    case 'attachment.instance-id':
      return [volume.attachment?.instanceId]
    case 'attachment.device':
      return [volume.attachment?.device]
    case 'attachment.status':
      return [volume.attachment?.state]
    case 'attachment.delete-on-termination':
      return [volume.attachment === undefined ? undefined : String(volume.attachment.deleteOnTermination)]
    case 'status':
      return [volume.state]
    case 'size':
      return [String(volume.sizeGiB)]
    case 'snapshot-id':
      return [volume.snapshotId]
    case 'volume-type':
      return [volume.type]
    case 'availability-zone':
      return [volume.zone]
    case 'encrypted':
      return [String(volume.encrypted)]
    default:
      return undefined
  }
}
