import { notFound, now } from '@understudy/core'
import type { NeutralSignal } from '@understudy/provider'
import { actorOf } from '../../access/access.ts'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { refuseInvalid, textErrors } from '../../fields.ts'
import { tell } from './change-transition.ts'
import type { Transition } from './transition.ts'
import { wakeReconciler } from '../../reconcilers/wake-reconciler.ts'

export interface Announcement {
  readonly resourceId: string
  readonly reason: string
  readonly startsAt: Date
  readonly estimatedSeconds: number
  /** The last moment at which it may start. */
  readonly latestStart?: Date | undefined
  readonly effect?: NeutralSignal['effect'] | undefined
}

/** Tells of a change that a caller will make to a resource, so that it is preserved before and looked at afterwards. */
export async function announceTransition(control: Control, principal: Principal, input: Announcement): Promise<Transition> {
  requireRole(principal, 'operator')
  const at = now(control.clock)
  const { startsAt, latestStart } = input
  refuseInvalid([
    ...textErrors('/reason', input.reason, 500),
    ...(startsAt < at ? [{ pointer: '/startsAt', message: 'must not be in the past' }] : []),
    ...(latestStart !== undefined && latestStart < startsAt ? [{ pointer: '/latestStart', message: 'must not be before startsAt' }] : []),
  ])
  return control.database.transaction(async (stores) => {
    const resource = await stores.resources.find(principal.projectId, input.resourceId)
    if (resource === undefined) throw notFound('resource')
    const transition: Transition = {
      id: control.ids.next('transition'),
      ...{ projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId, nativeId: resource.nativeId },
      source: 'caller',
      effect: input.effect ?? 'unknown',
      reason: input.reason,
      requestedBy: actorOf(principal),
      startsAt,
      estimatedSeconds: input.estimatedSeconds,
      postponeUntil: latestStart,
      ...{ canExpedite: false, signalIds: [], status: 'announced', pointId: undefined, lentTier: false, check: undefined, operationId: undefined },
      ...{ createdAt: at, updatedAt: at, version: 1 },
    }
    await stores.transitions.insert(transition)
    await tell(control, stores, transition, { what: 'announced', actor: transition.requestedBy })
    await stores.outbox.append([wakeReconciler(control, 'transitions')])
    return transition
  })
}
