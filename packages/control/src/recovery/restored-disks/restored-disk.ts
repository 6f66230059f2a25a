import { contentHash } from '@understudy/core'
import type { Resource } from '../../resources/resource.ts'

/**
 * restoring: being made and plugged in · attached: there · released: deleted again, by hand or when its time was up · failed: it could not be
 * made, and nothing of it is left
 */
export const restoredDiskStatuses = ['restoring', 'attached', 'released', 'failed'] as const
export type RestoredDiskStatus = (typeof restoredDiskStatuses)[number]

/** One disk of a recovery point, plugged in beside the disks of the primary for a time. The row is there before the disk. */
export interface RestoredDisk {
  readonly id: string
  readonly projectId: string
  readonly resourceId: string
  readonly accountId: string
  readonly pointId: string
  /** Whose copy it is: the device in the point. */
  readonly device: string
  /** The primary when it was asked for, and its zone. */
  readonly instance: string
  readonly zone: string
  readonly status: RestoredDiskStatus
  /** Of the new disk and of its place, from `attached` on. */
  readonly disk: string | undefined
  readonly place: string | undefined
  /** Whether the cloud keeps the instance from writing to it. */
  readonly readOnly: boolean
  readonly reason: string
  readonly requestedBy: string
  readonly operationId: string
  /** From then on the sweep removes it. */
  readonly expiresAt: Date
  /** When nothing of it was left. */
  readonly cleanedAt: Date | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}

export const usualTtlSeconds = 86_400

/** A row before anything is made. */
export const newRestoredDisk = (
  resource: Pick<Resource, 'id' | 'projectId' | 'accountId' | 'nativeId'>,
  pointId: string,
  zone: string,
  {
    at,
    ttlSeconds = usualTtlSeconds,
    ...asked
  }: Pick<RestoredDisk, 'id' | 'device' | 'readOnly' | 'reason' | 'requestedBy' | 'operationId'> & {
    readonly at: Date
    readonly ttlSeconds?: number | undefined
  },
): RestoredDisk => ({
  ...{ projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId, pointId, instance: resource.nativeId, zone },
  ...{ status: 'restoring', disk: undefined, place: undefined, ...asked, expiresAt: new Date(at.getTime() + ttlSeconds * 1000) },
  ...{ cleanedAt: undefined, createdAt: at, updatedAt: at, version: 1 },
})

/** What the disk is made by, and found by again: known from the row alone, before anything is made. */
export const diskKey = ({ id }: Pick<RestoredDisk, 'id'>): string => contentHash(`${id}/disk`).slice(0, 32)
