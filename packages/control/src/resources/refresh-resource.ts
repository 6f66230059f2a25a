import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'

/** Reads the definition of the present primary again. While a refresh of it runs, that one is answered. `busy` while it fails over. */
export async function refreshResource(control: Control, principal: Principal, input: { readonly id: string }): Promise<Operation> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const resource = await stores.resources.find(principal.projectId, input.id)
    if (resource === undefined) throw notFound('resource')
    if (resource.status === 'failing-over') throw new AppError('busy', 'A failover of this resource is under way, and reads the definition itself.')
    const { operation, joined } = await startOperation(control, stores, {
      kind: 'resource.refresh',
      projectId: resource.projectId,
      params: { resourceId: resource.id },
      resourceId: resource.id,
      lockKey: `refresh:${resource.id}`,
      priority: priorities.background,
      requestedBy: actorOf(principal),
      reason: `Refresh ${resource.name}`,
    })
    if (!joined) {
      await recordChange(control, stores, {
        projectId: resource.projectId,
        actor: actorOf(principal),
        what: 'resources.refresh_requested',
        subject: `resources/${resource.id}`,
        operationId: operation.id,
      })
    }
    return operation
  })
}
