import { updateResource as contract } from '@understudy/contract'
import { updateResource } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { resourceView } from '../../views/resource.ts'

export const updateResourceRoute = route(contract, async ({ control, principal, params, body, seenVersion }) =>
  ok(resourceView(await updateResource(control, principal, { ...body, id: params.id, seenVersion }))),
)
