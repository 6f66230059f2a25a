import type { RestoreDrill } from './restore-drill.ts'

export interface RestoreDrillStore {
  insert(drill: RestoreDrill): Promise<void>
  find(projectId: string, id: string): Promise<RestoreDrill | undefined>
  findById(id: string): Promise<RestoreDrill | undefined>
  /** Newest first. */
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly resourceId?: string; readonly pointId?: string },
  ): Promise<readonly RestoreDrill[]>
  /** Those whose time is up and of which something may be left; the longest due first. */
  listOverdue(at: Date, limit: number): Promise<readonly RestoreDrill[]>
  /** By resource: when its last drill began. */
  lastOf(resourceIds: readonly string[]): Promise<ReadonlyMap<string, Date>>
  /** Accounts of which a drill has ended, or will, after that time. */
  listAccountsSince(at: Date): Promise<readonly string[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. */
  update(drill: RestoreDrill, seenVersion: number): Promise<void>
}
