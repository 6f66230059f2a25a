import type { JsonObject } from '@understudy/core'
import type { BlockDeviceRequest, NetworkInterfaceRequest, RunInstancesInput } from './api.ts'
import type { Catalogue } from './catalogue.ts'
import { ClientTokens } from './client-tokens.ts'
import type { Network } from './network.ts'
import type { Power } from './power.ts'
import { SimError } from './sim-error.ts'
import type { SpotRequests } from './spot-requests.ts'
import type { Storage } from './storage.ts'
import type { Image, Instance, InstanceType, Market, NetworkInterface, SpotPurchase, SpotRequest, Subnet } from './types.ts'
import type { World } from './world.ts'

interface Checked {
  readonly input: RunInstancesInput
  readonly image: Image
  readonly type: InstanceType
  readonly market: Market
  readonly subnet: Subnet
  readonly nics: readonly NicPlan[]
  readonly blockDevices: readonly BlockDeviceRequest[]
}
interface NicPlan {
  readonly deviceIndex: number
  readonly subnet: Subnet
  readonly securityGroupIds: readonly string[]
  readonly privateIp?: string
  readonly publicIp: boolean
  readonly deleteOnTermination: boolean
}

/** RunInstances: everything is checked before anything is made. */
export class Launch {
  readonly #world: World
  readonly #network: Network
  readonly #catalogue: Catalogue
  readonly #storage: Storage
  readonly #spotRequests: SpotRequests
  readonly #tokens: ClientTokens

  constructor(world: World, parts: { network: Network; catalogue: Catalogue; storage: Storage; spotRequests: SpotRequests; power: Power }) {
    this.#world = world
    this.#network = parts.network
    this.#catalogue = parts.catalogue
    this.#storage = parts.storage
    this.#spotRequests = parts.spotRequests
    this.#tokens = new ClientTokens(world)
    world.timers.on('spot.relaunch', (timer) => {
      const request = world.state.spotRequests.get(timer.subject)
      if (request?.state === 'open' && !this.#relaunch(request)) this.#spotRequests.again(request, 'spot.relaunch')
    })
    world.timers.on('spot.return', (timer) => {
      const request = world.state.spotRequests.get(timer.subject)
      const instance = world.state.instances.get(request?.instanceId ?? '')
      if (request?.state === 'open' && instance && !parts.power.startAgain(instance)) this.#spotRequests.again(request, 'spot.return')
    })
  }

  run(input: RunInstancesInput): { readonly reservationId: string; readonly instances: readonly Instance[] } {
    const { clientToken, ...parameters } = input
    const known = this.#tokens.find('RunInstances', clientToken, parameters)
    if (known) return this.#again(known)
    const checked = this.#check(input)
    const count = this.#countThatFits(checked)
    this.#checkAddresses(checked, count)
    this.#catalogue.take(checked.type.instanceType, checked.subnet.zone, checked.market, count)
    const reservationId = this.#world.id('r')
    const instances: Instance[] = []
    for (let index = 0; index < count; index++) instances.push(this.#make(checked, reservationId, index))
    this.#tokens.remember(
      'RunInstances',
      clientToken,
      parameters,
      instances.map((instance) => instance.instanceId),
    )
    for (const instance of instances) this.begin(instance)
    return { reservationId, instances }
  }

  /** Announces a new instance and lets it come up. */
  begin(instance: Instance): void {
    this.#world.enter(instance, 'pending')
    delete instance.previousState
    this.#world.passThrough(instance, 'pending', 'pending', 'instance.running', this.#pendingMs())
  }

  /**
   * Another instance for a persistent request whose instance has ended. It carries none of the tags of the first: EC2 gives a
   * relaunch only what the request itself says. False when it cannot be launched now.
   */
  #relaunch(request: SpotRequest): boolean {
    const input = request.launch as unknown as RunInstancesInput
    try {
      const checked = this.#check(input)
      this.#checkAddresses(checked, 1)
      this.#catalogue.take(checked.type.instanceType, checked.subnet.zone, 'spot', 1)
      const instance = this.#make(checked, this.#world.id('r'), 0, request)
      request.instanceId = instance.instanceId
      this.#spotRequests.setStatus(request, 'active', 'fulfilled')
      this.begin(instance)
      return true
    } catch (error) {
      if (error instanceof SimError) return false
      throw error
    }
  }

  #checkAddresses(checked: Checked, count: number): void {
    const perSubnet = new Map<Subnet, number>()
    for (const { subnet } of checked.nics) perSubnet.set(subnet, (perSubnet.get(subnet) ?? 0) + count)
    for (const [subnet, wanted] of perSubnet) this.#network.checkFree(subnet, wanted)
    for (const { subnet, privateIp } of checked.nics) if (privateIp !== undefined) this.#network.checkWanted(subnet, privateIp)
  }

  #pendingMs(): number {
    return this.#world.draw(this.#world.latencies.pending) * this.#world.conditions.slowStarts
  }

  #again(ids: readonly string[]): { readonly reservationId: string; readonly instances: readonly Instance[] } {
    const instances = ids.map((id) => this.#world.state.instances.get(id))
    const alive = instances.filter((instance) => instance !== undefined && instance.state !== 'terminated' && instance.state !== 'shutting-down')
    if (alive.length < ids.length) {
      throw new SimError(
        'IdempotentInstanceTerminated',
        'The client token is associated with an instance that has been terminated. Use a new client token.',
      )
    }
    const found = alive as Instance[]
    return { reservationId: found[0]?.reservationId ?? '', instances: found }
  }

  #check(input: RunInstancesInput): Checked {
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

  #countThatFits(checked: Checked): number {
    const free = this.#catalogue.capacity(checked.type.instanceType, checked.subnet.zone, checked.market)
    // With less than the minimum, `take` refuses with the right error.
    return Math.max(checked.input.minCount, Math.min(checked.input.maxCount, free))
  }

  #make(checked: Checked, reservationId: string, launchIndex: number, again?: SpotRequest): Instance {
    const { input, image, type, subnet } = checked
    const world = this.#world
    const instanceId = world.id('i')
    const atMs = world.now()
    const nics = checked.nics.map((plan) => this.#makeNic(plan, input))
    const primary = nics[0]
    if (!primary) throw new Error('an instance without a network interface was planned')
    const instance: Instance = {
      ...this.#settings(input, image, type),
      instanceId,
      reservationId,
      ownerId: world.accountId,
      market: checked.market,
      launchIndex,
      state: 'pending',
      stateChangedAtMs: atMs,
      stateTransitionReason: '',
      zone: subnet.zone,
      subnetId: subnet.subnetId,
      vpcId: subnet.vpcId,
      privateIp: primary.privateIp,
      privateDnsName: `ip-${primary.privateIp.replaceAll('.', '-')}.${world.region}.compute.internal`,
      nics,
      securityGroupIds: [...primary.securityGroupIds],
      tags: again ? {} : { ...input.tags?.instance },
      blockDevices: [],
      createdAtMs: atMs,
      launchTimeMs: atMs,
      visibleAtMs: world.visibleAt(),
      generation: 0,
      answering: false,
      hibernated: false,
      scheduledEvents: [],
    }
    if (primary.publicIp !== undefined) instance.publicIp = primary.publicIp
    world.state.instances.set(instanceId, instance)
    world.tagIndex.add(instanceId, instance.tags)
    if (input.spot) instance.spot = again ? purchaseOf(again) : this.#makeSpotRequest(checked, instanceId)
    for (const disk of checked.blockDevices) {
      this.#storage.createAttached(instance, disk, withoutDevice(disk), again ? {} : (input.tags?.volume ?? {}))
    }
    return instance
  }

  #settings(input: RunInstancesInput, image: Image, type: InstanceType) {
    return {
      imageId: image.imageId,
      architecture: image.architecture,
      platform: image.platform,
      instanceType: type.instanceType,
      ...(input.keyName === undefined ? {} : { keyName: input.keyName }),
      ...(input.iamProfileArn === undefined ? {} : { iamProfileArn: input.iamProfileArn }),
      ...(input.userData === undefined ? {} : { userData: input.userData }),
      ...(input.placementGroup === undefined ? {} : { placementGroup: input.placementGroup }),
      ...(input.cpuCredits === undefined ? {} : { cpuCredits: input.cpuCredits }),
      ...(input.clientToken === undefined ? {} : { clientToken: input.clientToken }),
      metadataOptions: { ...defaultMetadataOptions, ...input.metadataOptions },
      hibernationConfigured: input.hibernationConfigured ?? false,
      rootDeviceName: image.rootDeviceName,
      disableApiTermination: input.disableApiTermination ?? false,
      disableApiStop: input.disableApiStop ?? false,
      shutdownBehavior: input.shutdownBehavior ?? 'stop',
      ebsOptimized: input.ebsOptimized ?? false,
      monitoring: input.monitoring ? 'enabled' : 'disabled',
      tenancy: input.tenancy ?? 'default',
      bootMode: image.bootMode,
      autoRecovery: input.autoRecovery ?? 'default',
      capacityReservationPreference: input.capacityReservationPreference ?? 'open',
    } as const
  }

  #makeNic(plan: NicPlan, input: RunInstancesInput): NetworkInterface {
    const world = this.#world
    const mac = world.hex(10)
    const nic: NetworkInterface = {
      networkInterfaceId: world.id('eni'),
      subnetId: plan.subnet.subnetId,
      vpcId: plan.subnet.vpcId,
      zone: plan.subnet.zone,
      deviceIndex: plan.deviceIndex,
      attachmentId: world.id('eni-attach'),
      privateIp: this.#network.takePrivateIp(plan.subnet, plan.privateIp),
      mac: ['02', ...(mac.match(/../g) ?? [])].join(':'),
      securityGroupIds: [...plan.securityGroupIds],
      sourceDestCheck: true,
      deleteOnTermination: plan.deleteOnTermination,
      attachTimeMs: world.now(),
      tags: { ...input.tags?.['network-interface'] },
    }
    if (plan.publicIp) nic.publicIp = this.#network.newPublicIp()
    return nic
  }

  #makeSpotRequest(checked: Checked, instanceId: string): SpotPurchase {
    const world = this.#world
    const { input, type, subnet } = checked
    const purchase: SpotPurchase = {
      requestId: `sir-${world.hex(8)}`,
      kind: input.spot?.kind ?? 'one-time',
      interruptionBehavior: input.spot?.interruptionBehavior ?? 'terminate',
    }
    if (input.spot?.maxPrice !== undefined) purchase.maxPrice = input.spot.maxPrice
    const request: SpotRequest = {
      ...purchase,
      instanceId,
      state: 'active',
      statusCode: 'fulfilled',
      statusAtMs: world.now(),
      instanceType: type.instanceType,
      zone: subnet.zone,
      createdAtMs: world.now(),
      tags: { ...input.tags?.['spot-instances-request'] },
    }
    // Without the token: what the request launches later is not what the caller's call has launched.
    const { clientToken: _token, tags: _tags, ...launch } = input
    if (purchase.kind === 'persistent') request.launch = JSON.parse(JSON.stringify(launch)) as JsonObject
    world.state.spotRequests.set(request.requestId, request)
    world.tagIndex.add(request.requestId, request.tags)
    return purchase
  }
}

const purchaseOf = ({ requestId, kind, interruptionBehavior, maxPrice }: SpotRequest): SpotPurchase => ({
  requestId,
  kind,
  interruptionBehavior,
  ...(maxPrice === undefined ? {} : { maxPrice }),
})

const defaultMetadataOptions = {
  httpTokens: 'required',
  httpPutResponseHopLimit: 2,
  httpEndpoint: 'enabled',
  httpProtocolIpv6: 'disabled',
  instanceMetadataTags: 'disabled',
} as const

function withoutDevice(disk: BlockDeviceRequest): Omit<BlockDeviceRequest, 'deviceName' | 'deleteOnTermination'> {
  const { deviceName: _deviceName, deleteOnTermination: _deleteOnTermination, ...volume } = disk
  return volume
}
