import type { ApiKey, Project } from './access.ts'

export interface AccessStore {
  insertProject(project: Project): Promise<void>
  findProject(id: string): Promise<Project | undefined>
  listProjects(page: { readonly after: string | undefined; readonly limit: number }): Promise<readonly Project[]>
  /** `hash` is SHA-256 of the whole key; the key itself is never stored. */
  insertKey(key: ApiKey, hash: string): Promise<void>
  findKeyByHash(hash: string): Promise<ApiKey | undefined>
  findKey(projectId: string, id: string): Promise<ApiKey | undefined>
  listKeys(projectId: string, page: { readonly after: string | undefined; readonly limit: number }): Promise<readonly ApiKey[]>
  /** Coarse: written at most once a minute per key. */
  touchKey(id: string, at: Date): Promise<void>
  revokeKey(projectId: string, id: string, at: Date): Promise<boolean>
  countKeys(): Promise<number>
}
