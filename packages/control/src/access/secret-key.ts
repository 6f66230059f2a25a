import { randomBytes } from 'node:crypto'
import { sha256 } from '@understudy/core'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford base 32, as in ids
const length = 40
const shownLength = 12

/** `usk_`: a key of the API · `usi_`: a key that pushed events of one account carry. */
export type SecretPrefix = 'usk' | 'usi'

/** 200 random bits. Made from the system's source and never from the injected one: nobody may be able to make it again. */
export function newSecretKey(prefix: SecretPrefix): string {
  let text = `${prefix}_`
  for (const byte of randomBytes(length)) text += alphabet[byte & 31]
  return text
}

/** What is stored of a key. A plain hash is enough: nobody can try 2^200 keys. */
export const hashOfSecretKey = (secret: string): string => sha256(secret)

/** The part people may see. */
export const shownPartOf = (secret: string): string => secret.slice(0, shownLength)
