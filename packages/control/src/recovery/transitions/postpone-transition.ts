import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../../access/access.ts'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { refuseInvalid } from '../../fields.ts'
import { priorities } from '../../operations/operation.ts'
import type { Operation } from '../../operations/operation.ts'
import { startOperation } from '../../operations/start-operation.ts'
import { wakeReconciler } from '../../reconcilers/wake-reconciler.ts'
import { requireSeenVersion } from '../../seen-version.ts'
import { changeTransition } from './change-transition.ts'
import { readOptions } from './read-transitions.ts'
import { takeBack } from './take-back.ts'
import { overText } from './transition-options.ts'
import { openStatuses } from './transition.ts'
import type { Transition } from './transition.ts'

/**
 * Puts a transition off. A caller's waits in our own queue; a cloud's is moved by an operation, where the cloud has such a call. Otherwise
 * `conflict`, with what can be done instead in `alternatives`.
 */
export async function postponeTransition(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number; readonly until: Date },
): Promise<{ readonly transition: Transition } | { readonly operation: Operation }> {
  requireRole(principal, 'operator')
  const { until } = input
  const found = await control.database.stores.transitions.find(principal.projectId, input.id)
  if (found === undefined) throw notFound('transition')
  requireSeenVersion(found, input.seenVersion)
  if (until <= found.startsAt) refuseInvalid([{ pointer: '/until', message: `must be after its present start, ${found.startsAt.toISOString()}` }])
  const options = await readOptions(control, found)
  const option = options.find(({ action }) => action === 'postpone')
  const latest = option?.until
  if (option?.possible !== true || (latest !== undefined && until > latest)) {
    const why = option?.possible === true ? `It can be put off until ${latest?.toISOString() ?? ''} at most.` : (option?.how ?? '')
    const alternatives = options.filter(({ action, possible }) => action !== 'postpone' && possible).map(({ action, how }) => ({ action, how }))
    const instead = alternatives.length === 0 ? '' : ` Instead: ${alternatives.map(({ action }) => action).join(', ')}.`
    throw new AppError('conflict', `It cannot be postponed. ${why}${instead}`, { details: { alternatives } })
  }
  const actor = actorOf(principal)
  return control.database.transaction(async (stores) => {
    if (found.source === 'caller') {
      const change = { startsAt: until, status: 'announced' } as const
      return {
        transition: await changeTransition(control, stores, found, change, {
          what: 'postponed',
          actor,
          data: { from: found.startsAt.toISOString() },
        }),
      }
    }
    const { operation, joined } = await startOperation(control, stores, {
      kind: 'transition.postpone',
      projectId: found.projectId,
      params: { transitionId: found.id, until: until.toISOString() },
      resourceId: found.resourceId,
      lockKey: `transition:${found.id}`,
      priority: priorities.drill,
      requestedBy: actor,
      reason: `Postpone ${found.reason}`,
    })
    if (joined) throw new AppError('busy', `Another operation works on this transition: ${operation.id}.`, { details: { operationId: operation.id } })
    return { operation }
  })
}

/** Takes a caller's announcement back. */
export async function cancelTransition(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<Transition> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const found = await stores.transitions.find(principal.projectId, input.id)
    if (found === undefined) throw notFound('transition')
    requireSeenVersion(found, input.seenVersion)
    if (!openStatuses.includes(found.status)) throw new AppError('conflict', `${overText(found)} There is nothing to take back.`)
    if (found.source === 'cloud') throw new AppError('conflict', 'Only the cloud can take back what it has announced.')
    await stores.outbox.append([wakeReconciler(control, 'transitions')])
    return takeBack(control, stores, found, { actor: actorOf(principal) })
  })
}
