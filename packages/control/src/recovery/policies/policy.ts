import type { Labels } from '@understudy/core'
import type { DigestMode } from '../digests/digests.ts'
import type { AskedChecks } from '../../probes/probe.ts'
import type { Role } from '../../access/access.ts'

/** What is kept of resources, how often and for how long, who may go back to it, and what has to be proven. Applies as a whole. */
export interface RollbackPolicy {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly description: string
  readonly appliesTo: Selector
  /** Between policies that fit one resource the higher number wins. */
  readonly priority: number
  readonly rules: PolicyRules
  /** Since when the schedule is what it is: what it would have asked for before is not made up for. */
  readonly scheduleSince: Date
  readonly deleteTime: Date | undefined
  readonly purgeTime: Date | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}

/** Everything that is named has to fit. Nothing named: every resource of the project. */
export interface Selector {
  /** Instance types; `*` stands for anything. One of them has to fit. */
  readonly types: readonly string[]
  readonly labels: Labels
  /** A resource belongs to the user group that its label `group` names. */
  readonly group: string | undefined
}
export const groupLabel = 'group'

export interface PolicyRules {
  readonly schedule?: Schedule
  readonly retention?: Retention
  /** A resource whose newest point is older violates its policy. */
  readonly maxPointAgeSeconds?: number
  /** So does one of which no restore was proven for so long. */
  readonly proofMaxAgeSeconds?: number
  readonly rollBack?: RollBackRight
  readonly transitions?: TransitionRule
  readonly automatic?: AutomaticRollback
  /** What has to be true of what came back, unless whoever asks for the rollback or the rehearsal says otherwise. */
  readonly verification?: AskedChecks
  readonly drills?: DrillRule
  /** Whether the bytes of points are read for digests, and whether as a whole each time. Left out: none. */
  readonly digests?: DigestMode
  /** Other regions of the account in which each point is kept as well. One that is the resource's own is no other. */
  readonly copies?: readonly CopyRule[]
}

export interface CopyRule {
  /** As the cloud names it. */
  readonly region: string
}
export const copiesMax = 2

export interface Schedule {
  /** Five fields, or six with seconds. */
  readonly cron: string
  /** IANA name. Cron and window are local to it. */
  readonly timeZone: string
  /** Captures begin only inside; what is due outside waits until it opens. */
  readonly window?: Window
}
export interface Window {
  /** Local times `HH:MM`. `to` before `from`: past midnight, and the days are those on which it opens. */
  readonly from: string
  readonly to: string
  /** 1 is Monday. Left out: every day. */
  readonly days?: readonly number[]
}

/** A point stays for as long as any of these wants it. The newest usable one always stays. */
export interface Retention {
  /** The newest ones. */
  readonly count?: number
  readonly maxAgeSeconds?: number
  /** Grandfather, father, son: the last point of each of the newest days, ISO weeks, months and years that have one, in UTC. */
  readonly generations?: { readonly daily?: number; readonly weekly?: number; readonly monthly?: number; readonly yearly?: number }
  /** Whether it holds for points too that a person asked for. Otherwise those stay until a person deletes them. */
  readonly includeRequested?: boolean
}

/** The role, and, where any are named, one of the keys or a key of one of the groups. */
export interface RollBackRight {
  readonly role: Exclude<Role, 'viewer'>
  readonly keys?: readonly string[]
  readonly groups?: readonly string[]
}

/** How a resource is prepared for an announced change. */
export interface TransitionRule {
  /** How long before its start. Left out: a day. */
  readonly leadSeconds?: number
  /** A shadow for the time of it, for a resource without a tier: on the group of hosts that it is bound to, on other hosts for certain, anywhere, or none. */
  readonly shadow?: 'same-group' | 'separate' | 'any' | 'none'
}

/** Test rollbacks without being asked, when the last proven restore has grown old. */
export interface DrillRule {
  readonly afterSeconds: number
  /** They begin only inside, by the local time of `timeZone` (UTC, when left out). */
  readonly window?: Window
  readonly timeZone?: string
}

/** Rolling back without being asked, after a change that left a resource damaged. */
export interface AutomaticRollback {
  /** In 24 hours; then a person is called instead. */
  readonly perDay: number
}
