import type { JsonObject } from '@understudy/core'
import type { RunInstancesInput } from './api.ts'
import type { Catalogue } from './catalogue.ts'
import { ClientTokens } from './client-tokens.ts'
import { LaunchPlanner, withoutDevice, type LaunchPlan, type NicPlan } from './launch-plan.ts'
import type { HostGroups, HostPlace } from './host-groups.ts'
import type { Network } from './network.ts'
import type { Lifecycle } from './lifecycle.ts'
import { SimError } from './sim-error.ts'
import type { SpotRequests } from './spot-requests.ts'
import type { Storage } from './storage.ts'
import type { Image, Instance, InstanceType, NetworkInterface, SpotPurchase, SpotRequest } from './types.ts'
import type { World } from './world.ts'

/** RunInstances: everything is checked (`launch-plan.ts`) before anything is made. */
export class Launch {
  readonly #world: World
  readonly #network: Network
  readonly #catalogue: Catalogue
  readonly #storage: Storage
  readonly #spotRequests: SpotRequests
  readonly #hostGroups: HostGroups
  readonly #tokens: ClientTokens
  readonly #planner: LaunchPlanner

  constructor(
    world: World,
    parts: {
      network: Network
      catalogue: Catalogue
      storage: Storage
      spotRequests: SpotRequests
      lifecycle: Lifecycle
      hostGroups: HostGroups
    },
  ) {
    this.#world = world
    this.#network = parts.network
    this.#catalogue = parts.catalogue
    this.#storage = parts.storage
    this.#spotRequests = parts.spotRequests
    this.#hostGroups = parts.hostGroups
    this.#tokens = new ClientTokens(world)
    this.#planner = new LaunchPlanner(world, parts)
    world.timers.on('spot.relaunch', (timer) => {
      const request = world.state.spotRequests.get(timer.subject)
      if (request?.state === 'open' && !this.#relaunch(request)) this.#spotRequests.again(request, 'spot.relaunch')
    })
    world.timers.on('spot.return', (timer) => {
      const request = world.state.spotRequests.get(timer.subject)
      const instance = world.state.instances.get(request?.instanceId ?? '')
      if (request?.state === 'open' && instance && !parts.lifecycle.startAgain(instance)) this.#spotRequests.again(request, 'spot.return')
    })
  }

  run(input: RunInstancesInput): { readonly reservationId: string; readonly instances: readonly Instance[] } {
    const { clientToken, ...parameters } = input
    const known = this.#tokens.find('RunInstances', clientToken, parameters)
    if (known) return this.#again(known)
    const plan = this.#planner.check(input)
    const count = this.#countThatFits(plan)
    this.#planner.checkAddresses(plan, count)
    // Before anything is taken: a group that is full takes none.
    this.#hostGroups.place(input, plan.subnet.zone)
    this.#catalogue.take(plan.type.instanceType, plan.subnet.zone, plan.market, count)
    const reservationId = this.#world.id('r')
    const instances: Instance[] = []
    for (let index = 0; index < count; index++) instances.push(this.#make(plan, reservationId, index))
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
      const plan = this.#planner.check(input)
      this.#planner.checkAddresses(plan, 1)
      this.#hostGroups.place(input, plan.subnet.zone)
      this.#catalogue.take(plan.type.instanceType, plan.subnet.zone, 'spot', 1)
      const instance = this.#make(plan, this.#world.id('r'), 0, request)
      request.instanceId = instance.instanceId
      this.#spotRequests.setStatus(request, 'active', 'fulfilled')
      this.begin(instance)
      return true
    } catch (error) {
      if (error instanceof SimError) return false
      throw error
    }
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

  #countThatFits(plan: LaunchPlan): number {
    const free = this.#catalogue.capacity(plan.type.instanceType, plan.subnet.zone, plan.market)
    // With less than the minimum, `take` refuses with the right error.
    return Math.max(plan.input.minCount, Math.min(plan.input.maxCount, free))
  }

  #make(plan: LaunchPlan, reservationId: string, launchIndex: number, again?: SpotRequest): Instance {
    const { input, image, type, subnet } = plan
    const world = this.#world
    const instanceId = world.id('i')
    const atMs = world.now()
    const nics = plan.nics.map((nic) => this.#makeNic(nic, input))
    const primary = nics[0]
    if (!primary) throw new Error('an instance without a network interface was planned')
    const instance: Instance = {
      ...this.#settings(input, image, type, this.#hostGroups.place(input, subnet.zone)),
      instanceId,
      reservationId,
      ownerId: world.accountId,
      market: plan.market,
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
    if (input.spot) instance.spot = again ? purchaseOf(again) : this.#makeSpotRequest(plan, instanceId)
    for (const disk of plan.blockDevices) {
      this.#storage.createAttached(instance, disk, withoutDevice(disk), again ? {} : (input.tags?.volume ?? {}))
    }
    return instance
  }

  #settings(input: RunInstancesInput, image: Image, type: InstanceType, place: HostPlace) {
    return {
      imageId: image.imageId,
      architecture: image.architecture,
      platform: image.platform,
      instanceType: type.instanceType,
      ...(input.keyName === undefined ? {} : { keyName: input.keyName }),
      ...(input.iamProfileArn === undefined ? {} : { iamProfileArn: input.iamProfileArn }),
      ...(input.userData === undefined ? {} : { userData: input.userData }),
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
      ...place,
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

  #makeSpotRequest(plan: LaunchPlan, instanceId: string): SpotPurchase {
    const world = this.#world
    const { input, type, subnet } = plan
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
