import type { RecoveryPoint } from '../recovery-point.ts'

/** For which occurrence of its schedule a resource was captured last. */
export interface ScheduleState {
  readonly resourceId: string
  readonly projectId: string
  readonly occurrence: Date
  /** Captures that were begun for this occurrence. */
  readonly attempts: number
  readonly pointId: string
  readonly updatedAt: Date
}

/** What retention decides from: a usable point without its manifest. */
export type KeptPoint = Pick<RecoveryPoint, 'id' | 'resourceId' | 'capturedAt' | 'lockedUntil' | 'requestedBy' | 'status' | 'deleteTime'>

export interface RecoveryScheduleStore {
  /** By resource, with what has become of the point. */
  states(resourceIds: readonly string[]): Promise<ReadonlyMap<string, ScheduleState & { readonly pointStatus: RecoveryPoint['status'] | undefined }>>
  put(state: ScheduleState): Promise<void>
  /** Usable ones that nobody has deleted. */
  keptPoints(resourceIds: readonly string[]): Promise<readonly KeptPoint[]>
  /** Those of the points that an unfinished operation names, or a transition that is not over. */
  inUse(pointIds: readonly string[], options?: { readonly exceptOperation?: string }): Promise<ReadonlySet<string>>
  /** Projects with a policy in force. */
  projects(): Promise<readonly string[]>
}
