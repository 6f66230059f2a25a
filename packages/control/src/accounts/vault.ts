import type { SealedSecret } from './account.ts'

/** Seals what must not be readable in the database. */
export interface Vault {
  /** Id of the master key that new secrets are wrapped with. */
  readonly masterKeyId: string
  /** `context` (the id of the row) is bound to the ciphertext: a secret copied to another row does not open. */
  seal(plaintext: string, context: string): SealedSecret
  /** Throws when the key is not configured, or when anything was changed. */
  open(sealed: SealedSecret, context: string): string
}
