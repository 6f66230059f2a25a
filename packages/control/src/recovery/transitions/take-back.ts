import { now } from '@understudy/core'
import type { Control } from '../../context.ts'
import type { Stores } from '../../database.ts'
import { changeTransition } from './change-transition.ts'
import type { Transition, TransitionEnding } from './transition.ts'

/**
 * Ends a transition whose announcement was taken back, in the caller's transaction: a capture that was begun for it and still runs is given
 * up, in the order of its saga. A point that is kept already stays, under the retention of its policy. A tier that was lent for it is taken
 * back by the reconciler.
 */
export async function takeBack(
  control: Pick<Control, 'clock' | 'ids'>,
  stores: Stores,
  transition: Transition,
  { actor, ending }: { readonly actor: string; readonly ending?: TransitionEnding },
): Promise<Transition> {
  const point = transition.pointId === undefined ? undefined : await stores.recoveryPoints.findById(transition.pointId)
  const runs = point?.status === 'capturing' && point.operationId !== undefined ? await stores.operations.findById(point.operationId) : undefined
  const gaveUp = runs !== undefined && (await stores.operations.requestCancel(runs.id, now(control.clock)))
  const data = {
    takenBackBy: ending === undefined ? 'caller' : 'cloud',
    signalId: ending?.signalId,
    recoveryPoint: point === undefined ? 'none' : gaveUp ? 'given_up' : point.status === 'usable' ? 'kept' : point.status,
    shadows: transition.lentTier ? 'released' : 'unchanged',
  }
  return changeTransition(control, stores, transition, { status: 'cancelled' }, { what: 'cancelled', actor, data })
}
