import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { requireSeenVersion, swap } from '../seen-version.ts'

/** Forgets an account and its credentials. `conflict` while it has resources or recovery points: nothing in the cloud could be cleaned up afterwards. Needs `admin`. */
export async function deleteAccount(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<void> {
  requireRole(principal, 'admin')
  await control.database.transaction(async (stores) => {
    const account = await stores.accounts.find(principal.projectId, input.id)
    if (account === undefined) throw notFound('account')
    requireSeenVersion(account, input.seenVersion)
    const [resource] = await stores.resources.list(principal.projectId, { after: undefined, limit: 1, accountId: account.id })
    if (resource !== undefined) {
      throw new AppError('conflict', `The account still has resources, for instance ${resource.id}. Unprotect and delete them first.`, {
        details: { resourceId: resource.id },
      })
    }
    const naming = await stores.resources.namesAccount(principal.projectId, account.id)
    if (naming !== undefined) {
      throw new AppError('conflict', `The tier or the entry point of ${naming} names the account. Change it first.`, {
        details: { resourceId: naming },
      })
    }
    if (await stores.shadows.isIn(account.id)) {
      throw new AppError('conflict', 'The account still has shadows of resources elsewhere. They are retired shortly after their tier has changed.')
    }
    if (await stores.recoveryPoints.holdsAnything(account.id)) {
      throw new AppError('conflict', 'The account still has recovery points. Delete them; they are purged a week later, and the account can go then.')
    }
    await swap(stores.accounts.delete(principal.projectId, account.id, input.seenVersion))
    await recordChange(control, stores, {
      projectId: account.projectId,
      actor: actorOf(principal),
      what: 'accounts.deleted',
      subject: `accounts/${account.id}`,
      data: { name: account.name },
    })
  })
}
