import { isObject } from './call.ts'
import { GoogleError } from './fault.ts'
import type { Project } from './project.ts'

/** Where the name of a permission is not that of its operation. */
const otherNames: Readonly<Record<string, string>> = {
  insert: 'create',
  aggregatedList: 'list',
  patch: 'update',
  wait: 'get',
  getHealth: 'get',
  listInstances: 'list',
  addInstances: 'update',
  removeInstances: 'update',
}

/** `instances.insert` needs `compute.instances.create`. */
function permissionOf(operation: string): string {
  const [resource = '', verb = ''] = operation.split('.')
  return `compute.${resource}.${otherNames[verb] ?? verb}`
}

/** Refuses what the caller's roles lack, in Google's words. */
export function authorise(project: Project, operation: string): void {
  const permission = permissionOf(operation)
  if (!project.denied.has(permission)) return
  throw new GoogleError(403, 'forbidden', `Required '${permission}' permission for 'projects/${project.id}'`)
}

/** Cloud Resource Manager's only method here: which of some permissions the caller has. Undefined: something else was asked. */
export function testPermissions(project: Project, method: string, path: string, body: unknown): object | undefined {
  const named = /^\/v1\/projects\/([^/:]+):testIamPermissions$/.exec(path)?.[1]
  if (method !== 'POST' || named === undefined) return undefined
  if (named !== project.id) throw new GoogleError(403, 'forbidden', 'The caller does not have permission')
  const permissions = isObject(body) && Array.isArray(body['permissions']) ? body['permissions'] : []
  if (permissions.length > 100) throw new GoogleError(400, 'badRequest', 'At most 100 permissions can be tested at once.')
  const granted = permissions.filter((permission) => typeof permission === 'string' && !project.denied.has(permission))
  // A list that is empty is left out.
  return granted.length === 0 ? {} : { permissions: granted }
}
