import type { Json, JsonObject } from '@understudy/core'

/** Milliseconds since the epoch, on the data centre's own clock. */
export type TimeMs = number
/** A duration: fixed, or drawn evenly from a range with the data centre's seeded randomness. */
export type Latency = number | { readonly minMs: number; readonly maxMs: number }
export type Tags = Record<string, string>

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped'
export type Market = 'on-demand' | 'spot'
export type InterruptionBehavior = 'terminate' | 'stop' | 'hibernate'
export interface StateReason {
  code: string
  message: string
}

// ---------- network ----------
export interface Zone {
  name: string
  zoneId: string
  state: 'available' | 'impaired'
}
export interface Vpc {
  vpcId: string
  cidr: string
  isDefault: boolean
  tags: Tags
}
export interface Subnet {
  subnetId: string
  vpcId: string
  zone: string
  cidr: string
  /** Next host number to hand out; a freed address is reused only when the block is used up. */
  nextHost: number
  freedHosts: number[]
  /** Host numbers that were asked for by name before their turn came. */
  takenAhead: number[]
  mapPublicIpOnLaunch: boolean
  tags: Tags
}
export interface SecurityGroup {
  groupId: string
  name: string
  description: string
  vpcId: string
  tags: Tags
  /** What gets in. Absent: everything from where the callers are; the VPC's own group and those of older states. */
  ingress?: GroupRule[]
  /** What gets out. Absent: everything. */
  egress?: GroupRule[]
}
/** `protocol` -1: all, whatever the ports. */
export interface GroupRule {
  protocol: string
  fromPort?: number
  toPort?: number
  cidr: string
}
export interface NetworkInterface {
  networkInterfaceId: string
  subnetId: string
  vpcId: string
  zone: string
  deviceIndex: number
  attachmentId: string
  privateIp: string
  mac: string
  securityGroupIds: string[]
  sourceDestCheck: boolean
  deleteOnTermination: boolean
  attachTimeMs: TimeMs
  /** An Elastic IP (`allocationId` set) or an address of Amazon's pool that is lost on stop. */
  publicIp?: string
  allocationId?: string
  associationId?: string
  tags: Tags
}
export interface Address {
  allocationId: string
  publicIp: string
  domain: 'vpc'
  instanceId?: string
  networkInterfaceId?: string
  privateIp?: string
  associationId?: string
  tags: Tags
  createdAtMs: TimeMs
}

// ---------- catalogue ----------
export interface Image {
  imageId: string
  name: string
  rootDeviceName: string
  architecture: 'x86_64' | 'arm64'
  platform: 'linux' | 'windows'
  rootSnapshotId?: string
  rootSizeGiB: number
  bootMode: 'uefi' | 'legacy-bios' | 'uefi-preferred'
  state: 'available' | 'deregistered'
  ownerId: string
  createdAtMs: TimeMs
  tags: Tags
}
export interface InstanceType {
  instanceType: string
  vcpus: number
  memoryMiB: number
  hibernationSupported: boolean
  architecture: 'x86_64' | 'arm64'
  onDemandUsdPerHour: number
  maxVolumes: number
  maxNetworkInterfaces: number
  /** Zones that do not offer it; every other zone does. */
  notOfferedIn: string[]
}

// ---------- instances ----------
export interface BlockDevice {
  deviceName: string
  volumeId: string
  deleteOnTermination: boolean
  attachTimeMs: TimeMs
}
export interface MetadataOptions {
  httpTokens: 'optional' | 'required'
  httpPutResponseHopLimit: number
  httpEndpoint: 'enabled' | 'disabled'
  httpProtocolIpv6: 'enabled' | 'disabled'
  instanceMetadataTags: 'enabled' | 'disabled'
}
export interface SpotPurchase {
  requestId: string
  kind: 'one-time' | 'persistent'
  interruptionBehavior: InterruptionBehavior
  maxPrice?: string
}
export interface ScheduledEvent {
  instanceEventId: string
  code: 'instance-reboot' | 'system-reboot' | 'system-maintenance' | 'instance-retirement' | 'instance-stop'
  description: string
  notBeforeMs: TimeMs
  notAfterMs?: TimeMs
  /** Latest time to which the start may be moved; absent: it cannot be moved. */
  notBeforeDeadlineMs?: TimeMs
  state: 'active' | 'completed' | 'canceled'
  /** How long it is under way. Absent: it is over as soon as it has begun. */
  lastsMs?: number
  /** When it began; it is active until it is over. */
  startedAtMs?: TimeMs
  /** When it was over, or taken back; absent while it is active. */
  endedAtMs?: TimeMs
  /** How often its start was moved. */
  moves?: number
}
export interface Interruption {
  action: InterruptionBehavior
  noticedAtMs: TimeMs
  deadlineMs: TimeMs
}

export interface Instance {
  instanceId: string
  reservationId: string
  ownerId: string
  imageId: string
  architecture: 'x86_64' | 'arm64'
  platform: 'linux' | 'windows'
  instanceType: string
  market: Market
  spot?: SpotPurchase
  launchIndex: number
  keyName?: string
  state: InstanceState
  stateChangedAtMs: TimeMs
  /** What a stale read answers, until `staleUntilMs`; who has seen the new state never sees the old one again. */
  previousState?: InstanceState
  staleUntilMs?: TimeMs
  stateReason?: StateReason
  stateTransitionReason: string
  zone: string
  subnetId: string
  vpcId: string
  privateIp: string
  privateDnsName: string
  publicIp?: string
  nics: NetworkInterface[]
  securityGroupIds: string[]
  iamProfileArn?: string
  tags: Tags
  metadataOptions: MetadataOptions
  hibernationConfigured: boolean
  /** Memory is on the root volume: the next start resumes. */
  hibernated: boolean
  rootDeviceName: string
  blockDevices: BlockDevice[]
  /** Base64, as given. */
  userData?: string
  disableApiTermination: boolean
  disableApiStop: boolean
  shutdownBehavior: 'stop' | 'terminate'
  ebsOptimized: boolean
  monitoring: 'disabled' | 'enabled'
  tenancy: 'default' | 'dedicated' | 'host'
  placementGroup?: string
  /** Of a partition placement group, from 1. */
  partition?: number
  /** Its owner's own hosts, and the one that it is on. */
  hostGroup?: string
  hostId?: string
  bootMode: Image['bootMode']
  cpuCredits?: 'standard' | 'unlimited'
  autoRecovery: 'default' | 'disabled'
  capacityReservationPreference: 'open' | 'none'
  clientToken?: string
  createdAtMs: TimeMs
  /** Of the guest, where it has gone down and come back within the current run. */
  rebootedAtMs?: TimeMs
  /** Start of the current run; every start sets it anew. */
  launchTimeMs: TimeMs
  /** Until then a describe does not know the id. */
  visibleAtMs: TimeMs
  /** Rises with every power change, so that a timer of an earlier life does nothing. */
  generation: number
  /** Whether the guest is up: it answers health checks and can hibernate. */
  answering: boolean
  answeringSinceMs?: TimeMs
  terminatedAtMs?: TimeMs
  scheduledEvents: ScheduledEvent[]
  rebalanceAtMs?: TimeMs
  interruption?: Interruption
}

/** A group of hosts, by the name that a launch gives. */
export interface HostGroup {
  groupId: string
  name: string
  strategy: 'cluster' | 'spread' | 'partition' | 'own-hosts'
  /** Of the owner's own hosts; of a cluster only when it was bound to one at its making. */
  zone?: string
  partitions?: number
  hostIds?: string[]
  slotsPerHost?: number
  /** How many instances it takes at most. Absent: as many as its strategy allows. */
  room?: number
}

export interface SpotRequest {
  requestId: string
  instanceId?: string
  kind: 'one-time' | 'persistent'
  interruptionBehavior: InterruptionBehavior
  state: 'open' | 'active' | 'closed' | 'cancelled' | 'failed' | 'disabled'
  statusCode: string
  /** When the status last changed: for a marked request the time of the warning. */
  statusAtMs: TimeMs
  maxPrice?: string
  instanceType: string
  zone: string
  createdAtMs: TimeMs
  tags: Tags
  /** The launch it repeats when its instance is lost; persistent requests only. */
  launch?: JsonObject
}

/** What a client token made; kept after the instances are gone, as EC2 does. */
export interface ClientTokenRecord {
  operation: string
  token: string
  parametersHash: string
  resultIds: string[]
  atMs: TimeMs
}

// ---------- storage ----------
export type VolumeState = 'creating' | 'available' | 'in-use' | 'deleting' | 'deleted' | 'error'
export type AttachmentState = 'attaching' | 'attached' | 'detaching' | 'detached' | 'busy'
export interface VolumeAttachment {
  instanceId: string
  device: string
  state: AttachmentState
  deleteOnTermination: boolean
  attachTimeMs: TimeMs
}
export interface Volume {
  volumeId: string
  zone: string
  sizeGiB: number
  type: string
  iops?: number
  throughputMiBps?: number
  encrypted: boolean
  kmsKeyId?: string
  snapshotId?: string
  state: VolumeState
  attachment?: VolumeAttachment
  clientToken?: string
  createdAtMs: TimeMs
  visibleAtMs: TimeMs
  tags: Tags
}
export interface Snapshot {
  snapshotId: string
  volumeId: string
  sizeGiB: number
  encrypted: boolean
  kmsKeyId?: string
  state: 'pending' | 'completed' | 'error'
  description: string
  ownerId: string
  /** The moment whose bytes it holds, whatever is written while it is pending. */
  startedAtMs: TimeMs
  completesAtMs: TimeMs
  completedAtMs?: TimeMs
  stateMessage?: string
  visibleAtMs: TimeMs
  tags: Tags
  /** Of a copy: the other region that it is in. Absent: the data centre's own. */
  region?: string
}

// ---------- load balancing ----------
export interface LoadBalancer {
  arn: string
  name: string
  dnsName: string
  kind: 'application' | 'network'
  scheme: 'internet-facing' | 'internal'
  vpcId: string
  subnetIds: string[]
  securityGroupIds: string[]
  state: 'provisioning' | 'active' | 'failed'
  createdAtMs: TimeMs
  attributes: Record<string, string>
  tags: Tags
}
export interface ForwardTarget {
  targetGroupArn: string
  /** 0–999. */
  weight: number
}
export interface ForwardAction {
  kind: 'forward'
  targetGroups: ForwardTarget[]
  stickiness?: { enabled: boolean; durationSeconds?: number }
}
export interface FixedResponseAction {
  kind: 'fixed-response'
  statusCode: string
  contentType?: string
  body?: string
}
export type Action = ForwardAction | FixedResponseAction
export interface Listener {
  arn: string
  loadBalancerArn: string
  port: number
  protocol: string
  defaultActions: Action[]
  /** What still answers until a change has reached every node of the balancer. */
  former?: FormerActions
  tags: Tags
}
export interface FormerActions {
  actions: Action[]
  untilMs: TimeMs
}
export interface RuleCondition {
  field: 'path-pattern' | 'host-header'
  values: string[]
}
export interface Rule {
  arn: string
  listenerArn: string
  /** 1–50,000; the default rule is the listener's own `defaultActions`. */
  priority: number
  conditions: RuleCondition[]
  actions: Action[]
  former?: FormerActions
  tags: Tags
}
export interface HealthCheck {
  protocol: string
  port: string
  path: string
  intervalSeconds: number
  timeoutSeconds: number
  healthyThreshold: number
  unhealthyThreshold: number
  matcher: string
}
export interface TargetGroup {
  arn: string
  name: string
  protocol: string
  port: number
  vpcId: string
  targetType: 'instance' | 'ip'
  healthCheck: HealthCheck
  deregistrationDelaySeconds: number
  attributes: Record<string, string>
  createdAtMs: TimeMs
  tags: Tags
}
export type TargetHealth = 'initial' | 'healthy' | 'unhealthy' | 'unused' | 'draining' | 'unavailable'
export interface Target {
  targetGroupArn: string
  instanceId: string
  port: number
  health: TargetHealth
  reason?: string
  description?: string
  /** Consecutive passes (positive) or failures (negative). */
  streak: number
  registeredAtMs: TimeMs
  drainsUntilMs?: TimeMs
  /** Rises when the probing of this target is begun anew. */
  generation: number
}

// ---------- names ----------
/** Members in this order: a deletion is compared with what is there. */
export interface NameRecord {
  /** With its final dot. */
  readonly name: string
  readonly type: string
  /** Seconds. */
  readonly ttl: number
  readonly values: readonly string[]
  /** Of a weighted record. */
  readonly setIdentifier?: string
  readonly weight?: number
}
export interface HostedZone {
  id: string
  /** With its final dot. */
  name: string
  records: NameRecord[]
  changes: { id: string; atMs: TimeMs }[]
}

// ---------- events ----------
/** The JSON document EventBridge delivers. */
export type EventBridgeEvent = JsonObject & {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': string
  readonly source: string
  readonly account: string
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  readonly detail: JsonObject
}

/** What subscribers of the data centre hear, at the moment it happens. */
export type DataCentreEvent =
  | { readonly kind: 'cloud_event'; readonly event: EventBridgeEvent }
  | { readonly kind: 'instance_state'; readonly instanceId: string; readonly from?: InstanceState; readonly to: InstanceState }
  /** The guest has begun or ceased to answer: the data plane opens or closes its listener. */
  | { readonly kind: 'instance_answering'; readonly instanceId: string; readonly answering: boolean }
  /** The record is gone for good, about an hour after termination. */
  | { readonly kind: 'instance_forgotten'; readonly instanceId: string }
  | { readonly kind: 'volume_state'; readonly volumeId: string; readonly to: VolumeState }
  | { readonly kind: 'volume_attachment'; readonly volumeId: string; readonly instanceId: string; readonly to: AttachmentState }
  | {
      readonly kind: 'target_health'
      readonly targetGroupArn: string
      readonly instanceId: string
      readonly port: number
      readonly to: TargetHealth | 'deregistered'
    }
  | { readonly kind: 'listener_changed'; readonly listenerArn: string; readonly deleted: boolean }
  | { readonly kind: 'load_balancer_changed'; readonly loadBalancerArn: string; readonly deleted: boolean }
  | { readonly kind: 'address_changed'; readonly allocationId: string }

// ---------- queries ----------
export interface Filter {
  readonly name: string
  /** `*` and `?` are wildcards, as in EC2. */
  readonly values: readonly string[]
}
/** Either ids, or filters with paging. */
export interface Query {
  readonly ids?: readonly string[]
  readonly filters?: readonly Filter[]
  readonly maxResults?: number
  readonly nextToken?: string
}
export interface Page<T> {
  readonly items: readonly T[]
  readonly nextToken?: string
}

// ---------- calls ----------
export interface CallRecord {
  readonly operation: string
  readonly atMs: TimeMs
  readonly outcome: 'ok' | 'error' | 'reset'
  readonly code?: string
  readonly detail?: Json
}

/** A pending change, as data: a restarted process arms it again. */
export interface Timer {
  id: number
  dueMs: TimeMs
  kind: string
  subject: string
  generation: number
  detail?: JsonObject
}
