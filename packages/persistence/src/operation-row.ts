import type { Operation } from '@understudy/control'
import type { Json } from '@understudy/core'
import type { Operation as OperationRow } from './generated/client.ts'
import { optional } from './rows.ts'

export function toOperation(row: OperationRow): Operation
export function toOperation(row: OperationRow | null): Operation | undefined
export function toOperation(row: OperationRow | null): Operation | undefined {
  if (row === null) return undefined
  return {
    id: row.id,
    projectId: row.projectId,
    kind: row.kind,
    version: row.version,
    resourceId: optional(row.resourceId),
    shadowId: optional(row.shadowId),
    status: row.status as Operation['status'], // checked by the table
    params: row.params as Json,
    plan: row.plan as Json,
    planHash: optional(row.planHash),
    deadline: optional(row.deadline),
    priority: row.priority,
    lockKey: optional(row.lockKey),
    requestedBy: row.requestedBy,
    reason: row.reason,
    createdAt: row.createdAt,
    startedAt: optional(row.startedAt),
    finishedAt: optional(row.finishedAt),
    error: optional(row.error) as Operation['error'], // written from the same type
    output: row.output as Json,
    cancelRequestedAt: optional(row.cancelRequestedAt),
    updatedAt: row.updatedAt,
  }
}
