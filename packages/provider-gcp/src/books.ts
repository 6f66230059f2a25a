import type { NeutralSignal } from '@understudy/provider'
import type { Operation } from './clients.ts'
import { later, preemptionNoticeMs } from './event-parser.ts'

/** Google's own account in its books. */
const googleItself = 'system@google.com'

export const preemptionSignal = (nativeId: string, at: string, operation: string | null | undefined): NeutralSignal => ({
  kind: 'interruption',
  effect: 'stop',
  nativeId,
  ...(operation ? { eventId: operation } : {}),
  deadline: later(at, preemptionNoticeMs),
  observedAt: at,
  confidence: 'certain',
  cause: 'platform',
  canExpedite: false,
})

const endings = new Set(['stop', 'delete', 'suspend'])

/**
 * Who has ended an instance, by the newest operation that ends one. An operation names who asked for it, and carries the request
 * id of whoever gave one: ours do, and a person's with the same account would not.
 */
export function causeOf(operations: readonly Operation[], principal: string | undefined): NeutralSignal['cause'] {
  const newest = operations
    .filter(({ operationType }) => endings.has(operationType ?? '') || operationType?.startsWith('compute.instances.') === true)
    .toSorted((a, b) => Date.parse(b.insertTime ?? '') - Date.parse(a.insertTime ?? ''))
    .at(0)
  if (newest === undefined) return 'unknown'
  const { user, clientOperationId, operationType } = newest
  if (operationType?.startsWith('compute.instances.') === true || user === googleItself) return 'platform'
  if (!user) return 'unknown'
  return user === principal && isOurs(clientOperationId) ? 'us' : 'user'
}

/** As `requestIdOf` makes them. */
const isOurs = (requestId: string | null | undefined): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(requestId ?? '')
