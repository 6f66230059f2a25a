import { notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import { hashOfSecretKey, newSecretKey } from '../access/secret-key.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { swap } from '../seen-version.ts'

/** A new key for pushed events, which switches pushing on. The one before stops at once. The secret is answered once. Needs `admin`. */
export async function rotateIngestKey(control: Control, principal: Principal, input: { readonly id: string }): Promise<{ readonly secret: string }> {
  requireRole(principal, 'admin')
  const secret = newSecretKey('usi')
  await control.database.transaction(async (stores) => {
    const account = await stores.accounts.find(principal.projectId, input.id)
    if (account === undefined) throw notFound('account')
    const changed = { ...account, ingestKeyHash: hashOfSecretKey(secret), updatedAt: now(control.clock), version: account.version + 1 }
    await swap(stores.accounts.update(changed, account.version))
    await recordChange(control, stores, {
      projectId: account.projectId,
      actor: actorOf(principal),
      what: 'accounts.ingest_key_rotated',
      subject: `accounts/${account.id}`,
    })
  })
  return { secret }
}
