import type { DataCentre } from '@understudy/cloud-sim'
import type { Tier } from '@understudy/control'
import type { JsonObject, Labels } from '@understudy/core'
import type { TrafficBinding } from '@understudy/provider'
import type { MutationProxy } from '../mutation-proxy.ts'

/** A service as somebody has set it up before: one spot instance that serves, and the way in to it. */
export interface Service {
  readonly name: string
  readonly nativeId: string
  readonly traffic: TrafficBinding
  /** Of the balancer that its clients come in by, in the data centre. */
  readonly listenerArn: string
  /** Of the balancer's groups when one serves alone, ascending. */
  readonly weights: readonly number[]
  /** What calls about the entry point name. */
  readonly names: readonly string[]
}

/** An instance as the cloud shows it. */
export interface Machine {
  readonly nativeId: string
  /** The data centre's own id. */
  readonly instanceId: string
  /** What calls about it may name besides the id. */
  readonly names: readonly string[]
  readonly tags: Labels
}

/** A simulated cloud over its own wire protocol, with a proxy before it that tells each change. */
export interface CrashCloud {
  readonly dataCentre: DataCentre
  readonly proxy: MutationProxy
  /** What an account needs whose endpoint is the proxy. */
  readonly account: {
    readonly provider: string
    readonly nativeAccount?: string
    readonly region: string
    readonly settings: JsonObject
    readonly credentials: JsonObject
  }
  /** Services whose instances run, with one place less each that a shadow could share. */
  seed(prefix: string, count: number): Promise<readonly Service[]>
  /** Those that are not ended. */
  machines(): readonly Machine[]
  /** Things of ours that cost something and belong to no instance: disks, interfaces, addresses, locks. Snapshots that somebody still answers for are none. */
  leftovers(): readonly string[]
  /** What the machine's own metadata says, where the cloud tells nobody else of an interruption: an agent forwards it. */
  metadata?(instanceId: string): { readonly documentKind: string; readonly document: JsonObject } | undefined
  close(): Promise<void>
}

/** One way in which a failover goes, and what it changes on its way. */
export interface Failover {
  /** After "a failover". */
  readonly title: string
  readonly tier: Tier
  readonly queue: 'postgres' | 'redis'
  /** What it changes in the cloud when nobody disturbs it, in this order. The first case holds it to that. */
  readonly changes: readonly string[]
  /** How many of them to die at, from the first on. Default: all. Behind the shift of the traffic all failovers are the same. */
  readonly dieAtFirst?: number
  /** At how many of the moments `npm test` kills, spread over all of them. Default: every one. 0: `npm run crash-matrix` only. */
  readonly sample?: number
}

/** A cloud that the crash matrix runs on. */
export interface Cloud {
  /** As its adapter is named. */
  readonly name: string
  readonly title: string
  /** Of the workers. Loading an SDK keeps a process from everything else, its heartbeats among it. */
  readonly leaseSeconds: number
  /** Whether this change is only accepted at first, and asked about until it is done. */
  isAccepted(action: string): boolean
  readonly failovers: readonly Failover[]
  open(): Promise<CrashCloud>
}

/** How fast the clouds' clocks run: what is tested is the crash, not the patience. */
export const speed = 60
const bucket = { capacity: 10_000, refillPerSecond: 10_000 }
/** The published limits of clouds would make the preparation of many services slow; they have tests of their own. */
export const generous = { read: bucket, mutate: bucket, launch: bucket, start: bucket, snapshot: bucket, tag: bucket, traffic: bucket }

const ended = new Set(['terminated', 'shutting-down'])
export const isThere = (dataCentre: DataCentre, instanceId: string): boolean => {
  const state = dataCentre.instances.get(instanceId)?.state
  return state !== undefined && !ended.has(state)
}
