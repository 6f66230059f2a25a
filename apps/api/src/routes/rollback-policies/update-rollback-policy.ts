import { updateRollbackPolicy as contract } from '@understudy/contract'
import { updatePolicy } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { rollbackPolicyView } from '../../views/rollback-policy.ts'

export const updateRollbackPolicyRoute = route(contract, async ({ control, principal, params, body, seenVersion }) => {
  const { name, description, appliesTo, priority, ...rules } = body
  const patch = { id: params.id, seenVersion, name, description, appliesTo, priority, rules }
  return ok(rollbackPolicyView(await updatePolicy(control, principal, patch)))
})
