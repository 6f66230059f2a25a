import { getResourceRollbackPolicy as contract } from '@understudy/contract'
import { getEffectivePolicy } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { effectivePolicyView } from '../../views/rollback-policy.ts'

export const getResourceRollbackPolicyRoute = route(contract, async ({ control, principal, params }) =>
  ok(effectivePolicyView(await getEffectivePolicy(control, principal, { id: params.id }))),
)
