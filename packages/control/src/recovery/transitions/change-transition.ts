import { now } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { Control } from '../../context.ts'
import type { Stores } from '../../database.ts'
import { recordChange } from '../../journal/record-change.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import type { Transition } from './transition.ts'

/** Writes a changed transition with its audit row and its event, in the caller's transaction. */
export async function changeTransition(
  control: Pick<Control, 'clock' | 'ids'>,
  stores: Pick<Stores, 'transitions' | 'audit' | 'events'>,
  before: Transition,
  change: Partial<Transition>,
  told: {
    readonly what: string
    readonly actor: string
    readonly operationId?: string
    readonly data?: { readonly [key: string]: Json | undefined }
  },
): Promise<Transition> {
  const after: Transition = { ...before, ...change, updatedAt: now(control.clock), version: before.version + 1 }
  await swapOrRepeat(stores.transitions.update(after, before.version))
  await tell(control, stores, after, told)
  return after
}

/** What everybody has to know of it is in every event: webhooks carry it without another question. */
export const tell = (
  control: Pick<Control, 'clock' | 'ids'>,
  stores: Pick<Stores, 'audit' | 'events'>,
  transition: Transition,
  {
    what,
    actor,
    operationId,
    data,
  }: { readonly what: string; readonly actor: string; readonly operationId?: string; readonly data?: { readonly [key: string]: Json | undefined } },
): Promise<void> =>
  recordChange(control, stores, {
    projectId: transition.projectId,
    actor,
    what: `transitions.${what}`,
    subject: `transitions/${transition.id}`,
    expiresAt: transition.startsAt,
    ...(operationId === undefined ? {} : { operationId }),
    data: {
      resourceId: transition.resourceId,
      source: transition.source,
      effect: transition.effect,
      reason: transition.reason,
      startsAt: transition.startsAt.toISOString(),
      estimatedSeconds: transition.estimatedSeconds ?? null,
      postponeUntil: transition.postponeUntil?.toISOString() ?? null,
      canExpedite: transition.canExpedite,
      status: transition.status,
      recoveryPointId: transition.pointId ?? null,
      ...data,
    },
  })
