import type { ResourceDna } from '@understudy/provider'
import type { Resource, Unplaced } from './resource.ts'

export interface ResourceStore {
  /** `already_exists` when the instance is imported in this account already. */
  insert(resource: Resource): Promise<void>
  find(projectId: string, id: string): Promise<Resource | undefined>
  findById(id: string): Promise<Resource | undefined>
  findManyById(ids: readonly string[]): Promise<ReadonlyMap<string, Resource>>
  /** By present primary. */
  /** `ignoreCase`: for clouds whose services write one id in several ways. */
  findByNativeIds(accountId: string, nativeIds: readonly string[], options?: { readonly ignoreCase?: boolean }): Promise<readonly Resource[]>
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly accountId?: string; readonly status?: string },
  ): Promise<readonly Resource[]>
  /** Resources that a reconciler has to look at: protected ones, least recently looked at first. */
  listProtected(options: { readonly limit: number; readonly after: string | undefined }): Promise<readonly Resource[]>
  /** Compare-and-swap on `version`; `conflict` when it has changed. */
  update(resource: Resource, seenVersion: number): Promise<void>
  /** Status alone, without touching the version. */
  setStatus(id: string, status: Resource['status'], at: Date): Promise<void>
  /** What is known of shadows without a place; nothing else, and without touching the version. */
  setUnplaced(id: string, unplaced: readonly Unplaced[]): Promise<void>
  /**
   * Makes another instance the primary: succeeds only while `primaryEpoch` is what the caller saw, and raises it. Repeating it
   * with the instance that is primary already is a success. `false`: somebody else promoted in between.
   */
  promote(options: {
    readonly id: string
    readonly seenEpoch: number
    /** Of the new primary. Where it is another than before, the entry point stays in the former one. */
    readonly accountId: string
    readonly nativeId: string
    readonly zone: string | undefined
    readonly dna: ResourceDna
    readonly dnaHash: string
    readonly at: Date
  }): Promise<boolean>
  /** A resource whose tier or entry point names this account, which is not where its primary is. */
  namesAccount(projectId: string, accountId: string): Promise<string | undefined>
  delete(projectId: string, id: string): Promise<void>
}
