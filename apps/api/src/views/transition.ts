import type { Transition as TransitionView } from '@understudy/contract'
import type { Transition, TransitionCheck, TransitionOption } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

type View = z.input<typeof TransitionView>

export const transitionView = (transition: Transition, options?: readonly TransitionOption[]): View =>
  present({
    id: transition.id,
    resourceId: transition.resourceId,
    accountId: transition.accountId,
    nativeId: transition.nativeId,
    source: transition.source,
    effect: transition.effect,
    reason: transition.reason,
    requestedBy: transition.requestedBy,
    startsAt: transition.startsAt.toISOString(),
    estimatedSeconds: transition.estimatedSeconds,
    postponeUntil: timeText(transition.postponeUntil),
    canExpedite: transition.canExpedite,
    status: transition.status,
    recoveryPointId: transition.pointId,
    check: transition.check && checkView(transition.check),
    operationId: transition.operationId,
    options: options?.map(({ until, ...option }) => ({ ...option, ...present({ until: timeText(until) }) })),
    createdAt: transition.createdAt.toISOString(),
    updatedAt: transition.updatedAt.toISOString(),
    etag: etagOf(transition.version),
  })

const checkView = ({ at, findings, recommendedPointId, automatic }: TransitionCheck): NonNullable<View['check']> => ({
  at,
  findings: findings.map((finding) => ({ ...finding })),
  ...(recommendedPointId === null ? {} : { recommendedPointId }),
  ...(automatic === undefined ? {} : 'operationId' in automatic ? { rollbackOperationId: automatic.operationId } : automatic),
})
