import type { RollbackPolicy } from './policy.ts'

export interface RollbackPolicyStore {
  insert(policy: RollbackPolicy): Promise<void>
  /** Deleted ones too, until they are purged. */
  find(projectId: string, id: string): Promise<RollbackPolicy | undefined>
  /** In the order of ids. Deleted ones only when asked for. */
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly showDeleted?: boolean },
  ): Promise<readonly RollbackPolicy[]>
  /** Those in force, of several projects. */
  inForce(projectIds: readonly string[]): Promise<readonly RollbackPolicy[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. */
  update(policy: RollbackPolicy, seenVersion: number): Promise<void>
  /** Removes what can no longer be brought back; answers how many. */
  purge(at: Date): Promise<number>
}
