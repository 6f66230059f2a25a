import type { Json, Random } from '@understudy/core'
import type {
  Action,
  Address,
  FixedResponseAction,
  HealthCheck,
  HostGroup,
  Image,
  Instance,
  InstanceState,
  InstanceType,
  InterruptionBehavior,
  Latency,
  Listener,
  LoadBalancer,
  Market,
  MetadataOptions,
  NetworkInterface,
  Page,
  Query,
  Rule,
  RuleCondition,
  ScheduledEvent,
  GroupRule,
  SecurityGroup,
  Snapshot,
  SpotRequest,
  Subnet,
  Tags,
  Target,
  TargetGroup,
  Volume,
  Vpc,
  Zone,
  CallRecord,
} from './types.ts'

export type TaggableKind = 'instance' | 'volume' | 'network-interface' | 'spot-instances-request' | 'snapshot'

export interface BlockDeviceRequest {
  readonly deviceName: string
  readonly snapshotId?: string
  readonly sizeGiB?: number
  readonly type?: string
  readonly iops?: number
  readonly throughputMiBps?: number
  readonly encrypted?: boolean
  readonly kmsKeyId?: string
  readonly deleteOnTermination?: boolean
}
export interface NetworkInterfaceRequest {
  readonly deviceIndex: number
  readonly subnetId: string
  readonly securityGroupIds?: readonly string[]
  readonly privateIp?: string
  readonly associatePublicIp?: boolean
  readonly deleteOnTermination?: boolean
}
export interface RunInstancesInput {
  readonly imageId: string
  readonly instanceType: string
  readonly minCount: number
  readonly maxCount: number
  readonly clientToken?: string
  /** Excludes `networkInterfaces`. Neither: the default subnet of `zone`, or of the first zone. */
  readonly subnetId?: string
  readonly zone?: string
  readonly securityGroupIds?: readonly string[]
  readonly privateIp?: string
  readonly associatePublicIp?: boolean
  readonly networkInterfaces?: readonly NetworkInterfaceRequest[]
  readonly keyName?: string
  readonly userData?: string
  readonly iamProfileArn?: string
  readonly blockDevices?: readonly BlockDeviceRequest[]
  readonly spot?: {
    readonly kind?: 'one-time' | 'persistent'
    readonly interruptionBehavior?: InterruptionBehavior
    /** USD per hour, decimal text. */
    readonly maxPrice?: string
  }
  readonly hibernationConfigured?: boolean
  readonly disableApiTermination?: boolean
  readonly disableApiStop?: boolean
  readonly shutdownBehavior?: 'stop' | 'terminate'
  readonly metadataOptions?: Partial<MetadataOptions>
  readonly monitoring?: boolean
  readonly tenancy?: Instance['tenancy']
  /** By name or id. */
  readonly placementGroup?: string
  readonly partition?: number
  /** A group of the owner's own hosts, or one of the hosts; with `tenancy` `host` alone any of them in the zone. */
  readonly hostGroup?: string
  readonly hostId?: string
  readonly ebsOptimized?: boolean
  readonly cpuCredits?: 'standard' | 'unlimited'
  readonly autoRecovery?: 'default' | 'disabled'
  readonly capacityReservationPreference?: 'open' | 'none'
  readonly tags?: Partial<Record<TaggableKind, Tags>>
}
export interface StateChange {
  readonly instanceId: string
  readonly previousState: InstanceState
  readonly currentState: InstanceState
}
export type InstanceAttributeChange =
  | { readonly attribute: 'instanceType'; readonly value: string }
  | { readonly attribute: 'disableApiTermination'; readonly value: boolean }
  | { readonly attribute: 'disableApiStop'; readonly value: boolean }
  | { readonly attribute: 'userData'; readonly value: string }
  | { readonly attribute: 'instanceInitiatedShutdownBehavior'; readonly value: 'stop' | 'terminate' }
  | { readonly attribute: 'sourceDestCheck'; readonly value: boolean }
  | { readonly attribute: 'ebsOptimized'; readonly value: boolean }
  | { readonly attribute: 'groupSet'; readonly value: readonly string[] }
  | { readonly attribute: 'deleteOnTermination'; readonly value: Readonly<Record<string, boolean>> }

/** Instances, as EC2 answers about them. Everything here throws `SimError`; records returned are read-only views. */
export interface InstanceApi {
  run(input: RunInstancesInput): { readonly reservationId: string; readonly instances: readonly Instance[] }
  describe(query?: Query): Page<Instance>
  start(instanceIds: readonly string[]): readonly StateChange[]
  stop(instanceIds: readonly string[], how?: { readonly force?: boolean; readonly hibernate?: boolean }): readonly StateChange[]
  reboot(instanceIds: readonly string[]): void
  terminate(instanceIds: readonly string[]): readonly StateChange[]
  modifyAttribute(instanceId: string, change: InstanceAttributeChange): void
  modifyMetadataOptions(instanceId: string, options: Partial<MetadataOptions>): MetadataOptions
  /** The record itself, without eventual consistency; for the data plane, control and tests. */
  get(instanceId: string): Instance | undefined
  /** State as a reader sees it now; differs from the record's while a stale read is possible. */
  seenState(instance: Instance): InstanceState
  /** The guest stops answering, or answers again, while EC2 calls it running: a failed process, not a failed host. */
  setAnswering(instanceId: string, answering: boolean): void
  all(): Iterable<Instance>
  count(): number
}

export interface NewHostGroup {
  readonly name: string
  readonly strategy: HostGroup['strategy']
  /** Own hosts have one; a cluster has that of its first member unless it is given. */
  readonly zone?: string
  readonly partitions?: number
  /** Of own hosts: how many, and how many instances each takes. */
  readonly hosts?: number
  readonly slotsPerHost?: number
}
export interface HostGroupApi {
  create(input: NewHostGroup): HostGroup
  find(nameOrId: string): HostGroup | undefined
  describe(query?: Query): Page<HostGroup>
  /** Whoever is in it stays where they are. */
  remove(name: string): void
  /** No more than this many instances from now on; infinity: as many as its strategy allows. */
  setRoom(name: string, room: number): void
  /** Equal for instances that may share hardware. */
  hardwareOf(instanceId: string): string
}

export interface CreateVolumeInput {
  readonly zone: string
  readonly sizeGiB?: number
  readonly snapshotId?: string
  /** Of a copy in another region, for clouds whose copies can be used in any. */
  readonly snapshotRegion?: string
  readonly type?: string
  readonly iops?: number
  readonly throughputMiBps?: number
  readonly encrypted?: boolean
  readonly kmsKeyId?: string
  readonly clientToken?: string
  readonly tags?: Tags
}
export interface StorageApi {
  createVolume(input: CreateVolumeInput): Volume
  describeVolumes(query?: Query): Page<Volume>
  attach(input: { readonly volumeId: string; readonly instanceId: string; readonly device: string }): Volume
  detach(input: { readonly volumeId: string; readonly instanceId?: string; readonly device?: string; readonly force?: boolean }): Volume
  deleteVolume(volumeId: string): void
  /** `isUsableAtOnce`: complete when it is made; without it the copy takes its time. */
  createSnapshot(input: {
    readonly volumeId: string
    readonly description?: string
    readonly tags?: Tags
    readonly isUsableAtOnce?: boolean
  }): Snapshot
  /** All volumes of one instance at one instant. */
  createSnapshots(input: {
    readonly instanceId: string
    readonly excludeBootVolume?: boolean
    readonly excludeDataVolumeIds?: readonly string[]
    readonly description?: string
    readonly copyTagsFromVolume?: boolean
    readonly tags?: Tags
  }): readonly Snapshot[]
  copySnapshot(input: CopySnapshotInput): Snapshot
  /** `region`: of copies in that one instead. */
  describeSnapshots(query?: Query, region?: string): Page<Snapshot>
  /** From now on the cloud says that it cannot be read. */
  spoilSnapshot(snapshotId: string, region?: string): void
  /** Its bytes change, and the cloud does not notice. Of `length` bytes from `offset` every bit is turned. */
  corruptSnapshot(snapshotId: string, range: { readonly offset: number; readonly length: number }): void
  deleteSnapshot(snapshotId: string, region?: string): void
  /** 0–100 now. */
  progressPercent(snapshot: Snapshot): number
  getVolume(volumeId: string): Volume | undefined
  getSnapshot(snapshotId: string): Snapshot | undefined
}

/** A copy in another region; encrypted where the source is. */
export interface CopySnapshotInput {
  readonly snapshotId: string
  readonly region: string
  readonly description?: string
  readonly encrypted?: boolean
  readonly kmsKeyId?: string
  readonly tags?: Tags
  /** How many may be on their way to the region at once. Default: EC2's limit. */
  readonly atOnceMax?: number
}

export interface TagApi {
  /** Any id the data centre knows: instance, volume, snapshot, address, subnet, group, image, spot request, network interface. */
  create(resourceIds: readonly string[], tags: Tags): void
  /** `undefined` as a value deletes whatever the value is. */
  delete(resourceIds: readonly string[], tags: Readonly<Record<string, string | undefined>>): void
  describe(query?: Query): Page<{ readonly resourceId: string; readonly resourceType: string; readonly key: string; readonly value: string }>
}

export interface NetworkApi {
  describeZones(query?: Query): Page<Zone>
  describeVpcs(query?: Query): Page<Vpc>
  describeSubnets(query?: Query): Page<Subnet>
  describeSecurityGroups(query?: Query): Page<SecurityGroup>
  describeNetworkInterfaces(query?: Query): Page<NetworkInterface & { readonly instanceId: string }>
  allocateAddress(tags?: Tags): Address
  associateAddress(input: {
    readonly allocationId: string
    readonly instanceId?: string
    readonly networkInterfaceId?: string
    readonly privateIp?: string
    readonly allowReassociation?: boolean
  }): { readonly associationId: string }
  disassociateAddress(associationId: string): void
  releaseAddress(allocationId: string): void
  describeAddresses(query?: Query): Page<Address>
  createSubnet(input: { readonly zone: string; readonly cidr: string; readonly vpcId?: string; readonly tags?: Tags }): Subnet
  createSecurityGroup(input: { readonly name: string; readonly description?: string; readonly vpcId?: string; readonly tags?: Tags }): SecurityGroup
  /** Refused while an instance is in it. */
  deleteSecurityGroup(groupId: string): void
  addRules(groupId: string, direction: 'ingress' | 'egress', rules: readonly GroupRule[]): void
  removeRules(groupId: string, direction: 'ingress' | 'egress', rules: readonly GroupRule[]): void
  letsIn(groupId: string, port: number): boolean
  needSubnet(subnetId: string): Subnet
}

export interface CatalogueApi {
  describeImages(query?: Query): Page<Image>
  describeInstanceTypes(query?: Query): Page<InstanceType>
  /** One row per type and zone in which it is offered. */
  describeOfferings(query?: Query): Page<{ readonly instanceType: string; readonly zone: string }>
  spotPrices(query?: { readonly instanceTypes?: readonly string[]; readonly zone?: string }): readonly SpotPrice[]
  onDemandPrice(instanceType: string): number | undefined
  setSpotPrice(instanceType: string, zone: string, usdPerHour: number): void
  setOnDemandPrice(instanceType: string, usdPerHour: number): void
  /** Free places of a type in a zone and market; `Infinity` is the default. Running instances have taken theirs already. */
  setCapacity(instanceType: string, zone: string, market: Market, free: number): void
  capacity(instanceType: string, zone: string, market: Market): number
  addImage(image: Omit<Image, 'createdAtMs' | 'ownerId' | 'state' | 'tags'> & { readonly tags?: Tags }): Image
  addInstanceType(type: InstanceType): void
}
export interface SpotPrice {
  readonly instanceType: string
  readonly zone: string
  readonly usdPerHour: number
  readonly atMs: number
}

export interface CreateTargetGroupInput {
  readonly name: string
  readonly port: number
  readonly protocol?: string
  readonly targetType?: 'instance' | 'ip'
  readonly healthCheck?: Partial<HealthCheck>
  readonly deregistrationDelaySeconds?: number
  readonly tags?: Tags
}
export interface BalancerApi {
  createLoadBalancer(input: {
    readonly name: string
    readonly kind?: LoadBalancer['kind']
    readonly subnetIds?: readonly string[]
    readonly tags?: Tags
  }): LoadBalancer
  deleteLoadBalancer(arn: string): void
  describeLoadBalancers(query?: { readonly arns?: readonly string[]; readonly names?: readonly string[] }): readonly LoadBalancer[]
  createListener(input: {
    readonly loadBalancerArn: string
    readonly port: number
    readonly protocol?: string
    readonly defaultActions: readonly Action[]
    readonly tags?: Tags
  }): Listener
  modifyListener(input: {
    readonly listenerArn: string
    readonly port?: number
    readonly protocol?: string
    readonly defaultActions?: readonly Action[]
  }): Listener
  deleteListener(arn: string): void
  describeListeners(query: { readonly loadBalancerArn?: string; readonly listenerArns?: readonly string[] }): readonly Listener[]
  createRule(input: {
    readonly listenerArn: string
    readonly priority: number
    readonly conditions: readonly RuleCondition[]
    readonly actions: readonly Action[]
    readonly tags?: Tags
  }): Rule
  modifyRule(input: { readonly ruleArn: string; readonly conditions?: readonly RuleCondition[]; readonly actions?: readonly Action[] }): Rule
  deleteRule(arn: string): void
  describeRules(query: { readonly listenerArn?: string; readonly ruleArns?: readonly string[] }): readonly Rule[]
  createTargetGroup(input: CreateTargetGroupInput): TargetGroup
  modifyTargetGroup(input: { readonly targetGroupArn: string; readonly healthCheck: Partial<HealthCheck> }): TargetGroup
  deleteTargetGroup(arn: string): void
  describeTargetGroups(query?: {
    readonly arns?: readonly string[]
    readonly names?: readonly string[]
    readonly loadBalancerArn?: string
  }): readonly TargetGroup[]
  /** `deregistration_delay.timeout_seconds` takes effect; other keys are kept. */
  modifyTargetGroupAttributes(targetGroupArn: string, attributes: Readonly<Record<string, string>>): TargetGroup
  modifyLoadBalancerAttributes(loadBalancerArn: string, attributes: Readonly<Record<string, string>>): LoadBalancer
  /** Load balancers whose listeners or rules forward to the group. */
  loadBalancersOf(targetGroupArn: string): readonly string[]
  registerTargets(targetGroupArn: string, targets: readonly TargetId[]): void
  deregisterTargets(targetGroupArn: string, targets: readonly TargetId[]): void
  /** All targets of the group; a named one that is not registered is `unused` with reason `Target.NotRegistered`. */
  targetHealth(targetGroupArn: string, targets?: readonly TargetId[]): readonly Target[]
  /**
   * Who serves the next request of this listener: the first rule that matches or the default action, then a group by weight,
   * then one of its healthy targets; any of its registered ones when none is healthy (a load balancer fails open).
   */
  choose(listenerArn: string, random: Random, request?: { readonly path?: string; readonly host?: string }): Choice
  addTags(arns: readonly string[], tags: Tags): void
  removeTags(arns: readonly string[], keys: readonly string[]): void
  describeTags(arns: readonly string[]): readonly { readonly arn: string; readonly tags: Tags }[]
}
export type Choice =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'fixed-response'; readonly action: FixedResponseAction }
  /** The group chosen has no target that could serve, or the weights sum to zero: 503. */
  | { readonly kind: 'none' }
export interface TargetId {
  readonly instanceId: string
  /** Default: the group's port. */
  readonly port?: number
}

export interface MarketApi {
  /**
   * Announces and then carries out a spot interruption: the warning now, the reclaim after `noticeMs` (default 120,000;
   * for `hibernate` it begins at once, as on EC2). `action` defaults to the behaviour chosen at launch.
   */
  interrupt(instanceId: string, how?: { readonly noticeMs?: number; readonly action?: InterruptionBehavior; readonly copies?: number }): void
  /** Takes the instance at once; `noticeAfterMs` sends the warning late, after the fact. */
  reclaim(instanceId: string, how?: { readonly action?: InterruptionBehavior; readonly noticeAfterMs?: number }): void
  rebalance(instanceId: string): void
  /** Interrupts every running spot instance that matches; returns their ids. */
  massReclaim(which: {
    readonly zone?: string
    readonly instanceType?: string
    readonly instanceIds?: readonly string[]
    readonly noticeMs?: number
  }): readonly string[]
  /** Sends the last warning of this instance again, byte for byte. */
  repeatNotice(instanceId: string): void
  describeSpotRequests(query?: Query): Page<SpotRequest>
  cancelSpotRequests(requestIds: readonly string[]): readonly SpotRequest[]
}

export interface MaintenanceApi {
  schedule(
    instanceId: string,
    event: {
      readonly code: ScheduledEvent['code']
      readonly notBeforeMs: number
      readonly notAfterMs?: number
      readonly notBeforeDeadlineMs?: number
      readonly description?: string
      readonly lastsMs?: number
    },
  ): ScheduledEvent
  /** The cloud itself moves the start of what it has announced. */
  move(instanceId: string, instanceEventId: string, notBeforeMs: number): ScheduledEvent
  /** Before its time: somebody has approved it, where the cloud lets them. */
  start(instanceId: string, instanceEventId: string): void
  /** What is under way is over now, however long it was to last. */
  finish(instanceId: string, instanceEventId: string): void
  /** ModifyInstanceEventStartTime: only with a deadline, not beyond it, at least 60 min ahead, not in the last 5 min. */
  postpone(instanceId: string, instanceEventId: string, notBeforeMs: number): ScheduledEvent
  /** The cloud takes back what it has announced. */
  cancel(instanceId: string, instanceEventId: string): void
  /** DescribeInstanceStatus, with events that are over for a week. Without `includeAll` only running instances. */
  describeStatus(query?: Query & { readonly includeAll?: boolean }): Page<InstanceStatus>
}
export interface InstanceStatus {
  readonly instance: Instance
  readonly systemStatus: 'ok' | 'impaired' | 'initializing' | 'not-applicable'
  readonly instanceStatus: 'ok' | 'impaired' | 'initializing' | 'not-applicable'
  readonly events: readonly ScheduledEvent[]
}

export type Fault =
  | { readonly kind: 'throttle' }
  | { readonly kind: 'capacity' }
  | { readonly kind: 'internal_error' }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'reset_before' }
  | { readonly kind: 'reset_after' }
  | { readonly kind: 'latency'; readonly latency: Latency }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly status: number }
/** One line of a fault plan: each call of a matching operation suffers the fault with this probability. */
export interface FaultRule {
  /** Operation name (`RunInstances`) or `*`. */
  readonly operation: string
  readonly fault: Fault
  readonly probability: number
}
export interface FaultApi {
  /** The next `times` calls (default 1) of the operation suffer the fault. */
  failNext(operation: string, fault: Fault, times?: number): void
  /** Replaces the probability plan; decided with the seeded randomness. */
  plan(rules: readonly FaultRule[]): void
  /** Nothing launches or answers in the zone; running instances of it stop answering until `restoreZone`. */
  failZone(zone: string): void
  restoreZone(zone: string): void
  /** The next instance that enters this state stays in it until `releaseStuck`. */
  stickNext(state: 'pending' | 'stopping' | 'shutting-down'): void
  releaseStuck(): void
  /** The next `times` (default 1) hibernations silently become plain stops. */
  failHibernations(times?: number): void
  /**
   * The next `times` launches or starts are accepted and fail in `pending`: a new instance terminates, a started one stops
   * again, with this state reason (default `Server.InsufficientInstanceCapacity`).
   */
  failLaunches(times?: number, reasonCode?: string): void
  /** The next `times` snapshot sets end in `error`. */
  failSnapshots(times?: number): void
  /** Snapshots of the volumes that the instance has now stay pending until `releaseStuck`. */
  stickSnapshots(instanceId: string): void
  /** Multiplies boot and start latencies (1 = normal). */
  slowStarts(factor: number): void
  setConsistency(consistency: { readonly visibleAfter?: Latency; readonly staleFor?: Latency }): void
  clear(): void
}

export interface CallLog {
  readonly recent: readonly CallRecord[]
  count(operation: string): number
  counts(): Readonly<Record<string, number>>
  reset(): void
}

export interface InvokeOptions {
  /** Resources the call touches, for the resource token buckets (RunInstances, Start, Stop, Terminate). */
  readonly resources?: number
  /** True for an unfiltered, unpaged describe: a smaller bucket. */
  readonly unpaged?: boolean
  readonly detail?: Json
}

export interface Orphan {
  readonly kind: 'instance' | 'volume' | 'snapshot' | 'address'
  readonly id: string
  readonly operationKey: string
  readonly createdAtMs: number
  readonly tags: Tags
}
