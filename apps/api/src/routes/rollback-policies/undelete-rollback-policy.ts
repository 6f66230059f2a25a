import { undeleteRollbackPolicy as contract } from '@understudy/contract'
import { undeletePolicy } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { rollbackPolicyView } from '../../views/rollback-policy.ts'

export const undeleteRollbackPolicyRoute = route(contract, async ({ control, principal, params, seenVersion }) =>
  ok(rollbackPolicyView(await undeletePolicy(control, principal, { id: params.id, seenVersion }))),
)
