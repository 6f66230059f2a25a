import { type JsonObject, type Random, sha256 } from '@understudy/core'
import type { DataCentre } from '../datacentre/datacentre.ts'
import type { EventBridgeEvent, Instance } from '../datacentre/types.ts'
import { auditEntry } from './audit.ts'
import type { DnsZoneRecord } from './dns-routes.ts'
import { GoogleError, notFound } from './fault.ts'
import { Operations } from './operations.ts'
import type { PubsubMessage } from './pubsub-routes.ts'

/** What Compute Engine keeps about an instance and the data centre has no word for. */
export interface InstanceRecord {
  readonly id: string
  readonly name: string
  readonly zone: string
  readonly instanceId: string
  labels: Record<string, string>
  readonly metadata: readonly { readonly key: string; readonly value: string }[]
  readonly networkTags: readonly string[]
  readonly serviceAccounts: readonly { readonly email: string; readonly scopes: readonly string[] }[]
  disks: readonly {
    readonly name: string
    readonly boot: boolean
    readonly autoDelete: boolean
    readonly deviceName: string
    readonly readOnly?: boolean
  }[]
  readonly scheduling: Readonly<Record<string, unknown>>
  /** Names of placement policies. */
  readonly policies?: readonly string[]
  hasExternalAddress: boolean
  readonly createdAtMs: number
  lastStopMs?: number
  lastSuspendMs?: number
  isDeleting?: boolean
}
export interface DiskRecord {
  readonly id: string
  readonly name: string
  readonly zone: string
  readonly volumeId: string
  labels: Record<string, string>
  readonly type: string
  readonly sourceImage?: string
  readonly sourceSnapshot?: string
  readonly description?: string
  /** Names of resource policies. */
  readonly policies: string[]
  readonly createdAtMs: number
}

/** A standard snapshot. Several records may stand for the same bytes, which go with the last of them. */
export interface SnapshotRecord {
  readonly id: string
  readonly name: string
  readonly disk: DiskRecord
  readonly snapshotId: string
  readonly description: string
  labels: Record<string, string>
  /** Path of the instant snapshot that it was made of. */
  readonly instant?: string
  readonly kmsKey?: string
  readonly createdAtMs: number
  /** The one before it was deleted: its room is counted again. */
  inherited?: { readonly atMs: number; readonly bytesBefore: number }
}
/** An image made of a snapshot: the same bytes once more, in one location. */
export interface ImageRecord {
  readonly id: string
  readonly name: string
  /** Of the data centre, in that location. */
  readonly snapshotId: string
  readonly location: string
  /** Name and number of the snapshot that it was made of, which may be gone. */
  readonly sourceSnapshot: string
  readonly sourceSnapshotId: string
  readonly description: string
  readonly labels: Record<string, string>
  readonly kmsKey?: string
  readonly createdAtMs: number
}
export interface InstantSnapshotRecord {
  readonly id: string
  readonly name: string
  readonly zone: string
  readonly disk: DiskRecord
  readonly group: string
  readonly snapshotId: string
  readonly createdAtMs: number
}
export interface InstantGroupRecord {
  readonly id: string
  readonly name: string
  readonly zone: string
  readonly policy: string
  readonly createdAtMs: number
}

/** An unmanaged instance group, which the data centre knows as a target group. */
export interface GroupRecord {
  readonly name: string
  readonly zone: string
  readonly targetGroupArn: string
}
/** A zonal network endpoint group: the endpoints of its zone in the target group of its backend service. */
export interface EndpointGroupRecord {
  readonly id: string
  readonly name: string
  readonly zone: string
  readonly backendService: string
  readonly targetGroupArn: string
}
/** A reserved address, which the data centre knows by its allocation. */
export interface AddressRecord {
  readonly id: string
  readonly name: string
  readonly allocationId: string
}
/** A global backend service, which the data centre knows as a listener with weights. */
export interface BackendServiceRecord {
  readonly id: string
  readonly name: string
  readonly listenerArn: string
  backends: readonly { readonly group: GroupRecord; readonly capacityScaler: number }[]
}

/** A firewall rule, as it was given and filled in. */
export interface FirewallRecord {
  readonly id: string
  readonly name: string
  rule: Readonly<Record<string, unknown>>
  readonly createdAtMs: number
}

/** One project over one data centre: its names, its operations, and where everything is found. */
export class Project {
  readonly id: string
  readonly dataCentre: DataCentre
  readonly operations: Operations
  /** Permissions that the caller's roles lack: `compute.instances.create`. */
  readonly denied = new Set<string>()
  readonly groups: GroupRecord[] = []
  readonly backendServices: BackendServiceRecord[] = []
  readonly endpointGroups: EndpointGroupRecord[] = []
  readonly addresses: AddressRecord[] = []
  readonly dnsZones: DnsZoneRecord[] = []
  /** Zones that a list over all zones cannot ask, those of other regions among them. */
  readonly unreachable = new Set<string>()
  /** Messages of Pub/Sub by the names of subscriptions; whatever the audit log says goes to all of them. */
  readonly subscriptions = new Map<string, PubsubMessage[]>()
  readonly published: object[] = []
  readonly snapshots: SnapshotRecord[] = []
  readonly images: ImageRecord[] = []
  readonly instants: InstantSnapshotRecord[] = []
  readonly instantGroups: InstantGroupRecord[] = []
  readonly firewalls: FirewallRecord[] = []
  /** Resource policies by name. */
  readonly policies = new Map<string, { readonly id: string; readonly body: Readonly<Record<string, unknown>> }>()
  readonly #random: Random
  /** Entries of the audit log by the warnings of the data centre. */
  readonly #preemptions = new Map<string, object>()
  readonly #instances = new Map<string, InstanceRecord>()
  readonly #disks = new Map<string, DiskRecord>()

  constructor(id: string, dataCentre: DataCentre, random: Random) {
    this.id = id
    this.dataCentre = dataCentre
    this.#random = random
    this.operations = new Operations(id, dataCentre.clock, () => this.newId())
    dataCentre.subscribe((event) => {
      if (event.kind === 'cloud_event') this.#heard(event.event)
      if (event.kind === 'volume_attachment') this.operations.look()
      if (event.kind !== 'instance_state' || event.to !== 'stopped') return
      const record = [...this.#instances.values()].find(({ instanceId }) => instanceId === event.instanceId)
      if (record === undefined) return
      if (dataCentre.instances.get(event.instanceId)?.hibernated === true) record.lastSuspendMs = dataCentre.now()
      else record.lastStopMs = dataCentre.now()
    })
  }

  /** What EC2 only warns of begins with an operation of Google's own, and its entry in the audit log. */
  #heard({ id, 'detail-type': kind, detail }: EventBridgeEvent): void {
    if (kind === 'AWS Health Event') this.#hasHappened(detail)
    if (kind !== 'EC2 Spot Instance Interruption Warning') return
    const said = this.#preemptions.get(id)
    // Pub/Sub gives an entry at least once; there is one preemption, however often it does.
    if (said !== undefined) return this.publish(said)
    const record = [...this.#instances.values()].find(({ instanceId }) => instanceId === detail['instance-id'])
    if (record === undefined) return
    const type = 'compute.instances.preempted'
    const isDone = (): boolean => this.dataCentre.instances.get(record.instanceId)?.state !== 'running'
    const target = { zone: record.zone, type, target: `instances/${record.name}`, targetId: record.id }
    this.operations.begin({ ...target, user: 'system@google.com' }, { isDone })
    const what = { method: type, message: 'Instance was preempted.', principal: 'system@google.com', operation: `systemevent-${this.newId()}` }
    const entry = auditEntry(this, record, what)
    this.#preemptions.set(id, entry)
    this.publish(entry)
  }

  /** Maintenance that was not taken back: the host's begins, with a live migration or without, and is entered then. */
  #hasHappened({ eventArn }: JsonObject): void {
    const eventId = String(eventArn).split('/').at(-1)
    for (const record of this.#instances.values()) {
      const events = this.dataCentre.instances.get(record.instanceId)?.scheduledEvents ?? []
      const event = events.find(({ instanceEventId }) => instanceEventId === eventId)
      const begins = event?.lastsMs === undefined ? event?.state === 'completed' : event.state === 'active' && event.startedAtMs !== undefined
      if (event === undefined || !begins) continue
      const stops = record.scheduling['onHostMaintenance'] === 'TERMINATE'
      const type = stops ? 'compute.instances.terminateOnHostMaintenance' : 'compute.instances.migrateOnHostMaintenance'
      this.operations.begin(
        { zone: record.zone, type, target: `instances/${record.name}`, targetId: record.id, user: 'system@google.com' },
        { isDone: () => event.state !== 'active' },
      )
      const message = stops ? 'Instance was terminated for host maintenance.' : 'Instance was migrated for host maintenance.'
      this.publish(auditEntry(this, record, { method: type, message, principal: 'system@google.com', operation: `systemevent-${this.newId()}` }))
    }
  }

  /** To every subscription, as a log sink does. */
  publish(document: object): void {
    const data = Buffer.from(JSON.stringify(document)).toString('base64')
    const publishTime = new Date(this.dataCentre.now()).toISOString()
    this.published.push(document)
    for (const messages of this.subscriptions.values()) messages.push({ messageId: this.newId(), publishTime, data, hiddenUntilMs: 0, deliveries: 0 })
  }

  /** Numbers of 19 digits, as Google gives them; beyond what a double can hold. */
  newId(): string {
    return `${this.#random.int(1_000_000, 8_999_999)}${String(this.#random.int(0, 999_999)).padStart(6, '0')}${String(this.#random.int(0, 999_999)).padStart(6, '0')}`
  }

  /** Everything it knows. Records refer to one another: what keeps them has to keep that. */
  records() {
    const { groups, backendServices, endpointGroups, addresses, dnsZones, snapshots, images, instants, instantGroups, firewalls } = this
    const lists = { groups, backendServices, endpointGroups, addresses, dnsZones, snapshots, images, instants, instantGroups, firewalls }
    const maps = { subscriptions: this.subscriptions, policies: this.policies, instances: this.#instances, disks: this.#disks }
    return { lists, maps, operations: this.operations.records() }
  }
  /** Of a project that knows nothing yet. */
  restore({ lists, maps, operations }: ReturnType<Project['records']>): void {
    const own = this.records()
    for (const [name, list] of Object.entries(lists)) own.lists[name as keyof typeof lists].push(...(list as never[])) // the same names
    for (const [name, map] of Object.entries(maps))
      for (const [key, value] of map) (own.maps[name as keyof typeof maps] as Map<string, unknown>).set(key, value)
    this.operations.restore(operations, () => isQuiet(this.dataCentre))
  }

  add(record: InstanceRecord, disks: readonly DiskRecord[]): void {
    this.#instances.set(record.id, record)
    for (const disk of disks) this.addDisk(disk)
  }
  addDisk(disk: DiskRecord): void {
    this.#disks.set(disk.id, disk)
  }

  instances(): readonly InstanceRecord[] {
    return [...this.#instances.values()].filter((record) => this.isThere(record))
  }
  disks(): readonly DiskRecord[] {
    return [...this.#disks.values()].filter(({ volumeId }) => this.dataCentre.storage.getVolume(volumeId) !== undefined)
  }

  /** By name or number, as every call takes it. */
  instance(zone: string, nameOrId: string): InstanceRecord {
    const found = this.instances().find((record) => record.zone === zone && (record.name === nameOrId || record.id === nameOrId))
    if (found === undefined) throw notFound(this.path(zone, 'instances', nameOrId))
    return found
  }
  disk(zone: string, nameOrId: string): DiskRecord {
    const found = this.disks().find((record) => record.zone === zone && (record.name === nameOrId || record.id === nameOrId))
    if (found === undefined) throw notFound(this.path(zone, 'disks', nameOrId))
    return found
  }
  usersOf({ zone, name }: DiskRecord): readonly InstanceRecord[] {
    return this.instances().filter((instance) => instance.zone === zone && instance.disks.some((disk) => disk.name === name))
  }
  releaseBytes(snapshotId: string): void {
    if ([...this.snapshots, ...this.instants].every((record) => record.snapshotId !== snapshotId)) this.dataCentre.storage.deleteSnapshot(snapshotId)
  }

  zones(): readonly string[] {
    return this.dataCentre.network.describeZones().items.map(({ name }) => name)
  }
  /** What an aggregated list says of a zone in which there is nothing. */
  emptyWarning(zone: string): object {
    const data = [{ key: 'scope', value: `zones/${zone}` }]
    return { code: 'NO_RESULTS_ON_PAGE', message: `There are no results for scope 'zones/${zone}' on this page.`, data }
  }
  /**
   * The groups of an aggregated list, by zone. One that cannot be asked makes the whole list fail, unless the caller takes what
   * there is.
   */
  byZone(query: URLSearchParams, groupOf: (zone: string) => object | undefined): object {
    if (this.unreachable.size > 0 && query.get('returnPartialSuccess') !== 'true')
      throw new GoogleError(503, 'backendError', `The zones ${[...this.unreachable].join(', ')} could not be reached.`)
    const zones = [
      ...this.zones()
        .filter((zone) => !this.unreachable.has(zone))
        .map((zone) => [`zones/${zone}`, groupOf(zone) ?? { warning: this.emptyWarning(zone) }] as const),
    ]
    const lost = [...this.unreachable].map(
      (zone) => [`zones/${zone}`, { warning: { code: 'UNREACHABLE', message: `The zone ${zone} could not be reached.` } }] as const,
    )
    return Object.fromEntries([...zones, ...lost])
  }
  needZone(zone: string): void {
    if (!this.zones().includes(zone)) throw notFound(`projects/${this.id}/zones/${zone}`)
  }

  /** The data centre still shows what has ended, as EC2 does; Google does not. */
  isThere({ instanceId }: InstanceRecord): boolean {
    const instance = this.dataCentre.instances.get(instanceId)
    return instance !== undefined && instance.state !== 'terminated'
  }
  machine({ instanceId, zone, name }: InstanceRecord): Instance {
    const instance = this.dataCentre.instances.get(instanceId)
    if (instance === undefined) throw notFound(this.path(zone, 'instances', name))
    return instance
  }

  path = (zone: string, kind: string, name: string): string => `projects/${this.id}/zones/${zone}/${kind}/${name}`
  url = (path: string): string => `https://www.googleapis.com/compute/v1/${path}`
}

/** Nothing is on its way from one state to another. */
const isQuiet = ({ instances }: DataCentre): boolean =>
  [...instances.all()].every(({ state }) => state !== 'pending' && state !== 'stopping' && state !== 'shutting-down')

/** Changes with every change of what it stands for. */
export const fingerprint = (value: unknown): string => Buffer.from(sha256(JSON.stringify(value)).slice(0, 16), 'hex').toString('base64')
