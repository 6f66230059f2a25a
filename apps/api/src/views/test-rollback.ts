import type { TestRollback as TestRollbackView } from '@understudy/contract'
import type { RestoreDrill } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

export const testRollbackView = (drill: RestoreDrill): z.input<typeof TestRollbackView> =>
  present({
    id: drill.id,
    resourceId: drill.resourceId,
    recoveryPointId: drill.pointId,
    accountId: drill.accountId,
    status: drill.status,
    reason: drill.reason,
    requestedBy: drill.requestedBy,
    operationId: drill.operationId,
    expiresAt: drill.expiresAt.toISOString(),
    cleanedAt: timeText(drill.cleanedAt),
    // As it was signed, member for member.
    record: drill.record && { ...drill.record, checks: [...drill.record.checks] },
    signature: drill.signature,
    createdAt: drill.createdAt.toISOString(),
    updatedAt: drill.updatedAt.toISOString(),
    etag: etagOf(drill.version),
  })
