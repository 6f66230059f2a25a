import { listRollbackPolicies as contract } from '@understudy/contract'
import { listPolicies } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { rollbackPolicyView } from '../../views/rollback-policy.ts'

export const listRollbackPoliciesRoute = route(contract, async (call) =>
  pageAnswer(
    call,
    await listPolicies(call.control, call.principal, { ...call.page, showDeleted: call.query.showDeleted === 'true' }),
    rollbackPolicyView,
  ),
)
