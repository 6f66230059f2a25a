import { AppError, assert, notFound, now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { requireSeenVersion, swap } from '../seen-version.ts'
import type { Account } from './account.ts'
import { checkAccount } from './check-account.ts'

/**
 * Changes the name, the settings (as a whole) or the credentials. New settings or credentials are unproven until `:verify`. While
 * the account has resources they must lead to the same account of the cloud: `:verify` says when they do not. Needs `admin`.
 */
export async function updateAccount(
  control: Control,
  principal: Principal,
  input: {
    readonly id: string
    readonly seenVersion: number
    readonly name?: string | undefined
    readonly nativeAccount?: string | undefined
    readonly settings?: JsonObject | undefined
    readonly credentials?: JsonObject | undefined
  },
): Promise<Account> {
  requireRole(principal, 'admin')
  return control.database.transaction(async (stores) => {
    const before = await stores.accounts.find(principal.projectId, input.id)
    if (before === undefined) throw notFound('account')
    requireSeenVersion(before, input.seenVersion)
    const sealed = await stores.accounts.credentials(before.id)
    assert(sealed !== undefined, 'every account has credentials')
    const settings = input.settings ?? before.settings
    const credentials = input.credentials ?? (JSON.parse(control.vault.open(sealed, before.id)) as JsonObject)
    const nativeAccount = input.nativeAccount ?? before.nativeAccount
    checkAccount(control, { ...before, name: input.name ?? before.name, nativeAccount, settings, credentials })

    const isUnproven = input.settings !== undefined || input.credentials !== undefined || nativeAccount !== before.nativeAccount
    const hasResources = (await stores.resources.list(principal.projectId, { after: undefined, limit: 1, accountId: before.id })).length > 0
    if (hasResources && nativeAccount !== before.nativeAccount) {
      throw new AppError(
        'conflict',
        `The resources of this account are in ${before.nativeAccount ?? 'another one'}. Make another account for ${nativeAccount ?? 'it'}.`,
      )
    }
    // What was learnt from former credentials is learnt again; what a person has named stays.
    const isLearnt = input.nativeAccount === undefined && control.providers.adapter(before.provider)?.account === undefined
    const account: Account = {
      ...before,
      name: input.name ?? before.name,
      settings,
      ...(isUnproven ? { status: 'unverified' as const, verification: undefined } : {}),
      nativeAccount: isUnproven && !hasResources && isLearnt ? undefined : nativeAccount,
      updatedAt: now(control.clock),
      version: before.version + 1,
    }
    await swap(stores.accounts.update(account, input.seenVersion))
    if (input.credentials !== undefined) await stores.accounts.setCredentials(account.id, control.vault.seal(JSON.stringify(credentials), account.id))
    await recordChange(control, stores, {
      projectId: account.projectId,
      actor: actorOf(principal),
      what: 'accounts.updated',
      subject: `accounts/${account.id}`,
      data: { changed: (['name', 'nativeAccount', 'settings', 'credentials'] as const).filter((field) => input[field] !== undefined) },
    })
    return account
  })
}
