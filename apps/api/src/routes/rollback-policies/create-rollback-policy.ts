import { createRollbackPolicy as contract } from '@understudy/contract'
import { createPolicy } from '@understudy/control'
import { created, route } from '../../http/route.ts'
import { rollbackPolicyView } from '../../views/rollback-policy.ts'

export const createRollbackPolicyRoute = route(contract, async ({ control, principal, body }) => {
  const { name, description, appliesTo, priority, ...rules } = body
  const policy = await createPolicy(control, principal, { name, description, appliesTo, priority, rules })
  return created(rollbackPolicyView(policy), `/v1/rollback-policies/${policy.id}`)
})
