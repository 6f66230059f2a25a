import type { Elsewhere } from './elsewhere.ts'
import type { HostRule } from '../placement/hosts.ts'
import type { Labels } from '@understudy/core'
import type { PurchaseModel, ResourceDna, TrafficBinding } from '@understudy/provider'

/** Something a team cannot afford to lose. Its `nativeId` is the present primary and changes with every failover; `id` stays. */
export interface Resource {
  readonly id: string
  readonly projectId: string
  readonly accountId: string
  readonly name: string
  readonly nativeId: string
  readonly zone: string | undefined
  readonly labels: Labels
  /** Redacted: boot data and secret-looking tags are replaced by their hash. */
  readonly dna: ResourceDna
  readonly dnaHash: string
  readonly dnaAt: Date
  readonly traffic: EntryPoint | undefined
  readonly tier: Tier | undefined
  readonly status: ResourceStatus
  readonly hold: Hold | undefined
  /** Shadows that are promised and have no place, by account. Left out: none is known of. */
  readonly unplaced?: readonly Unplaced[]
  /** Raised by every promotion; a promotion that saw an older one is refused, so there is never a second primary. */
  readonly primaryEpoch: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}
/** Where its traffic comes in. `accountId`: of the entry point, where it is another one than the primary's. */
export interface EntryPoint extends TrafficBinding {
  readonly accountId?: string
}
export const entryAccountOf = ({ traffic, accountId }: Pick<Resource, 'traffic' | 'accountId'>): string => traffic?.accountId ?? accountId

/** `lost`: the primary is gone and nothing has taken over yet. */
export type ResourceStatus = 'unprotected' | 'protected' | 'degraded' | 'failing-over' | 'lost'

/** An expiring lock that a person puts on a resource so that no automation touches it. */
export interface Hold {
  readonly reason: string
  readonly by: string
  readonly until: Date
}
export const isHeld = (resource: Pick<Resource, 'hold'>, atMs: number): boolean => resource.hold !== undefined && resource.hold.until.getTime() > atMs

export const readinessLevels = ['cold', 'parked', 'warm', 'hot'] as const
/** cold: recipe and snapshots · parked: stopped or hibernated · warm: running small · hot: running at full size */
export type Readiness = (typeof readinessLevels)[number]

/** Why a shadow that is promised is not being made. */
export interface Unplaced {
  /** Where it was to be. */
  readonly accountId: string
  readonly code: 'zones' | 'one-zone' | 'hosts' | 'refused' | 'type'
  readonly reason: string
  readonly since: Date
}

/** What the owner pays for. */
export interface Tier {
  readonly shadows: number
  readonly readiness: Readiness
  /** `other`: never the primary's zone · `any` · or a list of zones, in order of preference. */
  readonly zones: 'other' | 'any' | readonly string[]
  /** `same-group`: on the group of hosts that the primary is bound to, in its zone · `separate`: never on its hosts. Left out: `any`. */
  readonly hosts?: HostRule
  /** Instance type of a shadow; undefined: the primary's own. `warm` needs a smaller one. */
  readonly instanceType: string | undefined
  readonly purchase: PurchaseModel
  /** A parked shadow keeps its memory where the cloud can. */
  readonly holdMemory: boolean
  /** A proof of readiness older than this no longer counts. */
  readonly proofMaxAgeSeconds: number
  /** What becomes of a primary that survived a failover. */
  readonly formerPrimary: 'terminate' | 'standby'
  /** Beside the `shadows` in the primary's own account: one in each of these that is not the primary's at the moment. */
  readonly elsewhere?: readonly Elsewhere[]
}
