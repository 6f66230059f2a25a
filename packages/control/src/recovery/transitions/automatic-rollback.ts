import { isAppError } from '@understudy/core'
import { systemActor } from '../../access/access.ts'
import type { Principal } from '../../access/access.ts'
import type { Control } from '../../context.ts'
import type { AutomaticRollback } from '../policies/policy.ts'
import { prepareRollback, startRollback } from '../start-rollback.ts'
import { changeTransition } from './change-transition.ts'
import type { Transition } from './transition.ts'

const dayMs = 86_400_000
const part = 'automatic-rollback'

/**
 * What follows, by the policy, from a transition that has left a resource damaged: a rollback to the point before it, or, when there
 * were enough of them in a day or there is no way, the call for a person. Once for each transition.
 */
export async function rollBackByPolicy(control: Control, transition: Transition, rule: AutomaticRollback | undefined): Promise<boolean> {
  const { check } = transition
  if (check === undefined || check.automatic !== undefined) return false
  if (rule === undefined) return conclude(control, transition, { personCalled: 'No policy of the resource rolls it back by itself.' })
  if (check.recommendedPointId === null) return conclude(control, transition, { personCalled: 'No usable recovery point was kept before it.' })
  const since = control.clock.nowMs() - dayMs
  const query = { after: undefined, limit: 50, resourceId: transition.resourceId, kind: 'recovery.rollback' }
  const former = await control.database.stores.operations.list(transition.projectId, query)
  const ours = former.filter(({ requestedBy, createdAt }) => requestedBy === systemActor(part) && createdAt.getTime() > since)
  if (ours.length >= rule.perDay)
    return conclude(control, transition, { personCalled: `It was rolled back ${ours.length} times in 24 hours already.` })
  const principal: Principal = { keyId: '', projectId: transition.projectId, role: 'admin', name: part, installationAdmin: false, system: part }
  const wanted = { recoveryPointId: check.recommendedPointId }
  try {
    const { planHash } = await prepareRollback(control, principal, wanted)
    const operation = await startRollback(control, principal, { ...wanted, planHash, reason: `Damaged by ${transition.reason}`.slice(0, 500) })
    return await conclude(control, transition, { operationId: operation.id })
  } catch (error) {
    // Somebody else works on it, or the cloud is away: the next pass tries again.
    if (isAppError(error, 'busy') || isAppError(error, 'provider_unavailable') || isAppError(error, 'plan_stale') || !isAppError(error)) throw error
    return conclude(control, transition, { personCalled: error.message })
  }
}

type Conclusion = { readonly operationId: string } | { readonly personCalled: string }

async function conclude(control: Control, transition: Transition, automatic: Conclusion): Promise<boolean> {
  const { check } = transition
  if (check === undefined) return false
  const what = 'operationId' in automatic ? 'rollback_started' : 'person_called'
  await control.database.transaction((stores) =>
    changeTransition(control, stores, transition, { check: { ...check, automatic } }, { what, actor: systemActor(part), data: { ...automatic } }),
  )
  return true
}
