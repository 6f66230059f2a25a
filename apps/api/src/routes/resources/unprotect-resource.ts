import { unprotectResource as contract } from '@understudy/contract'
import { unprotectResource } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { resourceView } from '../../views/resource.ts'

export const unprotectResourceRoute = route(contract, async ({ control, principal, params, seenVersion }) =>
  ok(resourceView(await unprotectResource(control, principal, { id: params.id, seenVersion }))),
)
