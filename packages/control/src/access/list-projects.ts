import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Principal, Project } from './access.ts'
import { requireRole } from './require-role.ts'

/** All projects for the key of the installation; for every other key its own alone. */
export async function listProjects(control: Control, principal: Principal, input: PageInput): Promise<Page<Project>> {
  requireRole(principal, 'viewer')
  const { access } = control.database.stores
  if (!principal.installationAdmin) {
    const own = input.after === undefined ? await access.findProject(principal.projectId) : undefined
    return { items: own === undefined ? [] : [own] }
  }
  const { size, query } = pageQuery(input)
  return pageOf(await access.listProjects(query), size, idOf)
}
