import { createProject as contract } from '@understudy/contract'
import { createProject } from '@understudy/control'
import { created, route } from '../../http/route.ts'
import { projectView } from '../../views/access.ts'

export const createProjectRoute = route(contract, async ({ control, principal, body }) => {
  const project = await createProject(control, principal, body)
  return created(projectView(project), `/v1/projects/${project.id}`)
})
