import type { Resource } from '../resources/resource.ts'
import type { DatabasePosition, RecoveryPoint } from './recovery-point.ts'

/** The row of a point that is about to be captured. */
export const newRecoveryPoint = (what: {
  readonly id: string
  readonly resource: Pick<Resource, 'id' | 'projectId' | 'accountId'>
  readonly reason: string
  readonly requestedBy: string
  readonly database?: DatabasePosition | undefined
  readonly operationId: string
  readonly at: Date
}): RecoveryPoint => ({
  id: what.id,
  projectId: what.resource.projectId,
  resourceId: what.resource.id,
  accountId: what.resource.accountId,
  status: 'capturing',
  reason: what.reason,
  requestedBy: what.requestedBy,
  database: what.database,
  sequence: undefined,
  manifest: undefined,
  manifestHash: undefined,
  capturedAt: undefined,
  lockedUntil: undefined,
  deleteTime: undefined,
  purgeTime: undefined,
  verification: undefined,
  operationId: what.operationId,
  lastError: undefined,
  createdAt: what.at,
  updatedAt: what.at,
  version: 1,
})
