import type { SealedSecret } from '../accounts/account.ts'
import type { SigningKey } from './signing-key.ts'

export interface SigningKeyStore {
  /** Newest first. */
  list(): Promise<readonly SigningKey[]>
  /** The one that signs, with its sealed private key. */
  current(): Promise<{ readonly key: SigningKey; readonly sealed: SealedSecret } | undefined>
  /** `conflict` while another one signs. */
  insert(key: SigningKey, sealed: SealedSecret): Promise<void>
  retire(id: string, at: Date): Promise<void>
  sealed(id: string): Promise<SealedSecret | undefined>
  reseal(id: string, sealed: SealedSecret): Promise<void>
}
