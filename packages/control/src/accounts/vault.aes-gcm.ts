import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AppError } from '@understudy/core'
import type { Vault } from './vault.ts'

const keyBytes = 32
const nonceBytes = 12 // what GCM is made for; another length is hashed and loses its guarantee
const tagBytes = 16

/**
 * AES-256-GCM in an envelope: every secret has a random data key of its own, which the master key wraps, so that the master key
 * only ever encrypts 32 random bytes. The context is authenticated in both layers, and the id of the master key in the outer one.
 * Throws at once when a key has the wrong length or the current one is missing: a start that would fail later fails now.
 */
export function aesGcmVault(options: { readonly keys: ReadonlyMap<string, Uint8Array>; readonly current: string }): Vault {
  for (const [id, key] of options.keys) {
    if (key.byteLength !== keyBytes) throw new Error(`master key ${id} has ${key.byteLength} bytes; it must have ${keyBytes}`)
  }
  const { keys, current } = options
  const currentKey = keys.get(current)
  if (currentKey === undefined)
    throw new Error(`the current master key ${current} is not among the configured ones (${[...keys.keys()].join(', ') || 'none'})`)
  return {
    masterKeyId: current,
    seal(plaintext, context) {
      const dataKey = randomBytes(keyBytes)
      const body = encrypt(dataKey, Buffer.from(plaintext, 'utf8'), bodyContext(context))
      const wrapped = encrypt(currentKey, dataKey, keyContext(current, context))
      return {
        masterKeyId: current,
        wrappedKey: wrapped.text.toString('base64'),
        wrapNonce: wrapped.nonce.toString('base64'),
        nonce: body.nonce.toString('base64'),
        ciphertext: body.text.toString('base64'),
      }
    },
    open(sealed, context) {
      const masterKey = keys.get(sealed.masterKeyId)
      if (masterKey === undefined)
        throw cannotOpen(
          context,
          `its master key ${sealed.masterKeyId} is not configured`,
          'Configure that key again, beside the current one, until the rotation has finished.',
        )
      try {
        const dataKey = decrypt(masterKey, sealed.wrappedKey, sealed.wrapNonce, keyContext(sealed.masterKeyId, context))
        return decrypt(dataKey, sealed.ciphertext, sealed.nonce, bodyContext(context)).toString('utf8')
      } catch (cause) {
        const why = `the master key ${sealed.masterKeyId} is another one than it was sealed with, or the stored secret was changed`
        throw cannotOpen(context, why, 'Configure the key it was sealed with, or enter the secret again.', cause)
      }
    },
  }
}

const cannotOpen = (context: string, why: string, remedy: string, cause?: unknown): AppError =>
  new AppError('internal', `The stored secret of ${context} cannot be opened: ${why}.`, { cause, details: { remedy } })

const bodyContext = (context: string): Buffer => Buffer.from(`understudy/secret/v1\0${context}`)
const keyContext = (masterKeyId: string, context: string): Buffer => Buffer.from(`understudy/data-key/v1\0${masterKeyId}\0${context}`)

/** The tag is appended to the ciphertext. */
function encrypt(key: Uint8Array, plaintext: Uint8Array, context: Uint8Array): { readonly nonce: Buffer; readonly text: Buffer } {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(context)
  return { nonce, text: Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]) }
}

function decrypt(key: Uint8Array, text: string, nonce: string, context: Uint8Array): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.byteLength < tagBytes) throw new Error('shorter than its tag')
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), { authTagLength: tagBytes })
  decipher.setAAD(context)
  decipher.setAuthTag(bytes.subarray(bytes.byteLength - tagBytes))
  return Buffer.concat([decipher.update(bytes.subarray(0, bytes.byteLength - tagBytes)), decipher.final()])
}
