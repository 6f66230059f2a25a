import type { OperationStatus, SagaEvent } from '@understudy/saga'
import { appendAudit } from './audit-store.ts'
import { appendEvents } from './event-store.ts'
import { loadLogs } from './saga-store.ts'
import { planWrites, repeatedEvents } from './saga-writes.ts'
import type { LockedOperation, Plan, SagaWrite } from './saga-writes.ts'
import type { Sql } from './sql.ts'
import { jsonText } from './stored-json.ts'

/**
 * Writes what many runners asked for, inside the transaction of `sql`. The rows of the operations are locked first, in the order of ids;
 * then the log, the notes and the rows go in one statement; the ends of the audit chains are locked last.
 */
export async function flushSagaWrites(sql: Sql, writes: readonly SagaWrite[], nowMs: number): Promise<Plan> {
  const locked = await lockOperations(sql, [...new Set(writes.map((write) => write.operation.id))])
  const logs: ReadonlyMap<string, readonly SagaEvent[]> = await loadLogs(sql, repeatedEvents(writes, locked))
  const plan = planWrites(writes, locked, logs, nowMs)
  if (plan.operations.length > 0) await sql.execute(writeStatement, [jsonText(plan.sagaEvents), jsonText(plan.notes), jsonText(plan.operations)])
  await appendEvents(sql, plan.domainEvents, { once: true })
  await appendAudit(sql, plan.audit)
  return plan
}

async function lockOperations(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, LockedOperation>> {
  const rows = await sql.rows<LockedRow>(
    `select id, project_id, kind, resource_id, requested_by, status, generation, runner, last_sequence, cancel_requested_at is not null as cancel_requested
     from operations where id = any($1::text[]) order by id for no key update`,
    [ids],
  )
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        projectId: row.project_id,
        kind: row.kind,
        resourceId: row.resource_id,
        requestedBy: row.requested_by,
        status: row.status,
        generation: row.generation,
        runner: row.runner,
        lastSequence: row.last_sequence,
        cancelRequested: row.cancel_requested,
      },
    ]),
  )
}

interface LockedRow {
  readonly id: string
  readonly project_id: string
  readonly kind: string
  readonly resource_id: string | null
  readonly requested_by: string
  readonly status: OperationStatus
  readonly generation: number
  readonly runner: string | null
  readonly last_sequence: number
  readonly cancel_requested: boolean
}

const writeStatement = `
  with logged as (
    insert into saga_events (operation_id, sequence, type, step, attempt, data, at)
    select "operationId", sequence, type, step, attempt, coalesce(data, 'null'), to_timestamp("atMs" / 1000.0)
    from jsonb_to_recordset($1::jsonb) as event("operationId" text, sequence int, type text, step text, attempt int, data jsonb, "atMs" numeric)
  ), noted as (
    insert into operation_notes (operation_id, step, message, data, at)
    select "operationId", step, message, coalesce(data, 'null'), to_timestamp("atMs" / 1000.0)
    from jsonb_to_recordset($2::jsonb) as note("operationId" text, step text, message text, data jsonb, "atMs" numeric)
  )
  update operations set
    status = planned.status,
    last_sequence = planned."lastSequence",
    updated_at = greatest(operations.updated_at, to_timestamp(planned."updatedMs" / 1000.0)),
    runner = case when planned.ended then null else operations.runner end,
    lease_until = case when planned.ended then null else operations.lease_until end,
    not_before = case when planned.ended then to_timestamp(planned."notBeforeMs" / 1000.0) else operations.not_before end,
    error = case when planned.result is null then operations.error else nullif(planned.result -> 'error', 'null') end,
    output = case when planned.result is null then operations.output else planned.result -> 'output' end,
    finished_at = case when planned.result is null then operations.finished_at else to_timestamp((planned.result ->> 'finishedMs')::numeric / 1000.0) end
  from jsonb_to_recordset($3::jsonb) as planned(id text, status text, "lastSequence" int, "updatedMs" numeric, ended boolean, "notBeforeMs" numeric,
    result jsonb)
  where operations.id = planned.id`
