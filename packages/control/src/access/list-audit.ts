import { AppError } from '@understudy/core'
import type { Control } from '../context.ts'
import type { AuditEntry } from '../journal/journal.ts'
import { pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Principal } from './access.ts'
import { requireRole } from './require-role.ts'

/** The audit trail of the caller's project, oldest first. `after` is a sequence number. */
export async function listAudit(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly target?: string | undefined; readonly operationId?: string | undefined },
): Promise<Page<AuditEntry>> {
  requireRole(principal, 'viewer')
  const after = input.after === undefined ? 0 : Number(input.after)
  if (!Number.isSafeInteger(after) || after < 0) {
    throw new AppError('invalid_request', 'The page token does not belong to this list.', {
      errors: [{ pointer: '/pageToken', message: 'is not a page token of this list' }],
    })
  }
  const { size, query } = pageQuery(input)
  const entries = await control.database.stores.audit.list(principal.projectId, {
    after,
    limit: query.limit,
    ...(input.target === undefined ? {} : { target: input.target }),
    ...(input.operationId === undefined ? {} : { operationId: input.operationId }),
  })
  return pageOf(entries, size, (entry) => String(entry.sequence))
}
