import { notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'

/** Asks the cloud who the credentials belong to, and records the answer. While a verification runs, that one is answered. */
export async function verifyAccount(control: Control, principal: Principal, input: { readonly id: string }): Promise<Operation> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const account = await stores.accounts.find(principal.projectId, input.id)
    if (account === undefined) throw notFound('account')
    const { operation, joined } = await startOperation(control, stores, {
      kind: 'account.verify',
      projectId: account.projectId,
      params: { accountId: account.id },
      lockKey: `account:${account.id}`,
      priority: priorities.provision,
      requestedBy: actorOf(principal),
      reason: `Verify the account ${account.name}`,
    })
    if (!joined) {
      await recordChange(control, stores, {
        projectId: account.projectId,
        actor: actorOf(principal),
        what: 'accounts.verification_requested',
        subject: `accounts/${account.id}`,
        operationId: operation.id,
      })
    }
    return operation
  })
}
