import type { Signal as SignalView } from '@understudy/contract'
import type { Signal } from '@understudy/control'
import type { z } from 'zod'
import { present, timeText } from './optional.ts'

/** Without the raw document, for lists. */
export const signalSummary = (signal: Signal & { readonly duplicates?: number }): z.input<typeof SignalView> =>
  present({
    id: signal.id,
    accountId: signal.accountId,
    kind: signal.kind,
    effect: signal.effect,
    phase: signal.phase,
    nativeId: signal.nativeId,
    resourceId: signal.resourceId,
    shadowId: signal.shadowId,
    deadline: timeText(signal.deadline),
    confidence: signal.confidence,
    cause: signal.cause,
    canPostponeUntil: timeText(signal.canPostponeUntil),
    canExpedite: signal.canExpedite,
    source: signal.source,
    observedAt: signal.observedAt.toISOString(),
    receivedAt: signal.receivedAt.toISOString(),
    outcome: signal.outcome,
    reason: signal.reason,
    operationId: signal.operationId,
    endedBy: signal.endedBy,
    duplicates: signal.duplicates,
  })

export const signalView = (signal: Signal & { readonly duplicates?: number }): z.input<typeof SignalView> => ({
  ...signalSummary(signal),
  raw: signal.raw,
})
