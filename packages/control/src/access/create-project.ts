import { now } from '@understudy/core'
import type { Control } from '../context.ts'
import { refuseInvalid, textErrors } from '../fields.ts'
import { recordChange } from '../journal/record-change.ts'
import { actorOf } from './access.ts'
import type { Principal, Project } from './access.ts'
import { requireInstallationAdmin } from './require-role.ts'

/** A tenant of its own: nothing in it is visible from any other project. Needs the key of the installation. */
export async function createProject(control: Control, principal: Principal, input: { readonly name: string }): Promise<Project> {
  requireInstallationAdmin(principal)
  refuseInvalid(textErrors('/name', input.name, 200))
  const project: Project = { id: control.ids.next('project'), name: input.name, createdAt: now(control.clock) }
  await control.database.transaction(async (stores) => {
    await stores.access.insertProject(project)
    // In both trails: the new project's begins with who made it, and the installation's own knows of all.
    for (const projectId of new Set([project.id, principal.projectId])) {
      await recordChange(control, stores, {
        projectId,
        actor: actorOf(principal),
        what: 'access.project_created',
        subject: `projects/${project.id}`,
        data: { name: project.name },
      })
    }
  })
  return project
}
