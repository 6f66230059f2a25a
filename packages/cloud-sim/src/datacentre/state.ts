import type { JsonObject } from '@understudy/core'
import type {
  Address,
  ClientTokenRecord,
  EventBridgeEvent,
  HostedZone,
  HostGroup,
  Image,
  Instance,
  InstanceType,
  Listener,
  LoadBalancer,
  Rule,
  SecurityGroup,
  Snapshot,
  SpotRequest,
  Subnet,
  Target,
  TargetGroup,
  TimeMs,
  Timer,
  Volume,
  Vpc,
  Zone,
} from './types.ts'

/** Everything a data centre remembers. Keyed by id or ARN unless said otherwise. */
export interface State {
  /** Makes the ids of one data centre differ from another's. */
  salt: string
  /** Rises with every id, so that a restored data centre never hands one out twice. */
  idCounter: number
  zones: Map<string, Zone>
  vpcs: Map<string, Vpc>
  subnets: Map<string, Subnet>
  securityGroups: Map<string, SecurityGroup>
  images: Map<string, Image>
  instanceTypes: Map<string, InstanceType>
  instances: Map<string, Instance>
  /** By name. */
  hostGroups: Map<string, HostGroup>
  volumes: Map<string, Volume>
  snapshots: Map<string, Snapshot>
  addresses: Map<string, Address>
  spotRequests: Map<string, SpotRequest>
  /** By operation and token. */
  clientTokens: Map<string, ClientTokenRecord>
  loadBalancers: Map<string, LoadBalancer>
  listeners: Map<string, Listener>
  rules: Map<string, Rule>
  targetGroups: Map<string, TargetGroup>
  /** By group ARN, instance and port. */
  targets: Map<string, Target>
  hostedZones: Map<string, HostedZone>
  /** Free places by type, zone and market; no entry means plenty. */
  capacity: Map<string, number>
  /** By type and zone. */
  spotPrices: Map<string, { usdPerHour: number; atMs: TimeMs }>
  /** The last interruption warning of each instance. */
  warnings: Map<string, EventBridgeEvent>
  /** Instances that a fault keeps in a passing state, with the change that waits. */
  stuck: Map<string, { timerKind: string; latency: 'pending' | 'stopping' | 'shuttingDown'; detail?: JsonObject }>
}

export function emptyState(salt: string): State {
  return {
    salt,
    idCounter: 0,
    zones: new Map(),
    vpcs: new Map(),
    subnets: new Map(),
    securityGroups: new Map(),
    images: new Map(),
    instanceTypes: new Map(),
    instances: new Map(),
    hostGroups: new Map(),
    volumes: new Map(),
    snapshots: new Map(),
    addresses: new Map(),
    spotRequests: new Map(),
    clientTokens: new Map(),
    loadBalancers: new Map(),
    listeners: new Map(),
    rules: new Map(),
    targetGroups: new Map(),
    targets: new Map(),
    hostedZones: new Map(),
    capacity: new Map(),
    spotPrices: new Map(),
    warnings: new Map(),
    stuck: new Map(),
  }
}

const formatVersion = 1

/** The state and its pending timers as plain JSON. */
export function stateToJson(state: State, timers: readonly Timer[]): JsonObject {
  const tables: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(state)) {
    tables[name] = value instanceof Map ? Object.fromEntries(value) : value
  }
  return JSON.parse(JSON.stringify({ version: formatVersion, state: tables, timers })) as JsonObject
}

/** The reverse of `stateToJson`. Throws when the JSON is not such a state. */
export function stateFromJson(json: JsonObject): { state: State; timers: Timer[] } {
  if (json['version'] !== formatVersion)
    throw new Error(`a data centre of format ${String(json['version'])} cannot be restored; expected ${formatVersion}`)
  const tables = structuredClone(json['state']) as unknown as Record<string, unknown>
  const state = emptyState(String(tables['salt']))
  for (const [name, empty] of Object.entries(state)) {
    const stored = tables[name]
    if (stored === undefined) continue
    Object.assign(state, { [name]: empty instanceof Map ? new Map(Object.entries(stored as object)) : stored })
  }
  return { state, timers: structuredClone(json['timers']) as unknown as Timer[] }
}
