import type { NewDomainEvent } from '@understudy/control'
import { sha256 } from '@understudy/core'
import type { Json } from '@understudy/core'
import { idPrefixes } from '@understudy/core'
import type { OperationStatus, SagaEvent, StepFailure } from '@understudy/saga'
import type { LockedOperation } from './saga-writes.ts'

/** Longer outputs are read from the operation itself; a webhook's body is at most 20 kB. */
const outputCharactersMax = 2000

/** What people's own systems are told of the steps. A repeated write makes the same ids, so that nothing is told twice. */
export const stepEvents = (row: LockedOperation, events: readonly SagaEvent[]): readonly NewDomainEvent[] =>
  events.flatMap((event) => {
    // Attempt 0: the step was not needed, and nothing happened.
    if ((event.type !== 'succeeded' && event.type !== 'failed') || event.attempt === 0) return []
    return [
      {
        id: eventId(row.id, `step:${event.sequence}`),
        projectId: row.projectId,
        type: `io.understudy.operations.step_${event.type}.v1`,
        subject: `operations/${row.id}`,
        at: new Date(event.atMs),
        data: { ...aboutOperation(row), step: event.step, attempt: event.attempt, ...resultOf(event) },
      },
    ]
  })

function resultOf(event: SagaEvent): { readonly [key: string]: Json } {
  if (event.type === 'failed') return { error: event.data }
  return event.data === null || JSON.stringify(event.data).length > outputCharactersMax ? {} : { output: event.data }
}

/** `undefined` for a status that is not an end. */
export function finishedEvent(
  row: LockedOperation,
  result: { readonly status: OperationStatus; readonly error?: StepFailure; readonly atMs: number },
): NewDomainEvent | undefined {
  const { status, error, atMs } = result
  if (status === 'pending' || status === 'running' || status === 'undoing') return undefined
  return {
    // An operation can be stuck more than once, but only once per claim.
    id: eventId(row.id, `${status}:${row.generation}`),
    projectId: row.projectId,
    type: `io.understudy.operations.${status}.v1`,
    subject: `operations/${row.id}`,
    at: new Date(atMs),
    data: { ...aboutOperation(row), status, ...(error === undefined ? {} : { error }) },
  }
}

const aboutOperation = (row: LockedOperation): { readonly [key: string]: Json } => ({
  id: row.id,
  kind: row.kind,
  ...(row.resourceId === null ? {} : { resourceId: row.resourceId }),
})

/** Twenty hexadecimal characters are also base-32 ones: it looks like every other event id. */
const eventId = (operationId: string, what: string): string => `${idPrefixes.event}_${sha256(`${operationId}:${what}`).slice(0, 20)}`
