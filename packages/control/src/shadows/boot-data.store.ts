import type { SealedSecret } from '../accounts/account.ts'

/** Boot data that an owner has given for the instances of one resource in one account. */
export interface BootDataKey {
  readonly resourceId: string
  readonly accountId: string
}
export interface BootDataStore {
  get(key: BootDataKey): Promise<SealedSecret | undefined>
  set(key: BootDataKey, sealed: SealedSecret): Promise<void>
  /** Forgets what is kept for other accounts than these. */
  keepOnly(resourceId: string, accountIds: readonly string[]): Promise<void>
  listSealedWithOtherKey(masterKeyId: string, limit: number): Promise<readonly BootDataKey[]>
}

/** What the seal is bound to: it opens for no other resource and no other account. */
export const bootDataContext = ({ resourceId, accountId }: BootDataKey): string => `${resourceId}/${accountId}`
