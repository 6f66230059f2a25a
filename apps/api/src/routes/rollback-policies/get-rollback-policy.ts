import { getRollbackPolicy as contract } from '@understudy/contract'
import { getPolicy } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { rollbackPolicyView } from '../../views/rollback-policy.ts'

export const getRollbackPolicyRoute = route(contract, async ({ control, principal, params }) =>
  ok(rollbackPolicyView(await getPolicy(control, principal, { id: params.id }))),
)
