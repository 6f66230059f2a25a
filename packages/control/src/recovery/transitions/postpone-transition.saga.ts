import { AppError } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { callContext } from '../../cloud/call-context.ts'
import type { SagaDeps } from '../../context.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import { changeTransition } from './change-transition.ts'
import { openStatuses } from './transition.ts'
import type { Transition } from './transition.ts'

const params = z.strictObject({ transitionId: z.string(), until: z.string() })
type Step = StepContext<z.infer<typeof params>, object>
const minute = 60_000

/** Has the cloud move the start of what it has announced. There is no way back: a start is moved later only. */
export const postponeTransitionSaga = saga<SagaDeps, z.infer<typeof params>>('transition.postpone', {
  version: sagaVersions['transition.postpone'],
  params,
})
  .step('found', {
    title: "Find the change in the cloud's books",
    budget: { maxMs: 2 * minute },
    run: findEvent,
    undo: 'nothing-to-undo',
  })
  .commit()
  .step('moved', {
    title: 'Have the cloud move its start',
    budget: { maxMs: 5 * minute },
    run: async (deps, step) => {
      const { eventId, nativeId } = step.outputs.found
      const { provider, transition } = await worldOf(deps, step)
      await step.audit({ action: 'signals.postpone', target: nativeId, details: { eventId, until: step.params.until } })
      const context = callContext(deps, step, { resourceId: transition.resourceId, priority: 'background' })
      await provider.signals?.postpone?.({ nativeId, eventId, notBefore: step.params.until }, context)
      return { moved: true }
    },
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record its new start',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      await deps.database.transaction(async (stores) => {
        const transition = await stores.transitions.findById(step.params.transitionId)
        const startsAt = new Date(step.params.until)
        // Repeated after a crash: it is recorded already. Or it has ended while the cloud was asked: then it stays so.
        if (transition === undefined || !openStatuses.includes(transition.status) || transition.startsAt.getTime() === startsAt.getTime()) return
        const told = {
          what: 'postponed',
          actor: 'system:transition.postpone',
          operationId: step.operationId,
          data: { from: transition.startsAt.toISOString() },
        }
        await changeTransition(deps, stores, transition, { startsAt, status: 'announced' }, told)
      })
      return { recorded: true }
    },
    undo: 'nothing-to-undo',
  })
  .end()

async function findEvent(deps: SagaDeps, step: Step): Promise<{ readonly eventId: string; readonly nativeId: string }> {
  const { provider, transition } = await worldOf(deps, step)
  if (provider.signals?.postpone === undefined) throw new AppError('unsupported', 'The cloud has no call that moves a scheduled change.')
  const { signals: planned } = await provider.signals.scheduled([transition.nativeId])
  const same = planned.filter(
    ({ kind, effect, phase }) => kind === 'maintenance' && effect === transition.effect && (phase ?? 'announced') === 'announced',
  )
  const distance = (deadline: string | undefined): number => Math.abs(Date.parse(deadline ?? '') - transition.startsAt.getTime())
  const [nearest] = same.toSorted((a, b) => distance(a.deadline) - distance(b.deadline))
  if (nearest?.eventId === undefined) throw new AppError('conflict', "The cloud's books no longer have this change: it is over, or was taken back.")
  if (nearest.canPostponeUntil === undefined) throw new AppError('conflict', 'The cloud says no time until which this change could be put off.')
  return { eventId: nearest.eventId, nativeId: transition.nativeId }
}

async function worldOf(deps: SagaDeps, step: Step) {
  const transition: Transition | undefined = await deps.database.stores.transitions.findById(step.params.transitionId)
  if (transition === undefined) throw new AppError('not_found', 'The transition has been removed meanwhile.')
  return { transition, provider: await deps.openProvider(transition.accountId) }
}
