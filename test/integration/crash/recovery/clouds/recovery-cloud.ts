import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import type { Cloud, CrashCloud, Service } from '../../clouds/cloud.ts'

/** A machine with a root and two data disks that serves, as the cloud's own books have it. */
export interface Site {
  readonly service: Service
  /** Of the data centre behind it. */
  instanceId(): string
  /** All of its disks, the root first. */
  disks(): readonly { readonly device: string; readonly volumeId: string; readonly deletes: boolean }[]
  /** Those of its owner. */
  tags(): Labels
  isProtected(): boolean
  /** Somebody else writes tags, takes some away, and protects it from deletion or no longer. */
  define(wanted: { readonly tags: Labels; readonly without: readonly string[]; readonly isProtected: boolean }): Promise<void> | void
  /** Of the data centre, by what the cloud calls a disk. */
  volumeIdOf(nativeId: string): string | undefined
  /** Of the data centre, by what the cloud calls a member of a set. */
  snapshotIdOf(member: string): string | undefined
  /** Of the data centre, what says in another region that it is a copy of this recovery point. */
  copiesOf(pointId: string): readonly string[]
  /** Whatever else there is that costs something or is in somebody's way: machines, interfaces, rules, run commands. */
  others(): readonly string[]
  /** Lets time pass until the cloud makes points of a machine again as if it had made none. */
  calmDown(): Promise<void>
}

/** What a scenario changes in this cloud when nobody disturbs it, in this order; changes made at once are in the order of their names. */
export interface ScenarioTraits {
  readonly changes: readonly string[]
  /** Changes from this one on are behind the point of no return: it is finished whoever cancels it. Default: none. */
  readonly committedFrom?: number
  /** From this change on the state of before has been kept. Default: it keeps none. */
  readonly keptFrom?: number
  /** At how many of the moments `npm test` kills. Default: none, and the scenario is left to the command. */
  readonly sample?: number
}

export type ScenarioName = 'capture' | 'copy' | 'rollback' | 'fields' | 'testRollback' | 'restoreDisk' | 'releaseDisk' | 'paths'

export interface OpenRecoveryCloud {
  readonly crash: CrashCloud
  readonly site: Site
}

/** A cloud that the recovery matrix runs on. */
export interface RecoveryCloud {
  readonly cloud: Pick<Cloud, 'name' | 'title' | 'leaseSeconds'>
  /** Whether this change is only accepted at first, and asked about until it is done. */
  isAccepted(action: string): boolean
  /** Whether this change is asked for again while what it is about is still there, so that nobody can say how often. */
  isRepeated(action: string): boolean
  open(): Promise<OpenRecoveryCloud>
  /** `missing`: why the cloud cannot have this one. */
  readonly scenarios: Readonly<Record<ScenarioName, ScenarioTraits | { readonly missing: string }>>
}

/** Where the data centre has the cloud's own tags. */
export const copiesByTag = ({ storage, otherRegions }: CrashCloud['dataCentre'], pointId: string): readonly string[] => {
  const filters = [{ name: `tag:${ownTags.recoveryPoint}`, values: [pointId] }]
  return otherRegions.flatMap((region) => storage.describeSnapshots({ filters }, region).items.map(({ snapshotId }) => snapshotId))
}

/** What is not ours. */
export const ofTheOwner = (tags: Labels): Labels => Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('understudy:')))

/** Lets time pass in which nobody asks anything. */
export async function letPass(clock: { setSpeed(speed: number): void; nowMs(): number }, ms: number, usualSpeed: number): Promise<void> {
  const untilMs = clock.nowMs() + ms
  clock.setSpeed(10_000)
  while (clock.nowMs() < untilMs) await new Promise((resolve) => setImmediate(resolve))
  clock.setSpeed(usualSpeed)
}
