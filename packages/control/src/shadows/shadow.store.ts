import type { Proof, Shadow, ShadowStatus } from './shadow.ts'

export interface ShadowStore {
  insert(shadow: Shadow): Promise<void>
  find(projectId: string, id: string): Promise<Shadow | undefined>
  findById(id: string): Promise<Shadow | undefined>
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly resourceId?: string; readonly status?: ShadowStatus },
  ): Promise<readonly Shadow[]>
  /** All that are not promoted or retired. */
  listAlive(resourceIds: readonly string[]): Promise<readonly Shadow[]>
  listAliveByNativeIds(accountId: string, nativeIds: readonly string[]): Promise<readonly Shadow[]>
  listArmedBefore(at: Date, limit: number): Promise<readonly Shadow[]>
  /** Compare-and-swap on `version`; `conflict` when it has changed. */
  update(shadow: Shadow, seenVersion: number): Promise<void>
  /** Compare-and-swap on the status: `false` when it was not one of `from`. Sets the operation (null clears it). */
  move(
    id: string,
    change: {
      readonly from: readonly ShadowStatus[]
      readonly to: ShadowStatus
      readonly operationId?: string | null
      readonly nativeId?: string
      readonly snapshotSetId?: string
      readonly lastError?: string | null
      readonly at: Date
    },
  ): Promise<boolean>
  setProof(id: string, proof: Proof): Promise<void>
  /** Where its instance answers, as far as we have been told. */
  setAddress(id: string, address: string): Promise<void>
  /** Whether an account has one that is not promoted or retired. */
  isIn(accountId: string): Promise<boolean>
  setArmed(id: string, until: Date | null, at: Date): Promise<void>
}
