import { timingSafeEqual } from 'node:crypto'
import { AppError } from '@understudy/core'
import { hashOfSecretKey } from '../access/secret-key.ts'
import type { Control } from '../context.ts'
import type { Account } from './account.ts'

/**
 * The account whose cloud pushes events with this key. An unknown account, one without a key and a wrong key answer alike; the
 * error's `cause` says which it was, for the log.
 */
export async function authenticateIngest(
  control: Pick<Control, 'database'>,
  input: { readonly provider: string; readonly accountId: string; readonly secret: string | undefined },
): Promise<Account> {
  const account = await control.database.stores.accounts.findById(input.accountId)
  // Compared even when there is nothing to compare with, so that the time says nothing about which accounts exist.
  const stored = account?.ingestKeyHash ?? hashOfSecretKey('no key is set')
  const matches = timingSafeEqual(Buffer.from(hashOfSecretKey(input.secret ?? '')), Buffer.from(stored))
  if (account === undefined || account.provider !== input.provider) throw refused(`there is no ${input.provider} account ${input.accountId}`)
  if (account.ingestKeyHash === undefined) throw refused(`the account ${account.id} has no ingest key`)
  if (input.secret === undefined || !matches) throw refused(`the ingest key of ${account.id} is ${input.secret === undefined ? 'missing' : 'wrong'}`)
  return account
}

const refused = (why: string): AppError =>
  new AppError(
    'unauthenticated',
    'Pushed events need the ingest key of their account. Rotate it with `:rotateIngestKey` and configure the new one in the cloud.',
    {
      cause: new Error(why),
    },
  )
