import { sha256 } from '@understudy/core'
import type { Secret } from '@understudy/core'
import { z } from 'zod'
import { list, secret } from './values.ts'

export const masterKey = secret(/^([\w.-]{1,40}:)?[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64, made with: openssl rand -base64 32')
export const oldMasterKeys = list().pipe(z.array(masterKey))

export interface MasterKeySettings {
  readonly UNDERSTUDY_MASTER_KEY: Secret
  readonly UNDERSTUDY_MASTER_KEYS_OLD: readonly Secret[]
}

/** Master keys by id; the id is given before the colon, or follows from the key. */
export function masterKeys(config: MasterKeySettings): { readonly keys: ReadonlyMap<string, Uint8Array>; readonly current: string } {
  const current = readKey(config.UNDERSTUDY_MASTER_KEY)
  return { keys: new Map([...config.UNDERSTUDY_MASTER_KEYS_OLD.map(readKey), current]), current: current[0] }
}

function readKey(value: Secret): readonly [string, Uint8Array] {
  const text = value.reveal()
  const colon = text.indexOf(':')
  const key = Buffer.from(text.slice(colon + 1), 'base64')
  return [colon === -1 ? `k${sha256(key).slice(0, 12)}` : text.slice(0, colon), key]
}
