import { masterKeys } from '@understudy/config'
import type { MasterKeySettings } from '@understudy/config'
import { aesGcmVault } from '@understudy/control'
import type { Database } from '@understudy/control'
import { AppError, Secret, isAppError, systemClock } from '@understudy/core'
import { openQueue } from '@understudy/queue'

const redisPatienceMs = 5000

/**
 * Opens the queue once. Throws `unavailable` with one line that says what to do. A connection that was refused goes on trying in
 * the background, because services outlive a restart of Redis: the caller is expected to end the process.
 */
export async function checkRedis(url: string): Promise<void> {
  const place = new URL(url).host
  const failed = Promise.withResolvers<never>()
  // It may fail before anybody looks.
  failed.promise.catch(() => undefined)
  const silent = (): void => failed.reject(redisError(`Redis at ${place} does not answer. Check REDIS_URL, the network and the firewall.`))
  const timer = setTimeout(silent, redisPatienceMs)
  const onError = (error: unknown): void => failed.reject(explainRedis(place, error))
  try {
    const queue = await openQueue({ backend: { kind: 'redis', url: new Secret(url) }, clock: systemClock(), onError })
    await Promise.race([queue.ready(), failed.promise])
    await queue.close()
  } finally {
    clearTimeout(timer)
  }
}

function explainRedis(place: string, cause: unknown): AppError {
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { code: undefined, message: String(cause) }
  if (code === 'ECONNREFUSED') return redisError(`Nothing listens at ${place}. Start Redis there, or correct REDIS_URL.`, cause)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return redisError(`The host of ${place} is not known. Correct REDIS_URL, or the name service.`, cause)
  if (/^(NOAUTH|WRONGPASS)|invalid password/.test(message))
    return redisError(`Redis at ${place} refuses the user or the password of REDIS_URL (redis://user:password@host:6379).`, cause)
  return redisError(`Redis at ${place} cannot be used: ${message}. Correct REDIS_URL.`, cause)
}

const redisError = (message: string, cause?: unknown): AppError => new AppError('unavailable', message, { cause })

/** A wrong key opens none of the stored credentials, so a few are enough. */
const sampleSize = 20

/** Throws `conflict` when credentials in the database are sealed with a master key that is not among the configured ones. */
export async function checkMasterKey(database: Database, settings: MasterKeySettings, whereItIsSet: string): Promise<void> {
  const vault = aesGcmVault(masterKeys(settings))
  const { accounts } = database.stores
  for (const { id, name } of (await accounts.listAll()).slice(0, sampleSize)) {
    const sealed = await accounts.credentials(id)
    if (sealed === undefined) continue
    try {
      vault.open(sealed, id)
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      throw new AppError(
        'conflict',
        `The master key of ${whereItIsSet} does not open the credentials of the account "${name}" in this database: they were sealed with another key. ` +
          'Set UNDERSTUDY_MASTER_KEY to that key, or, after a change of keys, UNDERSTUDY_MASTER_KEYS_OLD as well.',
        { cause },
      )
    }
  }
}
