import type { NewAuditEntry, NewDomainEvent } from '@understudy/control'
import { canonicalJson } from '@understudy/core'
import type { Json } from '@understudy/core'
import { FencedOff, isFinal } from '@understudy/saga'
import type { AuditIntent, OperationStatus, SagaEvent, SagaStore, StepFailure } from '@understudy/saga'
import { finishedEvent, stepEvents } from './operation-events.ts'
import { storable } from './stored-json.ts'
import type { Outcome } from './write-batcher.ts'

interface Lease {
  readonly id: string
  readonly generation: number
}
/** One call of a runner, as it waits for its transaction. */
export type SagaWrite =
  | { readonly type: 'append'; readonly operation: Lease; readonly events: readonly SagaEvent[]; readonly audit: readonly KeyedIntent[] }
  | { readonly type: 'note'; readonly operation: Lease; readonly entry: Parameters<SagaStore['note']>[1] }
  | { readonly type: 'finish'; readonly operation: Lease; readonly result: Parameters<SagaStore['finish']>[1] }
  | { readonly type: 'release'; readonly operation: Lease; readonly notBeforeMs: number }
type KeyedIntent = AuditIntent & { readonly key: string }

/** The row of an operation while its lock is held. */
export interface LockedOperation {
  readonly id: string
  readonly projectId: string
  readonly kind: string
  readonly resourceId: string | null
  readonly requestedBy: string
  readonly status: OperationStatus
  readonly generation: number
  readonly runner: string | null
  readonly lastSequence: number
  readonly cancelRequested: boolean
}

export interface PlannedOperation {
  readonly id: string
  status: OperationStatus
  lastSequence: number
  updatedMs: number
  /** The lease is over: given back, or finished. */
  ended: boolean
  notBeforeMs: number | null
  result: { readonly error: StepFailure | null; readonly output: Json; readonly finishedMs: number | null } | null
}
export interface Plan {
  readonly outcomes: readonly Outcome[]
  readonly operations: readonly PlannedOperation[]
  readonly sagaEvents: readonly (SagaEvent & { readonly operationId: string })[]
  readonly notes: readonly (Parameters<SagaStore['note']>[1] & { readonly operationId: string })[]
  readonly domainEvents: readonly NewDomainEvent[]
  readonly audit: readonly NewAuditEntry[]
}

/** Events that a write repeats and that therefore have to be compared with the log. */
export const repeatedEvents = (writes: readonly SagaWrite[], locked: ReadonlyMap<string, LockedOperation>): readonly string[] =>
  writes.flatMap((write) => {
    const last = locked.get(write.operation.id)?.lastSequence ?? 0
    return write.type === 'append' && write.events.some((event) => event.sequence <= last) ? [write.operation.id] : []
  })

/**
 * Decides, with the rows locked, what each write does: it is refused when its lease is over, and otherwise becomes rows. Pure: several
 * writes to one operation are taken in their order, each on top of the one before.
 */
export function planWrites(
  writes: readonly SagaWrite[],
  locked: ReadonlyMap<string, LockedOperation>,
  logs: ReadonlyMap<string, readonly SagaEvent[]>,
  nowMs: number,
): Plan {
  const planned = new Map<string, PlannedOperation>()
  const plan = { sagaEvents: [], notes: [], domainEvents: [], audit: [] } as {
    sagaEvents: (SagaEvent & { operationId: string })[]
    notes: Plan['notes'][number][]
    domainEvents: NewDomainEvent[]
    audit: NewAuditEntry[]
  }
  const outcomes = writes.map((write): Outcome => {
    const row = locked.get(write.operation.id)
    if (row === undefined) return { ok: false, error: new Error(`there is no operation ${write.operation.id}`) }
    const state = planned.get(row.id) ?? untouched(row)
    if (row.generation !== write.operation.generation || row.runner === null || state.ended) return { ok: false, error: new FencedOff(row.id) }
    switch (write.type) {
      case 'append': {
        const fresh = withoutRepeated(write.events, state, [
          ...(logs.get(row.id) ?? []),
          ...plan.sagaEvents.filter((event) => event.operationId === row.id),
        ])
        if (fresh instanceof Error) return { ok: false, error: fresh }
        if (fresh.some((event) => event.type === 'undo_started')) state.status = 'undoing'
        state.lastSequence += fresh.length
        state.updatedMs = fresh.at(-1)?.atMs ?? state.updatedMs
        plan.sagaEvents.push(...fresh.map((event) => ({ ...event, operationId: row.id })))
        plan.domainEvents.push(...stepEvents(row, fresh))
        plan.audit.push(...write.audit.map((intent) => auditEntry(row, intent, nowMs)))
        break
      }
      case 'note':
        state.updatedMs = write.entry.atMs
        plan.notes.push({ ...write.entry, operationId: row.id })
        break
      case 'finish': {
        const { status, error, output, atMs } = write.result
        state.status = status
        state.updatedMs = atMs
        state.ended = true
        state.result = { error: error ?? null, output: output ?? null, finishedMs: isFinal(status) ? atMs : null }
        const event = finishedEvent(row, write.result)
        if (event !== undefined) plan.domainEvents.push(event)
        break
      }
      case 'release':
        state.ended = true
        state.notBeforeMs = write.notBeforeMs
        break
    }
    planned.set(row.id, state)
    return { ok: true, value: write.type === 'append' ? { cancelRequested: row.cancelRequested } : undefined }
  })
  return { ...plan, outcomes, operations: [...planned.values()] }
}

const untouched = (row: LockedOperation): PlannedOperation => ({
  id: row.id,
  status: row.status,
  lastSequence: row.lastSequence,
  updatedMs: 0,
  ended: false,
  notBeforeMs: null,
  result: null,
})

/** A runner that does not know whether its write has arrived repeats it: equal events count as written, others are a bug. */
function withoutRepeated(events: readonly SagaEvent[], state: PlannedOperation, log: readonly SagaEvent[]): readonly SagaEvent[] | Error {
  const fresh: SagaEvent[] = []
  for (const event of events) {
    const expected = state.lastSequence + fresh.length + 1
    if (event.sequence === expected) {
      fresh.push(event)
      continue
    }
    const stored = log.find((known) => known.sequence === event.sequence)
    if (stored === undefined) return new Error(`operation ${state.id}: event ${event.sequence} would leave a gap, the next one is ${expected}`)
    if (identityOf(stored) !== identityOf(event))
      return new Error(`operation ${state.id}: event ${event.sequence} is in the log with another content`)
  }
  return fresh
}

const identityOf = ({ type, step, attempt, data, atMs }: SagaEvent): string => canonicalJson([type, step, attempt, storable(data), atMs])

const auditEntry = (row: LockedOperation, intent: KeyedIntent, nowMs: number): NewAuditEntry => ({
  projectId: row.projectId,
  at: new Date(nowMs),
  actor: row.requestedBy,
  action: intent.action,
  target: intent.target,
  operationId: row.id,
  details: intent.details ?? null,
  deduplicationKey: intent.key,
})
