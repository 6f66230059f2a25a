import type { RestoredDisk } from './restored-disk.ts'

export interface RestoredDiskStore {
  insert(disk: RestoredDisk): Promise<void>
  find(projectId: string, id: string): Promise<RestoredDisk | undefined>
  findById(id: string): Promise<RestoredDisk | undefined>
  /** Newest first. */
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly resourceId?: string; readonly pointId?: string },
  ): Promise<readonly RestoredDisk[]>
  /** Those that are plugged in, or about to be. */
  listAlive(resourceId: string): Promise<readonly RestoredDisk[]>
  /** Those whose time is up and of which something may be left; the longest due first. */
  listOverdue(at: Date, limit: number): Promise<readonly RestoredDisk[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. */
  update(disk: RestoredDisk, seenVersion: number): Promise<void>
}
