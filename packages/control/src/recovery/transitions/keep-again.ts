import type { Control } from '../../context.ts'
import type { Transition } from './transition.ts'

const minute = 60_000
const [soonestMs, latestMs] = [5 * minute, 60 * minute]

/**
 * Whether the point of a transition could not be captured, and it is time to try again: after a quarter of what is left until it starts, but
 * not before five minutes have passed, and every hour at least. What a person has cancelled is not begun again.
 */
export async function mayKeepAgain({ database: { stores }, clock }: Control, transition: Transition): Promise<boolean> {
  const point = transition.pointId === undefined ? undefined : await stores.recoveryPoints.findById(transition.pointId)
  if (point?.status !== 'failed') return false
  const sinceMs = point.updatedAt.getTime()
  const pauseMs = Math.min(latestMs, Math.max(soonestMs, (transition.startsAt.getTime() - sinceMs) / 4))
  if (clock.nowMs() - sinceMs < pauseMs) return false
  const captures = await stores.operations.list(point.projectId, {
    after: undefined,
    limit: 20,
    resourceId: point.resourceId,
    kind: 'recovery.capture',
    status: 'failed',
  })
  return captures.some(({ params }) => (params as { readonly pointId?: unknown }).pointId === point.id) // as its saga has it
}
