import type { Account, SealedSecret } from './account.ts'

export interface AccountStore {
  insert(account: Account, credentials: SealedSecret): Promise<void>
  find(projectId: string, id: string): Promise<Account | undefined>
  /** Without a project: only for pushed events (which carry the account's own key) and for the worker. */
  findById(id: string): Promise<Account | undefined>
  list(projectId: string, page: { readonly after: string | undefined; readonly limit: number }): Promise<readonly Account[]>
  listAll(): Promise<readonly Account[]>
  credentials(id: string): Promise<SealedSecret | undefined>
  /** Compare-and-swap on `version`; `conflict` when it has changed. */
  update(account: Account, seenVersion: number): Promise<void>
  setCredentials(id: string, credentials: SealedSecret): Promise<void>
  delete(projectId: string, id: string, seenVersion: number): Promise<void>
  listSealedWithOtherKey(masterKeyId: string, limit: number): Promise<readonly { readonly id: string; readonly credentials: SealedSecret }[]>
}
