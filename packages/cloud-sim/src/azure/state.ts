import type { JsonObject } from '@understudy/core'
import type { ArmError, ErrorBody } from './arm-error.ts'
import type { RunCommandRecord } from './run-commands.ts'

export interface VmRecord {
  readonly id: string
  readonly name: string
  readonly vmId: string
  readonly location: string
  readonly zone: string | undefined
  readonly createdAtMs: number
  /** `properties` as they were given, and its disks as they are now; power and size are the data centre's. */
  properties: JsonObject
  readonly identity: JsonObject | undefined
  tags: Record<string, string>
  etag: number
  /** Absent when nothing was ever allocated for it: ARM keeps such a VM, as `Failed`. */
  readonly instanceId: string | undefined
  deleting: boolean
  /** Its disks are being exchanged. */
  updating: boolean
}
export interface DiskRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly zone: string | undefined
  readonly sku: string
  readonly sizeGiB: number
  readonly creationData: JsonObject
  /** Snapshot of the data centre whose bytes it began with. */
  readonly snapshotId: string | undefined
  readonly createdAtMs: number
  tags: Record<string, string>
  /** The volume that has its bytes: another one once it is attached. */
  volumeId: string
  managedBy: string | undefined
}
export interface SnapshotRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly sku: string
  readonly sourceDiskId: string
  readonly sourceSku: string
  readonly osType: string | undefined
  readonly incremental: boolean
  /** Id of the snapshot that it is a copy of, made by `CopyStart`. */
  readonly copyOf?: string
  /** Of the copy of a snapshot that was deleted before all of it had come over. */
  copyBroken?: boolean
  /** Incremental snapshots of one disk are of one family; any other is alone. A copy is of the family of what it is of. */
  readonly family: string
  readonly snapshotId: string
  readonly sizeGiB: number
  readonly createdAtMs: number
  /** When its disk had these bytes. */
  readonly takenAtMs: number
  tags: Record<string, string>
}
export interface NicRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly privateIp: string
  readonly createdAtMs: number
  properties: JsonObject
  tags: Record<string, string>
  etag: number
  vmId: string | undefined
}
export interface RestorePointRecord {
  readonly id: string
  readonly name: string
  readonly createdAtMs: number
  readonly consistencyMode: string
  /** Properties of the VM at that moment. */
  readonly vm: JsonObject
  /** Id of the restore point of another region that it is a copy of. */
  readonly copyOf?: string
  readonly members: readonly {
    readonly id: string
    readonly disk: DiskRecord
    readonly snapshotId: string
    /** Of a copy: the restore point of the disk in the other region. */
    readonly copyOf?: string
  }[]
}
export interface RestorePointCollectionRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  /** The VM, or the collection of another region that this one has copies of. */
  readonly sourceId: string
  readonly sourceLocation: string
  tags: Record<string, string>
  readonly points: Map<string, RestorePointRecord>
}
/** A member of a backend pool: a network interface that names the pool, or an address that the pool names. */
export interface PoolEntry {
  readonly name: string
  readonly nicId: string | undefined
  readonly ip: string
  readonly place: JsonObject
  /** `None`: the probe decides. */
  readonly adminState: 'None' | 'Up' | 'Down'
}
export interface PoolRecord {
  readonly id: string
  readonly name: string
  readonly targetGroupArn: string
  entries: readonly PoolEntry[]
  drainPeriodInSeconds: number | undefined
  etag: number
}
export interface LoadBalancerRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly tags: Record<string, string>
  readonly frontends: readonly JsonObject[]
  readonly probes: readonly JsonObject[]
  readonly pools: readonly PoolRecord[]
  readonly rules: readonly { readonly name: string; readonly properties: JsonObject; readonly pool: PoolRecord; readonly listenerArn: string }[]
  busyUntilMs: number
  readonly etag: number
}
export interface PublicIpRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly sku: string
  readonly ip: string
  readonly allocationId: string
  tags: Record<string, string>
  nicId: string | undefined
}
/** An endpoint of a Traffic Manager profile; its properties are as they were given. */
export interface EndpointRecord {
  readonly name: string
  properties: JsonObject
  /** Since when it has been enabled. */
  enabledAtMs: number
}
export interface TrafficProfileRecord {
  readonly id: string
  readonly name: string
  tags: Record<string, string>
  properties: JsonObject
  readonly endpoints: Map<string, EndpointRecord>
}
/** A network security group, its rules as they were given. */
export interface SecurityGroupRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly guid: string
  readonly tags: Record<string, string>
  readonly etag: number
  readonly rules: readonly JsonObject[]
}
/** One address under which a snapshot, or one disk of a restore point, can be read. */
export interface AccessRecord {
  /** Id of the snapshot, or of the restore point of the disk. */
  readonly of: string
  /** What it can be compared with. */
  readonly family: string
  readonly snapshotId: string
  readonly signature: string
  readonly expiresAtMs: number
}
export interface OperationRecord {
  readonly id: string
  /** What the operation answers when it has succeeded, at its `Location`. */
  readonly result: JsonObject | undefined
  readonly startedAtMs: number
  /** Asked at every poll, so that the operation is never ahead of the data centre. */
  readonly progress: () => 'InProgress' | 'Succeeded' | ErrorBody
}

/** Everything ARM knows that the data centre does not. Keys are ids in lower case: ARM's names are case-insensitive. */
export class AzureState {
  readonly subscription: string
  readonly tenant: string
  readonly vms = new Map<string, VmRecord>()
  readonly disks = new Map<string, DiskRecord>()
  readonly snapshots = new Map<string, SnapshotRecord>()
  readonly nics = new Map<string, NicRecord>()
  readonly restorePointCollections = new Map<string, RestorePointCollectionRecord>()
  readonly loadBalancers = new Map<string, LoadBalancerRecord>()
  readonly publicIps = new Map<string, PublicIpRecord>()
  readonly trafficProfiles = new Map<string, TrafficProfileRecord>()
  readonly securityGroups = new Map<string, SecurityGroupRecord>()
  readonly runCommands = new Map<string, RunCommandRecord>()
  /** Scope, then the lock's name. */
  readonly locks = new Map<string, Map<string, JsonObject>>()
  readonly operations = new Map<string, OperationRecord>()
  /** By the name of the blob. Not saved: whoever reads asks again. */
  readonly accesses = new Map<string, AccessRecord>()
  /** Actions that the caller's roles lack, in lower case: `microsoft.compute/virtualmachines/start/action`. */
  readonly denied = new Set<string>()
  /** Object id of the caller, for refusals. */
  caller = ''
  #hosts = 3
  readonly newId: () => string

  readonly retryAfter: Readonly<Record<string, string>>

  constructor(options: { subscription: string; tenant: string; newId: () => string; retryAfterSeconds: number }) {
    this.subscription = options.subscription
    this.tenant = options.tenant
    this.newId = options.newId
    this.retryAfter = options.retryAfterSeconds === 0 ? {} : { 'retry-after': String(options.retryAfterSeconds) }
  }

  /** Everything it knows. Records refer to one another: what keeps them has to keep that. What an operation waits for is left out. */
  records() {
    const { subscription, vms, disks, snapshots, nics, restorePointCollections, loadBalancers, publicIps, securityGroups, runCommands, locks } = this
    const { trafficProfiles } = this
    const network = { nics, loadBalancers, publicIps, securityGroups, trafficProfiles }
    const maps = { vms, disks, snapshots, restorePointCollections, runCommands, locks, ...network }
    const operations = [...this.operations.values()].map(({ progress, ...rest }) => ({ ...rest, seen: progress() }))
    return { subscription, hosts: this.#hosts, maps, operations }
  }
  /** Of a state that knows nothing yet. An operation that was running has succeeded when nothing is under way any more. */
  restore({ hosts, maps, operations }: ReturnType<AzureState['records']>, isQuiet: () => boolean): void {
    this.#hosts = hosts
    const own = this.records().maps
    for (const [name, map] of Object.entries(maps))
      for (const [key, value] of map) (own[name as keyof typeof maps] as Map<string, unknown>).set(key, value) // the same names
    for (const { seen, ...rest } of operations)
      this.operations.set(rest.id, { ...rest, progress: () => (seen !== 'InProgress' ? seen : isQuiet() ? 'Succeeded' : 'InProgress') })
  }

  nextPrivateIp(): string {
    this.#hosts += 1
    return `10.77.${this.#hosts >> 8}.${this.#hosts & 0xff}`
  }

  isLocked(scope: string): boolean {
    return (this.locks.get(scope.toLowerCase())?.size ?? 0) > 0
  }
}

/** What an operation ends with when the work behind it was refused. */
export const failure = (error: ArmError) => (): ErrorBody => error.body
