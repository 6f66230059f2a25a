import type { Clock } from '@understudy/core'
import type { TrafficBinding, TrafficMechanism } from '../capabilities/traffic.ts'
import type { HostGroup } from '../dna.ts'
import type { Provider } from '../provider.ts'
import type { DiskRef, InstanceRef, ProviderErrorKind, PurchaseModel } from '../refs.ts'

/** Calls that a world can make fail; named as in the port. */
export type FaultyCall = 'provision' | 'start' | 'stop' | 'terminate' | 'capture' | 'describe' | 'setWeights'

/** How closed a place is. */
export interface Closed {
  /** TCP ports that are let in, from private networks only; ascending. */
  readonly ports: readonly number[]
  readonly out: 'nothing' | 'something'
  /** The key in its tags. */
  readonly owner: string
}

/** What there is of one key. */
export interface Counted {
  readonly instances: number
  readonly looseDisks: number
  readonly snapshots: number
}

/** Groups of hosts, of each strategy that the cloud has. */
export interface HostGroupWorld {
  readonly strategies: readonly NonNullable<HostGroup['strategy']>[]
  /** A running instance in a new group. */
  makeMember(strategy: NonNullable<HostGroup['strategy']>): Promise<InstanceRef>
  /** No room for another instance in the group of this one. */
  fill(member: InstanceRef): void
  /** The group of this instance is gone from the cloud's books: nobody can be bound to it any more. */
  forget(member: InstanceRef): void
  /** Equal for instances that may share hardware; whatever the provider says. */
  hardwareOf(ref: InstanceRef): string
  /** The group it is in, by the cloud's own name. */
  groupOf(ref: InstanceRef): string | undefined
}

/**
 * One provider over one cloud that can be disturbed. The suite is the same whether the cloud is in this process under a virtual
 * clock or behind HTTP under a real one: it never waits by itself, it asks the world to let time pass.
 */
export interface ConformanceWorld {
  readonly provider: Provider
  /** The view of a process that has just started: the same cloud, nothing remembered. */
  freshProvider(): Provider
  readonly clock: Clock
  /** A real account: cases that need a fault, an announcement, or a look at the bytes of a disk are skipped. */
  readonly live?: true
  /** Mechanisms for which there is an entry point. Absent: all that the provider has. */
  readonly entryPoints?: readonly TrafficMechanism[]
  /** Resolves or rejects as `work` does, and lets time pass until then. */
  run<T>(work: Promise<T>): Promise<T>
  /** Lets this much of the world's time pass. */
  advance(ms: number): Promise<void>
  /**
   * How fast the world's time runs beside the machine's, until what is answered is called: for cases that are about rates, which mean
   * nothing when a call takes many seconds of the world. Absent where time is virtual.
   */
  pace?(speed: number): () => void

  /** A running instance with a root and, unless it shall have none, a data disk, not protected. Hibernation is enabled when asked for. */
  makePrimary(wanted?: { readonly purchase?: PurchaseModel; readonly holdEnabled?: boolean; readonly dataDisk?: false }): Promise<InstanceRef>
  /** A zone of the scope in which a `makePrimary` never lands. */
  readonly zoneOther: string
  /** A third zone, for when `zoneOther` has no capacity. */
  readonly zoneThird: string
  /** A type of the same architecture as that of `makePrimary`, and another size. */
  readonly typeOther: string
  /** An entry point with this instance as its only member, healthy and with all of the traffic. */
  makeBinding(mechanism: TrafficMechanism, member: InstanceRef): Promise<TrafficBinding>
  /** A group of hosts with room for a few instances. Absent: the adapter binds to none (`Traits.hostGroups`), or none can be made. */
  readonly hostGroups?: HostGroupWorld
  /** Whether the guest serves requests already: some time after the cloud calls it running. */
  answers(member: InstanceRef): boolean
  /** Sends one request through the entry point; answers who served it, `undefined` for nobody (a 5xx). */
  request(binding: TrafficBinding): Promise<string | undefined>

  /** Makes the next calls fail; `provision` in one zone only when given. */
  failNext(call: FaultyCall, kind: Extract<ProviderErrorKind, 'throttled' | 'unavailable' | 'insufficient_capacity'>, times?: number): void
  /** No launch of this type finds capacity in the zone from now on. */
  exhaust(zone: string, instanceType: string): void
  /** The next call takes effect, and its answer is lost: what a crash in the wrong moment looks like from outside. */
  loseNextAnswer(call: FaultyCall): void
  /** From now on, holding this instance falls back to a plain stop. Absent where the cloud never does that. */
  breakHold?(ref: InstanceRef): void
  /** Announces an interruption, as the cloud does. */
  interrupt(ref: InstanceRef): Promise<void>
  /** The cloud's books hold what is planned; an interruption is told and written nowhere. */
  readonly interruptionsInNoBook?: true
  /** Recommends a move, as the cloud does. Absent where the cloud never does that. */
  rebalance?(ref: InstanceRef): Promise<void>
  /** Announces maintenance an hour ahead. */
  scheduleMaintenance(ref: InstanceRef): Promise<void>
  /** Takes back what was announced for the instance. */
  cancelMaintenance(ref: InstanceRef): Promise<void>
  /** Every event document about this instance that the cloud has pushed so far, oldest first. */
  pushed(ref: InstanceRef): Promise<readonly unknown[]>
  /** One number at the start of a disk, written at once. */
  writeDisk(disk: DiskRef, value: number): void
  readDisk(disk: DiskRef): number
  /** How many instances, disks and snapshots of this key the cloud really holds, whatever the provider says. */
  countOf(idempotencyKey: string): Counted | Promise<Counted>
  /** What the cloud's own rules let in and out of the isolated place of a key, and whose it says that it is. Absent: nobody can look. */
  isolationOf?(idempotencyKey: string): Closed | undefined
  close(): Promise<void>
}
