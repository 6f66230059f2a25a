import { holdResource as contract } from '@understudy/contract'
import { holdResource } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { resourceView } from '../../views/resource.ts'

export const holdResourceRoute = route(contract, async ({ control, principal, params, body, seenVersion }) =>
  ok(resourceView(await holdResource(control, principal, { ...body, id: params.id, seenVersion }))),
)
