import type { ResourceDna, PowerState } from '../dna.ts'
import type { InstanceRef } from '../refs.ts'

/** Reading what exists. Never throws for "not there": it answers `undefined` or leaves the entry out. */
export interface Inventory {
  /** The full definition: several calls to the cloud. `undefined` when the instance is unknown or terminated long ago. */
  describe(ref: InstanceRef): Promise<ResourceDna | undefined>
  /** Every instance whose tags contain all of `tags`; at most `limit` (default 10,000). Terminated ones are left out. */
  list(filter: { readonly tags?: Readonly<Record<string, string>>; readonly limit?: number }): AsyncIterable<InstanceSummary>
  /** Cheap and batched: one entry per instance that the cloud knows, keyed by native id. */
  states(refs: readonly InstanceRef[]): Promise<ReadonlyMap<string, InstanceSummary>>
  /** What the cloud's own checks say of an instance: its host, and whether its system answers. Absent where the cloud has none. */
  checks?(ref: InstanceRef): Promise<{ readonly state: 'passed' | 'pending' | 'failed'; readonly detail: string }>
}

export interface InstanceSummary {
  readonly ref: InstanceRef
  readonly name: string
  readonly state: PowerState
  readonly nativeState: string
  readonly stateReason?: { readonly code: string; readonly message: string }
  readonly instanceType: string
  readonly purchase: 'on-demand' | 'spot' | 'reserved'
  readonly tags: Readonly<Record<string, string>>
  readonly launchedAt?: string
}
