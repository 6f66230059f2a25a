import { contentHash } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import type { CheckResult } from '../probes/probe.ts'
import type { Signature } from '../signing/signing-key.ts'

/** aborted: nothing was proven, because the clone could not be made, or somebody cancelled it. */
export type RestoreDrillStatus = 'running' | 'passed' | 'failed' | 'aborted'

/** A rehearsal of a rollback on an isolated clone. */
export interface RestoreDrill {
  readonly id: string
  readonly projectId: string
  readonly resourceId: string
  readonly accountId: string
  readonly pointId: string
  readonly status: RestoreDrillStatus
  readonly reason: string
  readonly requestedBy: string
  readonly operationId: string
  /** From then on the sweep removes what it has made. */
  readonly expiresAt: Date
  /** When nothing of it was left. */
  readonly cleanedAt: Date | undefined
  readonly record: RestoreRecord | undefined
  readonly signature: Signature | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}

/** What was proven. Plain JSON: it is signed as it is, and verified without this service. */
export type RestoreRecord = {
  readonly format: 'understudy-restore-record/1'
  readonly drill: string
  readonly installation: string
  readonly project: string
  readonly resource: { readonly id: string; readonly name: string }
  readonly point: { readonly id: string; readonly sequence: number; readonly manifestHash: string; readonly takenAt: string }
  readonly clone: { readonly instance: string; readonly zone: string; readonly instanceType: string }
  readonly outcome: 'passed' | 'failed'
  readonly checks: readonly CheckResult[]
  readonly startedAt: string
  readonly verifiedAt: string
  readonly cleanedAt: string
  /** From the first call to the cloud until every check had passed, or their time was up. */
  readonly recoverySeconds: number
  /** What would be lost by going back: age of the point when the drill began. */
  readonly dataLossSeconds: number
  /** What was deleted afterwards, and what was left: nothing. */
  readonly removed: Removed
}
export type Removed = { readonly instances: number; readonly disks: number; readonly securityGroups: number }

/** What everything that a drill makes can be found by, from its row alone: known before anything is made. */
export const drillKeys = ({ id }: Pick<RestoreDrill, 'id'>): { readonly clone: string; readonly isolation: string } => ({
  clone: contentHash(`${id}/clone`).slice(0, 32),
  isolation: contentHash(`${id}/isolation`).slice(0, 32),
})

export const recordJson = (record: RestoreRecord): JsonObject => record as unknown as JsonObject // plain JSON by its type
