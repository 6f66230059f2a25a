import { now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import type { Account } from './account.ts'
import { checkAccount } from './check-account.ts'

/** Records how to reach one account of a cloud in one region. The credentials are sealed and never answered again. Needs `admin`. */
export async function createAccount(
  control: Control,
  principal: Principal,
  input: {
    readonly name: string
    readonly provider: string
    readonly region: string
    readonly nativeAccount?: string | undefined
    readonly settings: JsonObject
    readonly credentials: JsonObject
  },
): Promise<Account> {
  requireRole(principal, 'admin')
  checkAccount(control, input)
  const at = now(control.clock)
  const account: Account = {
    id: control.ids.next('account'),
    projectId: principal.projectId,
    name: input.name,
    provider: input.provider,
    nativeAccount: input.nativeAccount,
    region: input.region,
    settings: input.settings,
    status: 'unverified',
    verifiedAt: undefined,
    verification: undefined,
    ingestKeyHash: undefined,
    createdAt: at,
    updatedAt: at,
    version: 1,
  }
  const sealed = control.vault.seal(JSON.stringify(input.credentials), account.id)
  await control.database.transaction(async (stores) => {
    await stores.accounts.insert(account, sealed)
    await recordChange(control, stores, {
      projectId: account.projectId,
      actor: actorOf(principal),
      what: 'accounts.created',
      subject: `accounts/${account.id}`,
      data: { name: account.name, provider: account.provider, region: account.region },
    })
  })
  return account
}
