import { getShadow as contract } from '@understudy/contract'
import { getShadow } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { shadowView } from '../../views/shadow.ts'

export const getShadowRoute = route(contract, async ({ control, principal, params }) =>
  ok(shadowView(await getShadow(control, principal, { id: params.id }))),
)
