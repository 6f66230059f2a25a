import type { BlockDeviceRequest, NetworkInterfaceRequest, RunInstancesInput } from './api.ts'
import type { Catalogue } from './catalogue.ts'
import type { Network } from './network.ts'
import { SimError } from './sim-error.ts'
import type { Storage } from './storage.ts'
import type { Image, InstanceType, Market, Subnet } from './types.ts'
import type { World } from './world.ts'

/** A launch that nothing speaks against. */
export interface LaunchPlan {
  readonly input: RunInstancesInput
  readonly image: Image
  readonly type: InstanceType
  readonly market: Market
  readonly subnet: Subnet
  readonly nics: readonly NicPlan[]
  readonly blockDevices: readonly BlockDeviceRequest[]
}
export interface NicPlan {
  readonly deviceIndex: number
  readonly subnet: Subnet
  readonly securityGroupIds: readonly string[]
  readonly privateIp?: string
  readonly publicIp: boolean
  readonly deleteOnTermination: boolean
}

/** Everything that RunInstances checks before it makes anything. */
export class LaunchPlanner {
  readonly #world: World
  readonly #network: Network
  readonly #catalogue: Catalogue
  readonly #storage: Storage

  constructor(world: World, parts: { readonly network: Network; readonly catalogue: Catalogue; readonly storage: Storage }) {
    this.#world = world
    this.#network = parts.network
    this.#catalogue = parts.catalogue
    this.#storage = parts.storage
  }

  /** Throws what EC2 would refuse; makes nothing. */
  check(input: RunInstancesInput): LaunchPlan {
    if (input.minCount < 1 || input.maxCount < input.minCount) {
      throw new SimError('InvalidParameterValue', `Invalid value '${input.minCount}' for minCount. It must be between 1 and maxCount.`)
    }
    const image = this.#world.state.images.get(input.imageId)
    if (!image) throw new SimError('InvalidAMIID.NotFound', `The image id '[${input.imageId}]' does not exist`)
    if (image.state !== 'available') throw new SimError('InvalidAMIID.Unavailable', `The image id '[${input.imageId}]' is no longer available`)
    const type = this.#catalogue.need(input.instanceType)
    if (type.architecture !== image.architecture) {
      throw new SimError(
        'InvalidParameterValue',
        `The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI.`,
      )
    }
    const nics = this.#planNics(input)
    const subnet = nics[0]?.subnet ?? this.#network.defaultSubnet(input.zone)
    if (!this.#catalogue.isOffered(type.instanceType, subnet.zone)) {
      throw new SimError(
        'Unsupported',
        `Your requested instance type (${type.instanceType}) is not supported in your requested Availability Zone (${subnet.zone}).`,
      )
    }
    const blockDevices = this.#planDisks(input, image, type)
    if (input.hibernationConfigured) this.#checkHibernation(type, image, blockDevices)
    this.#checkSpot(input, type, subnet)
    return { input, image, type, market: input.spot ? 'spot' : 'on-demand', subnet, nics, blockDevices }
  }

  #planNics(input: RunInstancesInput): NicPlan[] {
    if (input.networkInterfaces && input.networkInterfaces.length > 0) {
      if (input.subnetId !== undefined || input.securityGroupIds !== undefined || input.privateIp !== undefined) {
        throw new SimError(
          'InvalidParameterCombination',
          'Network interfaces and an instance-level subnet ID, security groups or private address may not be specified on the same request',
        )
      }
      const plans = input.networkInterfaces.map((nic) => this.#planNic(nic)).toSorted((a, b) => a.deviceIndex - b.deviceIndex)
      if (plans[0]?.deviceIndex !== 0)
        throw new SimError('InvalidParameterCombination', 'The primary network interface must have the device index 0.')
      if (new Set(plans.map((plan) => plan.subnet.zone)).size > 1) {
        throw new SimError('InvalidParameterCombination', 'All network interfaces must be in the same availability zone.')
      }
      return plans
    }
    const subnet = input.subnetId === undefined ? this.#network.defaultSubnet(input.zone) : this.#network.needSubnet(input.subnetId)
    if (input.zone !== undefined && subnet.zone !== input.zone) {
      throw new SimError('InvalidParameterValue', `The subnet ${subnet.subnetId} is not in the availability zone ${input.zone}.`)
    }
    return [
      this.#planNic({
        deviceIndex: 0,
        subnetId: subnet.subnetId,
        ...(input.securityGroupIds ? { securityGroupIds: input.securityGroupIds } : {}),
        ...(input.privateIp === undefined ? {} : { privateIp: input.privateIp }),
        ...(input.associatePublicIp === undefined ? {} : { associatePublicIp: input.associatePublicIp }),
      }),
    ]
  }

  #planNic(nic: NetworkInterfaceRequest): NicPlan {
    const subnet = this.#network.needSubnet(nic.subnetId)
    const groups = nic.securityGroupIds ?? []
    const plan = {
      deviceIndex: nic.deviceIndex,
      subnet,
      securityGroupIds: groups.length > 0 ? this.#network.needGroups(groups, subnet.vpcId) : this.#network.defaultGroup(subnet.vpcId),
      publicIp: nic.associatePublicIp ?? (nic.deviceIndex === 0 && subnet.mapPublicIpOnLaunch),
      deleteOnTermination: nic.deleteOnTermination ?? true,
    }
    return nic.privateIp === undefined ? plan : { ...plan, privateIp: nic.privateIp }
  }

  #planDisks(input: RunInstancesInput, image: Image, type: InstanceType): BlockDeviceRequest[] {
    const requested = input.blockDevices ?? []
    if (new Set(requested.map((disk) => disk.deviceName)).size < requested.length) {
      throw new SimError('InvalidBlockDeviceMapping', 'A device name is used more than once.')
    }
    const root = requested.find((disk) => disk.deviceName === image.rootDeviceName)
    // The image's own root disk exists whatever is asked for; a mapping under its device name only changes it.
    const disks: BlockDeviceRequest[] = [
      {
        ...(image.rootSnapshotId === undefined ? {} : { snapshotId: image.rootSnapshotId }),
        ...root,
        deviceName: image.rootDeviceName,
        sizeGiB: root?.sizeGiB ?? this.#snapshotSize(root?.snapshotId) ?? image.rootSizeGiB,
        deleteOnTermination: root?.deleteOnTermination ?? true,
      },
      ...requested.filter((disk) => disk !== root),
    ]
    if (disks.length > type.maxVolumes)
      throw new SimError('AttachmentLimitExceeded', `Instance type ${type.instanceType} takes at most ${type.maxVolumes} volumes.`)
    const zone = this.#world.state.zones.keys().next().value ?? ''
    for (const disk of disks) this.#storage.checkCreate({ ...withoutDevice(disk), zone }, 'InvalidBlockDeviceMapping')
    return disks
  }

  #snapshotSize(snapshotId: string | undefined): number | undefined {
    return snapshotId === undefined ? undefined : this.#world.state.snapshots.get(snapshotId)?.sizeGiB
  }

  #checkHibernation(type: InstanceType, image: Image, disks: readonly BlockDeviceRequest[]): void {
    const root = disks[0]
    if (!type.hibernationSupported) {
      throw new SimError('UnsupportedHibernationConfiguration', `The instance type '${type.instanceType}' does not support hibernation.`)
    }
    if (!root || !this.#storage.willBeEncrypted(root)) {
      throw new SimError('UnsupportedHibernationConfiguration', 'Hibernation requires an encrypted root volume.')
    }
    if ((root.sizeGiB ?? image.rootSizeGiB) * 1024 < type.memoryMiB) {
      throw new SimError('UnsupportedHibernationConfiguration', 'The root volume is too small to hold the memory of the instance.')
    }
  }

  #checkSpot(input: RunInstancesInput, type: InstanceType, subnet: Subnet): void {
    if (!input.spot) return
    const kind = input.spot.kind ?? 'one-time'
    const behavior = input.spot.interruptionBehavior ?? 'terminate'
    if (kind === 'one-time' && behavior !== 'terminate') {
      throw new SimError(
        'InvalidParameterCombination',
        `The instance interruption behavior '${behavior}' is supported only for persistent Spot requests.`,
      )
    }
    if (behavior === 'hibernate' && !type.hibernationSupported) {
      throw new SimError('InvalidParameterValue', `The instance type '${type.instanceType}' does not support hibernation.`)
    }
    const price = this.#catalogue.spotPrice(type.instanceType, subnet.zone)
    if (input.spot.maxPrice !== undefined && Number(input.spot.maxPrice) < price) {
      throw new SimError(
        'SpotMaxPriceTooLow',
        `Your Spot request price of ${input.spot.maxPrice} is lower than the minimum required Spot request fulfillment price of ${price}.`,
      )
    }
  }

  /** Throws unless the subnets have addresses for `count` instances. */
  checkAddresses(checked: LaunchPlan, count: number): void {
    const perSubnet = new Map<Subnet, number>()
    for (const { subnet } of checked.nics) perSubnet.set(subnet, (perSubnet.get(subnet) ?? 0) + count)
    for (const [subnet, wanted] of perSubnet) this.#network.checkFree(subnet, wanted)
    for (const { subnet, privateIp } of checked.nics) if (privateIp !== undefined) this.#network.checkWanted(subnet, privateIp)
  }
}

export function withoutDevice(disk: BlockDeviceRequest): Omit<BlockDeviceRequest, 'deviceName' | 'deleteOnTermination'> {
  const { deviceName: _deviceName, deleteOnTermination: _deleteOnTermination, ...volume } = disk
  return volume
}
