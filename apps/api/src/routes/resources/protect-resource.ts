import { protectResource as contract } from '@understudy/contract'
import { protectResource } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { resourceView } from '../../views/resource.ts'

export const protectResourceRoute = route(contract, async ({ control, principal, params, body, seenVersion }) =>
  ok(
    resourceView(
      await protectResource(control, principal, { id: params.id, seenVersion, tier: { ...body.tier, instanceType: body.tier.instanceType } }),
    ),
  ),
)
