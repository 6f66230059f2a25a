import { listProjects as contract } from '@understudy/contract'
import { listProjects } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { projectView } from '../../views/access.ts'

export const listProjectsRoute = route(contract, async (call) =>
  pageAnswer(call, await listProjects(call.control, call.principal, call.page), projectView),
)
