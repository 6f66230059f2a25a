import type { Offering } from '@understudy/provider'
import type { HostBinding } from '../placement/hosts.ts'
import type { Readiness } from '../resources/resource.ts'

/** A stand-in for one resource, in one zone. */
export interface Shadow {
  readonly id: string
  readonly projectId: string
  readonly resourceId: string
  readonly accountId: string
  readonly status: ShadowStatus
  /** Undefined until provisioned, and for cold shadows. */
  readonly nativeId: string | undefined
  /** Of a cold shadow: the disks of the primary as they were when it was proven. */
  readonly snapshotSetId?: string | undefined
  readonly zone: string
  readonly instanceType: string
  readonly purchase: NonNullable<Offering['purchase']>
  readonly readiness: Readiness
  /** How it stands to the hosts of its primary. Undefined: nothing was asked for. */
  readonly hosts?: HostBinding | undefined
  /** Fingerprint of the primary it was made like. */
  readonly dnaFingerprint: string
  readonly proof: Proof | undefined
  /** Set by a rebalance recommendation: prepared, no traffic moved; stands down at this time. */
  readonly armedUntil: Date | undefined
  /** Operation that has reserved it. */
  readonly operationId: string | undefined
  /** Consecutive failures to provision, repair or prove. */
  readonly failures: number
  readonly lastError: string | undefined
  /** Of an instance in another account than the entry point: where it was last known to answer. */
  readonly address?: string | undefined
  /** Of a former primary that was kept: until when its disks have everything. */
  readonly dataAsOf?: Date | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}
/**
 * planned → provisioning → unproven → ready ⇄ proving; ready → reserved → promoted. Any → failed → retiring → retired.
 * `promoted` and `retired` are final: the instance is the primary, or gone.
 */
export const shadowStatuses = [
  'planned',
  'provisioning',
  'unproven',
  'proving',
  'ready',
  'reserved',
  'failed',
  'retiring',
  'promoted',
  'retired',
] as const
export type ShadowStatus = (typeof shadowStatuses)[number]
export const isAlive = (status: ShadowStatus): boolean => status !== 'promoted' && status !== 'retired' && status !== 'retiring'

/** What every shadow begins as, beside what and where it is: nothing is proven, nobody has it, and nothing has failed. */
export const newShadow = (at: Date) =>
  ({
    ...{ proof: undefined, armedUntil: undefined, operationId: undefined, failures: 0, lastError: undefined },
    ...{ createdAt: at, updatedAt: at, version: 1 },
  }) satisfies Partial<Shadow>

/** Evidence that the shadow can take over, and when it was seen. */
export interface Proof {
  readonly at: Date
  /**
   * `health`: it answers the load balancer's checks (running shadows) · `running`: the cloud calls it running, and nothing watches whether
   * it answers before it has traffic · `start`: it was started, answered where something watches that, and was parked again · `snapshot`: the disks are kept and usable (cold ones)
   */
  readonly method: 'health' | 'running' | 'start' | 'snapshot'
  readonly seconds: number
  readonly operationId: string | undefined
}
export const proofAgeMs = (shadow: Pick<Shadow, 'proof'>, atMs: number): number =>
  shadow.proof === undefined ? Number.POSITIVE_INFINITY : atMs - shadow.proof.at.getTime()

/**
 * How far its data is behind the primary's. Nothing is copied while it waits: `boot-image-only` has what its image and its boot data
 * bring; `as-of` has disks as the primary's were at that moment.
 */
export type DataLag = { readonly kind: 'boot-image-only' } | { readonly kind: 'as-of'; readonly at: Date }
export function dataLagOf({ snapshotSetId, proof, dataAsOf }: Pick<Shadow, 'snapshotSetId' | 'proof' | 'dataAsOf'>): DataLag {
  const at = dataAsOf ?? (snapshotSetId === undefined ? undefined : proof?.at)
  return at === undefined ? { kind: 'boot-image-only' } : { kind: 'as-of', at }
}

/** Running while it waits, whatever its size. Others have to be started first, unless they are armed. */
export const isRunningKind = (readiness: Readiness): boolean => readiness === 'hot' || readiness === 'warm'
