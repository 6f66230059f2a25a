import { getDna as contract } from '@understudy/contract'
import { getDna } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { dnaView } from '../../views/resource.ts'

export const getDnaRoute = route(contract, async ({ control, principal, params }) => ok(dnaView(await getDna(control, principal, { id: params.id }))))
