import { now } from '@understudy/core'
import { systemActor } from '../../access/access.ts'
import type { Control } from '../../context.ts'
import type { Reconciler } from '../../reconcilers/reconciler.ts'
import type { Resource } from '../../resources/resource.ts'
import { beginCapture } from '../begin-capture.ts'
import { expirePoint } from './expire-points.ts'
import { governedPages } from './governed.ts'
import type { Governed } from './governed.ts'
import type { RollbackPolicy } from './policy.ts'
import type { ScheduleState } from './recovery-schedule.store.ts'
import { expired } from './retention.ts'
import { isOpen, lastOccurrence } from './schedule.ts'

/** What is due together is begun in portions: clouds count snapshots per second too. */
const capturesPerPass = 50
const expiriesPerPass = 200
/** How often a capture is begun for one occurrence, when the earlier ones have failed. */
const attemptsMax = 3

/** Carries out what the policies say of every resource: captures what is due, and lets go of what no rule wants any longer. */
export const recoveryPoliciesReconciler: Reconciler = {
  name: 'recovery-policies',
  everyMs: 60_000,
  passMaxMs: 300_000,
  async pass(control) {
    const { stores } = control.database
    const counts = { resources: 0, captures: 0, expired: 0 }
    for (const projectId of await stores.recoverySchedules.projects()) {
      const policies = await stores.rollbackPolicies.inForce([projectId])
      for await (const governed of governedPages(stores, projectId, policies)) {
        counts.resources += governed.length
        counts.captures += await capture(control, governed, capturesPerPass - counts.captures)
        counts.expired += await expire(control, governed, expiriesPerPass - counts.expired)
      }
    }
    await stores.rollbackPolicies.purge(now(control.clock))
    const hasMore = counts.captures >= capturesPerPass || counts.expired >= expiriesPerPass
    return { result: counts, ...(hasMore ? { runAgainInMs: 5_000 } : {}) }
  },
}

async function capture(control: Control, governed: readonly Governed[], max: number): Promise<number> {
  const at = now(control.clock)
  const scheduled = governed.filter(({ policy, resource }) => policy.rules.schedule !== undefined && resource.status !== 'lost')
  if (scheduled.length === 0 || max <= 0) return 0
  const states = await control.database.stores.recoverySchedules.states(scheduled.map(({ resource }) => resource.id))
  const due = scheduled.flatMap(({ resource, policy }) => {
    const next = dueFor(resource, policy, states.get(resource.id), at)
    return next === undefined ? [] : [{ resource, next }]
  })
  let begun = 0
  for (const { resource, next } of due.slice(0, max)) {
    const requestedBy = systemActor('recovery-policies')
    begun += await control.database.transaction(async (stores) => {
      const reason = `Schedule, ${next.occurrence.toISOString()}`
      const { pointId, joined } = await beginCapture(control, stores, { resource, reason, requestedBy })
      // Somebody captures it right now: this one is begun when that has ended.
      if (joined) return 0
      await stores.recoverySchedules.put({ resourceId: resource.id, projectId: resource.projectId, ...next, pointId, updatedAt: at })
      return 1
    })
  }
  return begun
}

type Due = Pick<ScheduleState, 'occurrence' | 'attempts'>

/**
 * Pure. The occurrence that a capture is begun for now. However many were missed, the last one stands for all of them; what came before
 * the schedule, or before the resource, is nobody's. Outside of the window it waits.
 */
export function dueFor(
  resource: Pick<Resource, 'createdAt'>,
  policy: Pick<RollbackPolicy, 'rules' | 'scheduleSince'>,
  state: (Due & { readonly pointStatus: string | undefined }) | undefined,
  at: Date,
): Due | undefined {
  const { schedule } = policy.rules
  if (schedule === undefined) return undefined
  const occurrence = lastOccurrence(schedule, at)
  if (occurrence === undefined || occurrence < policy.scheduleSince || occurrence < resource.createdAt || !isOpen(schedule, at)) return undefined
  if (state === undefined || state.occurrence < occurrence) return { occurrence, attempts: 1 }
  const isToRepeat = state.pointStatus === 'failed' && state.attempts < attemptsMax && state.occurrence.getTime() === occurrence.getTime()
  return isToRepeat ? { occurrence, attempts: state.attempts + 1 } : undefined
}

async function expire(control: Control, governed: readonly Governed[], max: number): Promise<number> {
  const { stores } = control.database
  const ruled = governed.filter(({ policy }) => policy.rules.retention !== undefined)
  if (ruled.length === 0 || max <= 0) return 0
  const points = Map.groupBy(await stores.recoverySchedules.keptPoints(ruled.map(({ resource }) => resource.id)), ({ resourceId }) => resourceId)
  const at = now(control.clock)
  const going = ruled.flatMap(({ resource, policy }) =>
    expired(points.get(resource.id) ?? [], policy.rules.retention ?? {}, at).map(({ id }) => ({ id, policy })),
  )
  let gone = 0
  for (const { id, policy } of going.slice(0, max)) gone += Number(await expirePoint(control, id, policy))
  return gone
}
