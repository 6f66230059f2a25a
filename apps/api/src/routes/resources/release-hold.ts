import { releaseHold as contract } from '@understudy/contract'
import { releaseHold } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { resourceView } from '../../views/resource.ts'

export const releaseHoldRoute = route(contract, async ({ control, principal, params, seenVersion }) =>
  ok(resourceView(await releaseHold(control, principal, { id: params.id, seenVersion }))),
)
