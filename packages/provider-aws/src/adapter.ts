import type { Clock, Random } from '@understudy/core'
import type { CallContext, DiskRef, InstanceRef, Scope, SnapshotRef } from '@understudy/provider'
import type { AwsCalls } from './clients.ts'
import type { Freshness } from './freshness.ts'
import type { InstanceReader } from './instance-reader.ts'
import type { InstanceTypes } from './instance-types.ts'
import type { OwnActions } from './own-actions.ts'

/** What every capability of the adapter works with. */
export interface Adapter {
  readonly scope: Scope
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  readonly calls: AwsCalls
  readonly fresh: Freshness
  readonly instances: InstanceReader
  readonly instanceTypes: InstanceTypes
  readonly ownActions: OwnActions
}

export const instanceRef = (scope: Scope, nativeId: string, zone?: string): InstanceRef => ({
  ...scope,
  nativeId,
  ...(zone === undefined ? {} : { zone }),
})
export const diskRef = (scope: Scope, nativeId: string, zone?: string): DiskRef => ({ ...scope, nativeId, ...(zone === undefined ? {} : { zone }) })
export const snapshotRef = (scope: Scope, nativeId: string): SnapshotRef => ({ ...scope, nativeId })

export const isUrgent = (context: Pick<CallContext, 'priority'>): { readonly urgent: boolean } => ({ urgent: context.priority === 'failover' })
