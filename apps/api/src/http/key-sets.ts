import type { Clock } from '@understudy/core'
import { createLocalJWKSet, errors } from 'jose'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import type { FetchKeySet } from './fetch-key-set.ts'

/** The keys of issuers, by their address. Rejects with `KeysUnavailable` when they cannot be had. */
export type KeySets = (url: string) => JWTVerifyGetKey

export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** Read anew after this long: keys that an issuer has withdrawn stop counting. */
const freshMs = 10 * 60_000
/** A notice must not be lost because its issuer's keys cannot be read just now: known ones go on counting this long. */
const usableMs = 24 * 60 * 60_000
/** An unknown key id may be a new key, or anybody's invention: it is looked up this often at most. */
const unknownKeyMs = 30_000
/** After a failure the next one that asks is answered at once for this long. */
const failureMs = 2_000
const setsMax = 500

interface Known {
  readonly find: JWTVerifyGetKey
  readonly readAtMs: number
}

/** A cache of key sets: one read at a time per address, fresh for ten minutes, and for a day when the issuer does not answer. */
export function keySets(clock: Clock, fetchKeySet: FetchKeySet): KeySets {
  const known = new Map<string, Known>()
  const pending = new Map<string, Promise<Known>>()
  const failed = new Map<string, { readonly atMs: number; readonly error: KeysUnavailable }>()

  const read = async (url: string): Promise<Known> => {
    try {
      const find = createLocalJWKSet((await fetchKeySet(url)) as JSONWebKeySet) // checks the shape itself
      const entry = { find, readAtMs: clock.nowMs() }
      known.delete(url)
      known.set(url, entry)
      failed.delete(url)
      return entry
    } catch (error) {
      const unavailable = new KeysUnavailable('the keys of the issuer cannot be read', { cause: error })
      failed.set(url, { atMs: clock.nowMs(), error: unavailable })
      throw unavailable
    } finally {
      pending.delete(url)
      for (const map of [known, failed]) for (const oldest of map.keys()) if (map.size > setsMax) map.delete(oldest)
    }
  }
  const readOnce = (url: string): Promise<Known> => {
    const failure = failed.get(url)
    if (failure !== undefined && clock.nowMs() - failure.atMs < failureMs) return Promise.reject(failure.error)
    const running = pending.get(url) ?? read(url)
    pending.set(url, running)
    return running
  }
  const current = async (url: string): Promise<Known> => {
    const entry = known.get(url)
    const ageMs = entry === undefined ? Number.POSITIVE_INFINITY : clock.nowMs() - entry.readAtMs
    if (entry !== undefined && ageMs < freshMs) return entry
    try {
      return await readOnce(url)
    } catch (error) {
      if (entry !== undefined && ageMs < usableMs) return entry
      throw error
    }
  }
  return (url) => async (header, token) => {
    const entry = await current(url)
    try {
      return await entry.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || clock.nowMs() - entry.readAtMs < unknownKeyMs) throw error
      return (await readOnce(url)).find(header, token)
    }
  }
}
