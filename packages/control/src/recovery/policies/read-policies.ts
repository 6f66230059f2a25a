import { notFound, now } from '@understudy/core'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { idOf, pageOf, pageQuery } from '../../page.ts'
import type { Page, PageInput } from '../../page.ts'
import { choosePolicy } from './policy.gate.ts'
import type { Considered } from './policy.gate.ts'
import type { RollbackPolicy } from './policy.ts'
import { nextOccurrence } from './schedule.ts'

export async function getPolicy(control: Control, principal: Principal, input: { readonly id: string }): Promise<RollbackPolicy> {
  requireRole(principal, 'viewer')
  const policy = await control.database.stores.rollbackPolicies.find(principal.projectId, input.id)
  if (policy === undefined) throw notFound('rollback policy')
  return policy
}

export async function listPolicies(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly showDeleted?: boolean },
): Promise<Page<RollbackPolicy>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const { showDeleted = false } = input
  return pageOf(await control.database.stores.rollbackPolicies.list(principal.projectId, { ...query, showDeleted }), size, idOf)
}

export interface EffectivePolicy {
  readonly considered: readonly Considered[]
  readonly policy: RollbackPolicy | undefined
  readonly nextCaptureAt: Date | undefined
}

/** The policy that a resource has, and why it is this one. */
export async function getEffectivePolicy(control: Control, principal: Principal, input: { readonly id: string }): Promise<EffectivePolicy> {
  requireRole(principal, 'viewer')
  const { stores } = control.database
  const resource = await stores.resources.find(principal.projectId, input.id)
  if (resource === undefined) throw notFound('resource')
  const considered = choosePolicy(resource, await stores.rollbackPolicies.inForce([principal.projectId]))
  const policy = considered.find(({ applies }) => applies)?.policy
  const schedule = policy?.rules.schedule
  return { considered, policy, nextCaptureAt: schedule === undefined ? undefined : nextOccurrence(schedule, now(control.clock)) }
}
