import { AppError } from '@understudy/core'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Stores } from '../../database.ts'
import type { Resource } from '../../resources/resource.ts'
import { policyOf } from './policy.gate.ts'
import type { RollbackPolicy } from './policy.ts'

/** The policy of one resource, as it is in force now. */
export const findPolicyOf = async (stores: Stores, resource: Resource): Promise<RollbackPolicy | undefined> =>
  policyOf(resource, await stores.rollbackPolicies.inForce([resource.projectId]))

/** Throws `forbidden` unless the policy lets this principal roll back. Without a policy every operator may. */
export function requireRollBackRight(principal: Principal, policy: RollbackPolicy | undefined): void {
  const right = policy?.rules.rollBack
  requireRole(principal, right?.role ?? 'operator')
  const { keys = [], groups = [] } = right ?? {}
  // The policy itself has told the service to.
  if (principal.system !== undefined || keys.length + groups.length === 0) return
  if (keys.includes(principal.keyId) || principal.groups?.some((group) => groups.includes(group)) === true) return
  throw new AppError('forbidden', `The policy ${policy?.name ?? ''} lets only certain keys and groups roll this resource back. Ask one of them.`)
}
