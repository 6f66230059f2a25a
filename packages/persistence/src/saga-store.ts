import type { Json } from '@understudy/core'
import type { ClaimedOperation, SagaEvent, SagaStore } from '@understudy/saga'
import type { SagaWrite } from './saga-writes.ts'
import type { Sql } from './sql.ts'

/**
 * Reads and leases through `sql`, one statement each; everything a runner writes goes through `submit`, which joins the writes of many
 * operations into few transactions (see `write-batcher.ts`, `saga-flush.ts`).
 */
export function sagaStore(sql: Sql, submit: (write: SagaWrite) => Promise<unknown>): SagaStore {
  return {
    claim: (options) => claim(sql, options),
    renew: (options) => renew(sql, options),
    async append(operation, events, audit = []) {
      return (await submit({ type: 'append', operation, events, audit })) as { cancelRequested: boolean } // the outcome of an append
    },
    async note(operation, entry) {
      await submit({ type: 'note', operation, entry })
    },
    async finish(operation, result) {
      await submit({ type: 'finish', operation, result })
    },
    async release(operation, { notBeforeMs }) {
      await submit({ type: 'release', operation, notBeforeMs })
    },
  }
}

/**
 * Two statements: the second reads the logs of all that were taken. Nobody else can write to those logs in between, because the first has
 * raised the generations.
 */
async function claim(sql: Sql, options: Parameters<SagaStore['claim']>[0]): Promise<ClaimedOperation[]> {
  if (options.limit <= 0 || options.sagas.length === 0) return []
  const rows = await sql.rows<ClaimedRow>(claimStatement, [
    isoOf(options.nowMs),
    isoOf(options.nowMs + options.leaseMs),
    options.runner,
    [...options.sagas],
    options.priorityMax ?? null,
    options.operationId ?? null,
    options.limit,
  ])
  const logs = await loadLogs(
    sql,
    rows.filter((row) => row.last_sequence > 0).map((row) => row.id),
  )
  return rows.map((row) => toClaimed(row, logs.get(row.id) ?? [])).toSorted((a, b) => a.priority - b.priority || a.createdMs - b.createdMs)
}

const claimStatement = `
  with due as (
    select id as due_id from operations
    where status in ('pending', 'running', 'undoing') and kind = any($4::text[])
      and (lease_until is null or lease_until <= $1::timestamptz) and (not_before is null or not_before <= $1::timestamptz)
      and ($5::int is null or priority <= $5) and ($6::text is null or id = $6)
    order by priority, created_at, id limit $7 for no key update skip locked
  )
  update operations
  set generation = generation + 1, runner = $3, lease_until = $2::timestamptz, not_before = null,
      status = case status when 'pending' then 'running' else status end,
      started_at = coalesce(started_at, $1::timestamptz), updated_at = greatest(updated_at, $1::timestamptz)
  from due where id = due_id
  returning id, project_id, kind, version, params, deadline, priority, requested_by, created_at, cancel_requested_at is not null as cancel_requested,
    skipped_steps, generation, last_sequence`

interface ClaimedRow {
  readonly id: string
  readonly project_id: string
  readonly kind: string
  readonly version: number
  readonly params: Json
  readonly deadline: Date | null
  readonly priority: number
  readonly requested_by: string
  readonly created_at: Date
  readonly cancel_requested: boolean
  readonly skipped_steps: readonly string[]
  readonly generation: number
  readonly last_sequence: number
}

export async function loadLogs(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, readonly SagaEvent[]>> {
  if (ids.length === 0) return new Map()
  const rows = await sql.rows<{
    operation_id: string
    sequence: number
    type: SagaEvent['type']
    step: string
    attempt: number
    data: Json
    at: Date
  }>(
    'select operation_id, sequence, type, step, attempt, data, at from saga_events where operation_id = any($1::text[]) order by operation_id, sequence',
    [ids],
  )
  const logs = new Map<string, SagaEvent[]>()
  for (const { operation_id: id, at, ...event } of rows) {
    const log = logs.get(id) ?? []
    log.push({ ...event, atMs: at.getTime() })
    logs.set(id, log)
  }
  return logs
}

const toClaimed = (row: ClaimedRow, events: readonly SagaEvent[]): ClaimedOperation => ({
  id: row.id,
  projectId: row.project_id,
  saga: row.kind,
  version: row.version,
  params: row.params,
  deadlineMs: row.deadline?.getTime(),
  priority: row.priority,
  requestedBy: row.requested_by,
  createdMs: row.created_at.getTime(),
  cancelRequested: row.cancel_requested,
  skippedSteps: row.skipped_steps,
  generation: row.generation,
  events,
})

/** Locks in the order of ids, as the flushes of `saga-flush.ts` do, so that neither waits for the other for ever. */
async function renew(sql: Sql, options: Parameters<SagaStore['renew']>[0]): ReturnType<SagaStore['renew']> {
  if (options.leases.length === 0) return []
  const rows = await sql.rows<{ id: string; cancel_requested: boolean }>(
    `with held as (
       select operations.id as held_id from operations
       join unnest($1::text[], $2::int[]) as lease(id, generation) on lease.id = operations.id and lease.generation = operations.generation
       where operations.runner = $3
       order by operations.id for no key update of operations
     )
     update operations set lease_until = $4::timestamptz from held where id = held_id
     returning id, cancel_requested_at is not null as cancel_requested`,
    [options.leases.map(({ id }) => id), options.leases.map(({ generation }) => generation), options.runner, isoOf(options.nowMs + options.leaseMs)],
  )
  return rows.map((row) => ({ id: row.id, cancelRequested: row.cancel_requested }))
}

const isoOf = (ms: number): string => new Date(ms).toISOString()
