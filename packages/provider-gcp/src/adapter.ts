import type { Clock, Random } from '@understudy/core'
import type { DiskRef, InstanceRef, Scope, SnapshotRef } from '@understudy/provider'
import type { GcpCalls } from './clients.ts'
import type { MachineTypes } from './machine-types.ts'

/** What every capability of the adapter works with. */
export interface Adapter {
  readonly scope: Scope
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  readonly calls: GcpCalls
  readonly machineTypes: MachineTypes
}

/** Google's numeric id: names are given again after a deletion, numbers are not. Its calls take either. */
export const instanceRef = (scope: Scope, nativeId: string, zone: string): InstanceRef => ({ ...scope, nativeId, zone })

const diskPrefix = 'disks/'
/** Instances and disks are both numbers; the prefix tells which is meant where the port takes either. */
export const diskRef = (scope: Scope, id: string, zone: string): DiskRef => ({ ...scope, nativeId: `${diskPrefix}${id}`, zone })
export const diskIdOf = ({ nativeId }: DiskRef): string | undefined =>
  nativeId.startsWith(diskPrefix) ? nativeId.slice(diskPrefix.length) : undefined

/** What the port is told of an image, which it has no reference for. */
export const imageRef = (id: string): string => `images/${id}`

const snapshotPrefix = 'snapshots/'
export const snapshotRef = (scope: Scope, id: string): SnapshotRef => ({ ...scope, nativeId: `${snapshotPrefix}${id}` })
export const snapshotIdOf = ({ nativeId }: SnapshotRef): string | undefined =>
  nativeId.startsWith(snapshotPrefix) ? nativeId.slice(snapshotPrefix.length) : undefined
