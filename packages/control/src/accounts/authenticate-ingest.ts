import { timingSafeEqual } from 'node:crypto'
import { AppError } from '@understudy/core'
import type { ExpectedToken } from '@understudy/provider'
import { hashOfSecretKey } from '../access/secret-key.ts'
import type { Control } from '../context.ts'
import type { Account } from './account.ts'

/** Throws what is wrong with a signed token: `unauthenticated`, or `unavailable` while its issuer's keys cannot be had. */
export type VerifyToken = (token: string, expected: ExpectedToken) => Promise<void>

/**
 * The account whose cloud pushes events with this credential: the account's ingest key, or a token of the cloud where the account's
 * settings expect one. An unknown account, one without a key and a wrong key answer alike; the error's `cause` says which it
 * was, for the log. A token that is refused is told why: who can have one signed may know.
 */
export async function authenticateIngest(
  control: Pick<Control, 'database' | 'providers'>,
  input: {
    readonly provider: string
    readonly accountId: string
    readonly secret: string | undefined
    /** Absent: tokens are not taken. */
    readonly verifyToken?: VerifyToken
  },
): Promise<Account> {
  const { secret, verifyToken } = input
  const account = await control.database.stores.accounts.findById(input.accountId)
  // Compared even when there is nothing to compare with, so that the time says nothing about which accounts exist.
  const stored = account?.ingestKeyHash ?? hashOfSecretKey('no key is set')
  const matches = timingSafeEqual(Buffer.from(hashOfSecretKey(secret ?? '')), Buffer.from(stored))
  if (account === undefined || account.provider !== input.provider) throw refused(`there is no ${input.provider} account ${input.accountId}`)
  if (secret !== undefined && verifyToken !== undefined && isSignedToken(secret)) {
    const expected = control.providers.adapter(account.provider)?.push?.token?.(account.settings)
    if (expected === undefined) throw refused(`the settings of ${account.id} expect no token`)
    await verifyToken(secret, expected)
    return account
  }
  if (account.ingestKeyHash === undefined) throw refused(`the account ${account.id} has no ingest key`)
  if (secret === undefined || !matches) throw refused(`the ingest key of ${account.id} is ${secret === undefined ? 'missing' : 'wrong'}`)
  return account
}

/** Three parts in base64url (RFC 7515); keys of ours have no dots. */
const isSignedToken = (secret: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(secret)

const refused = (why: string): AppError =>
  new AppError(
    'unauthenticated',
    'Pushed events need the ingest key of their account, or the token that its settings expect. Rotate the key with `:rotateIngestKey` and configure the new one in the cloud.',
    {
      cause: new Error(why),
    },
  )
