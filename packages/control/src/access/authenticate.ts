import { AppError, now } from '@understudy/core'
import type { Control } from '../context.ts'
import type { ApiKey, Principal } from './access.ts'
import { hashOfSecretKey } from './secret-key.ts'

const secretLengthMax = 200
/** `lastUsedAt` is for people who clean up: a minute is exact enough, and spares a write per request. */
const touchEveryMs = 60_000

/**
 * Who a key belongs to. Unknown, expired and revoked keys all answer the same `unauthenticated`; its `cause` says which it was,
 * for the log. The key is looked up by its hash, so the time this takes says nothing about how much of a guess was right.
 */
export async function authenticate(control: Pick<Control, 'database' | 'clock'>, secret: string): Promise<Principal> {
  const { access } = control.database.stores
  const key = secret.length > secretLengthMax ? undefined : await access.findKeyByHash(hashOfSecretKey(secret))
  if (key === undefined) throw unauthenticated('the key is unknown')
  const at = now(control.clock)
  if (key.revokedAt !== undefined) throw unauthenticated(`the key ${key.id} was revoked`)
  if (key.expiresAt !== undefined && key.expiresAt <= at) throw unauthenticated(`the key ${key.id} has expired`)
  if (key.lastUsedAt === undefined || at.getTime() - key.lastUsedAt.getTime() >= touchEveryMs) await access.touchKey(key.id, at)
  return principalOf(key)
}

const principalOf = (key: ApiKey): Principal => ({
  keyId: key.id,
  projectId: key.projectId,
  role: key.role,
  name: key.name,
  installationAdmin: key.installationAdmin,
  groups: key.groups,
})

const unauthenticated = (why: string): AppError =>
  new AppError('unauthenticated', 'The API key is missing, unknown, expired or revoked. Send a valid one as `Authorization: Bearer usk_…`.', {
    cause: new Error(why),
  })
