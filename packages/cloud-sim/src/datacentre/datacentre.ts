import type { Clock, JsonObject, Random } from '@understudy/core'
import type {
  BalancerApi,
  CallLog,
  CatalogueApi,
  FaultApi,
  HostGroupApi,
  InstanceApi,
  InvokeOptions,
  MaintenanceApi,
  MarketApi,
  NetworkApi,
  Orphan,
  StorageApi,
  TagApi,
} from './api.ts'
import type { BlockStore } from './block-store.ts'
import type { Dns } from './dns.ts'
import type { DataCentreEvent, Instance, Latency, Target, TargetGroup, TimeMs } from './types.ts'

/** How long things take. Defaults are near what the cloud shows, in the order of seconds. */
export interface Latencies {
  readonly pending: Latency
  readonly stopping: Latency
  readonly hibernating: Latency
  readonly shuttingDown: Latency
  /** From `running` until the guest answers health checks. */
  readonly boot: Latency
  /** The same for a start from hibernation. */
  readonly resume: Latency
  readonly volumeCreate: Latency
  readonly attach: Latency
  readonly detach: Latency
  /** Snapshot: from the instant it holds to `completed`. */
  readonly snapshot: Latency
  readonly loadBalancerCreate: Latency
  /** How long a terminated instance is still described. */
  readonly terminatedVisible: Latency
  /** How long after boot the hibernation agent is ready. */
  readonly hibernationAgent: Latency
  /** After a persistent spot instance was stopped by the platform: until EC2 starts it again, capacity permitting. */
  readonly spotReturn: Latency
  /** After a persistent spot instance has ended: until EC2 launches another in its place, unless the request was cancelled. */
  readonly spotRelaunch: Latency
  /** From a change of a listener or rule until it directs traffic. */
  readonly listenerPropagation: Latency
  /** Time one API call spends on the network before it takes effect. */
  readonly call: Latency
}

/** Answers whether a target passes one health check. Default: the instance runs, its guest answers and its zone is up. */
export type Probe = (instance: Instance, targetGroup: TargetGroup, target: Target) => boolean | Promise<boolean>

/** Given to `createDataCentre(options)` and, with the JSON of `serialise`, to `restoreDataCentre(options, state)`. */
export interface DataCentreOptions {
  readonly clock: Clock
  readonly random: Random
  readonly region?: string
  readonly accountId?: string
  /** Letters appended to the region's name. Default: a, b, c. */
  readonly zoneLetters?: readonly string[]
  readonly latencies?: Partial<Latencies>
  /** Default: in memory. */
  readonly blocks?: BlockStore
  readonly probe?: Probe
  /** Token buckets like EC2's. Default: off. */
  readonly rateLimits?: boolean
  readonly consistency?: { readonly visibleAfter?: Latency; readonly staleFor?: Latency }
  /** New volumes are encrypted even when nobody asks, an account setting of EC2. Hibernation needs an encrypted root. Default: true. */
  readonly encryptionByDefault?: boolean
  /** Emit `EC2 Instance State-change Notification` events too. Default: true. */
  readonly stateChangeEvents?: boolean
  /**
   * A spot instance that the platform has stopped is started by its owner, who may try at any time and be refused for want of
   * capacity, as on Azure and Google. Default: the platform does, when there is room, and nobody else may, as on EC2.
   */
  readonly ownersRestart?: boolean
}

/**
 * One simulated data centre: the state of a region and the rules by which it changes.
 * The parts are synchronous and take effect at once; `invoke` is the door for API fronts, which adds what a network and an
 * API gateway add: recording, throttling, faults, latency, lost answers.
 */
export interface DataCentre {
  readonly region: string
  /** Regions beside it, in which copies of its snapshots can be; nothing else is there. */
  readonly otherRegions: readonly string[]
  readonly accountId: string
  readonly clock: Clock
  readonly instances: InstanceApi
  readonly hostGroups: HostGroupApi
  readonly storage: StorageApi
  readonly tags: TagApi
  readonly network: NetworkApi
  readonly catalogue: CatalogueApi
  readonly balancers: BalancerApi
  readonly dns: Dns
  readonly market: MarketApi
  readonly maintenance: MaintenanceApi
  readonly faults: FaultApi
  readonly calls: CallLog
  readonly blocks: BlockStore
  /**
   * Runs one API call as a remote caller sees it: throws `SimError` (the service refused) or `ConnectionReset` (no answer
   * came back, whether or not the effect took place).
   */
  invoke<T>(operation: string, effect: () => T, options?: InvokeOptions): Promise<T>
  /** Listeners run synchronously inside the change; one that throws does not disturb it. Returns a function that unsubscribes. */
  subscribe(listener: (event: DataCentreEvent) => void): () => void
  /** Replaces the health probe, for instance by one that makes real requests. */
  setProbe(probe: Probe | undefined): void
  /** Things that carry an operation's tag, by operation key; `isOwned` says which keys somebody still answers for. */
  orphans(isOwned?: (operationKey: string) => boolean): readonly Orphan[]
  /** The whole state as JSON, pending transitions included; bytes stay in the block store. */
  serialise(): JsonObject
  /** Cancels every timer. State stays readable. */
  close(): void
  now(): TimeMs
}
