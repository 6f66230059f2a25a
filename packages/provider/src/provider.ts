import type { Blocks } from './capabilities/blocks.ts'
import type { Commands } from './capabilities/commands.ts'
import type { Compute } from './capabilities/compute.ts'
import type { Copies } from './capabilities/copies.ts'
import type { Disks } from './capabilities/disks.ts'
import type { Inventory } from './capabilities/inventory.ts'
import type { Isolation } from './capabilities/isolation.ts'
import type { Leftovers } from './capabilities/leftovers.ts'
import type { Labelling } from './capabilities/labels.ts'
import type { Market } from './capabilities/market.ts'
import type { Permissions } from './capabilities/permissions.ts'
import type { Portable } from './capabilities/portable.ts'
import type { Signals } from './capabilities/signals.ts'
import type { Snapshots } from './capabilities/snapshots.ts'
import type { Traffic } from './capabilities/traffic.ts'
import type { Scope } from './refs.ts'

/**
 * One cloud account in one region. A capability the cloud does not have is absent; nothing throws "not implemented".
 * Everything thrown is a `ProviderError`.
 */
export interface Provider {
  readonly scope: Scope
  readonly traits: Traits
  /** Who the credentials belong to. The cheapest call that proves endpoint, credentials and clock. */
  identify(options?: { readonly signal?: AbortSignal }): Promise<{ readonly account: string; readonly principal: string }>
  readonly inventory: Inventory
  readonly compute: Compute
  readonly labels: Labelling
  readonly traffic?: Traffic
  readonly snapshots?: Snapshots
  readonly blocks?: Blocks
  readonly copies?: Copies
  readonly disks?: Disks
  readonly isolation?: Isolation
  readonly commands?: Commands
  readonly leftovers?: Leftovers
  readonly signals?: Signals
  readonly market?: Market
  readonly portable?: Portable
  readonly permissions?: Permissions
  /** Releases sockets and timers. The provider must not be used afterwards. */
  close(): Promise<void>
}

export interface No {
  readonly supported: false
  readonly reason: string
}
export type Answer<T = object> = ({ readonly supported: true } & Readonly<T>) | No

/** How the cloud behaves where clouds differ; a plan is made from these, never from a cloud's name. */
export interface Traits {
  /** Notice before an interruptible instance goes. */
  readonly interruptionNotice: Answer<{ seconds: number; bestEffort: boolean }>
  /** `spot`: whether interruptible instances can be resized as well. */
  readonly resize: Answer<{ requires: 'none' | 'restart' | 'stopped'; spot: boolean }>
  /** Memory that outlasts a stop. `maxMemoryMiB`: of an instance that can be held; types may have limits of their own. */
  readonly hold: Answer<{
    enableAt: 'launch' | 'any-stopped' | 'never-needed'
    withSpot: boolean
    resizableWhileHeld: boolean
    maxMemoryMiB?: number
  }>
  /** Stopping an interruptible instance that is terminated when the cloud wants it back. Absent: like any other. */
  readonly stopOneTimeSpot?: Answer
  readonly rename: Answer<{ how: 'tag' | 'native-stopped' | 'logical-only' }>
  /** What tags begin with that the cloud writes itself, and takes from nobody. */
  readonly reservedTags?: readonly string[]
  readonly multiDiskSnapshot: Answer<{ maxDisks: number; guarantee: 'always' | 'conditional' }>
  /** A disk that is plugged in so that its instance can read it and nothing else. Of clouds whose disks can be exchanged. */
  readonly readOnlyDisks: Answer
  /** Whether the bytes of snapshots can be read, `blockBytes` at once; what the lists of blocks count in. */
  readonly readSnapshots: Answer<{ blockBytes: number }>
  /**
   * Whether a set of snapshots can be copied to another region; how many snapshots are copied to one at once, where the cloud says so. `inOrder`: of one instance one set
   * at a time, and none that is earlier than one that was copied.
   */
  readonly copySnapshots: Answer<{ atOnce?: number; inOrder?: true }>
  readonly postponeMaintenance: Answer
  /** Whether groups of hosts are read, and clones bound to them (`CloneSpec.hosts`). Another zone is another host in any case. */
  readonly hostGroups: Answer
  /** Scripts inside of instances, through the cloud's own channel. */
  readonly commands: Answer
  /** Typical seconds, for planning against a deadline; measured values replace them as operations finish. */
  readonly expectedSeconds: { readonly launch: number; readonly start: number; readonly resume: number; readonly shift: number }
  /** Token buckets of the cloud's own rate limits, by group of calls. */
  readonly limits: Readonly<Record<LimitGroup, TokenBucket>>
}
export type LimitGroup = 'read' | 'mutate' | 'launch' | 'start' | 'snapshot' | 'tag' | 'traffic' | 'blocks'
export interface TokenBucket {
  readonly capacity: number
  readonly refillPerSecond: number
}
