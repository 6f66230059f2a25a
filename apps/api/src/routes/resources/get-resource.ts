import { getResource as contract } from '@understudy/contract'
import { getResource } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { resourceView } from '../../views/resource.ts'

export const getResourceRoute = route(contract, async ({ control, principal, params }) =>
  ok(resourceView(await getResource(control, principal, { id: params.id }))),
)
