import type { Clock } from '@understudy/core'
import { aesGcmVault } from '../accounts/vault.aes-gcm.ts'
import type { Database } from '../database.ts'
import { serviceSigner } from '../signing/sign.ts'
import type { Signer } from '../signing/sign.ts'

/** The service's signer, under a master key that everybody knows. */
export function testSigner(database: Database, clock: Clock): Signer {
  const vault = aesGcmVault({ keys: new Map([['test', new Uint8Array(32).fill(7)]]), current: 'test' })
  return serviceSigner({ database, vault, clock })
}
