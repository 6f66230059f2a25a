import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { canonicalJson, isAppError, now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import type { Control } from '../context.ts'
import type { Signature, SigningKey } from './signing-key.ts'

/** What sagas are given to sign with. */
export interface Signer {
  sign(document: JsonObject): Promise<Signature>
}

type Keyring = Pick<Control, 'database' | 'vault' | 'clock'>

/** Signs with the service's present key, and makes the first one when there is none. */
export const serviceSigner = (control: Keyring): Signer => ({
  async sign(document) {
    const { stores } = control.database
    const { key, sealed } = (await stores.signingKeys.current()) ?? (await makeFirst(control))
    const privateKey = createPrivateKey(control.vault.open(sealed, key.id))
    const value = sign(null, Buffer.from(canonicalJson(document)), privateKey).toString('base64')
    return { algorithm: 'Ed25519', keyId: key.id, value }
  },
})

/** `ed25519:` and 32 hex of the SHA-256 of the public key (SPKI in DER): whoever has the key can tell that it is this one. */
export const keyIdOf = (spkiDer: Uint8Array): string => `ed25519:${createHash('sha256').update(spkiDer).digest('hex').slice(0, 32)}`

/** A new key pair, the private one sealed under the master key and bound to its id. */
export function newSigningKey({ vault, clock }: Pick<Control, 'vault' | 'clock'>) {
  const pair = generateKeyPairSync('ed25519')
  const id = keyIdOf(pair.publicKey.export({ type: 'spki', format: 'der' }))
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const sealed = vault.seal(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), id)
  const key: SigningKey = { id, publicKey, createdAt: now(clock), retiredAt: undefined }
  return { key, sealed }
}

/** Two processes may make it at once: one of them is refused, and takes the other's. */
async function makeFirst(control: Keyring): Promise<ReturnType<typeof newSigningKey>> {
  const made = newSigningKey(control)
  const { stores } = control.database
  try {
    await stores.signingKeys.insert(made.key, made.sealed)
    return made
  } catch (error) {
    const present = isAppError(error, 'conflict') ? await stores.signingKeys.current() : undefined
    if (present === undefined) throw error
    return present
  }
}
