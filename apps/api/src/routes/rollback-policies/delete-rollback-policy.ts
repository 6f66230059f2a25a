import { deleteRollbackPolicy as contract } from '@understudy/contract'
import { deletePolicy } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { rollbackPolicyView } from '../../views/rollback-policy.ts'

export const deleteRollbackPolicyRoute = route(contract, async ({ control, principal, params, seenVersion }) =>
  ok(rollbackPolicyView(await deletePolicy(control, principal, { id: params.id, seenVersion }))),
)
