import type { Signal, SignalStore } from '@understudy/control'
import type { Prisma, Signal as SignalRow } from './generated/client.ts'
import { optional } from './rows.ts'
import type { Sql } from './sql.ts'
import { jsonText } from './stored-json.ts'

export function signalStore(db: Prisma.TransactionClient, sql: Sql): SignalStore {
  return {
    insertNew: (signals) => insertNew(sql, signals),
    async setOutcomes(outcomes) {
      if (outcomes.length > 0) await sql.rows(setOutcomesStatement, [jsonText(outcomes)])
    },
    async aboutChanges(accountId, nativeIds) {
      // Two documents about one instance wait for each other: the second one sees what the first has made.
      await sql.rows(lockStatement, [nativeIds.map((nativeId) => `${accountId} ${nativeId}`)])
      const picked = await sql.rows<{ id: string }>(aboutChangesStatement, [accountId, [...nativeIds]])
      const rows = await db.signal.findMany({ where: { id: { in: picked.map(({ id }) => id) } }, orderBy: [{ observedAt: 'asc' }, { id: 'asc' }] })
      return rows.map((row) => toSignal(row))
    },
    async end(endings) {
      if (endings.length > 0) await sql.rows(endStatement, [jsonText(endings)])
    },
    find: async (projectId, id) => {
      const row = await db.signal.findFirst({ where: { id, projectId } })
      return row === null ? undefined : toSignal(row)
    },
    async list(projectId, { after, limit, resourceId, kind }) {
      const picked = await sql.rows<{ id: string }>(
        `select id from signals
         where project_id = $1 and ($3::text is null or resource_id = $3) and ($4::text is null or kind = $4)
           and ($2::text is null or (received_at, id) < (select received_at, id from signals where id = $2 and project_id = $1))
         order by received_at desc, id desc limit $5`,
        [projectId, after ?? null, resourceId ?? null, kind ?? null, limit],
      )
      const rows = await db.signal.findMany({
        where: { projectId, id: { in: picked.map((row) => row.id) } },
        orderBy: [{ receivedAt: 'desc' }, { id: 'desc' }],
      })
      return rows.map((row) => toSignal(row))
    },
  }
}

const setOutcomesStatement = `
  update signals set outcome = given.outcome, reason = coalesce(given.reason, signals.reason),
    operation_id = coalesce(given."operationId", signals.operation_id)
  from jsonb_to_recordset($1::jsonb) as given(id text, outcome text, reason text, "operationId" text)
  where signals.id = given.id`

const lockStatement = `
  select pg_advisory_xact_lock(hashtextextended(subject, 0))::text as locked from (select unnest($1::text[]) subject order by 1) subjects`

/** What holds, and the last words that have ended something: neither grows with time. */
const aboutChangesStatement = `
  select id from signals where account_id = $1 and native_id = any($2::text[]) and kind = 'maintenance' and phase in ('announced', 'started') and ended_by is null
  union
  select id from (
    select id, row_number() over (partition by native_id order by observed_at desc, id desc) place
    from signals where account_id = $1 and native_id = any($2::text[]) and kind = 'maintenance' and phase in ('completed', 'cancelled')) words
  where place <= 50`

/** An announcement that has ended gives its key back: the same words said later are a new one. */
const endStatement = `
  update signals set ended_by = given."endedBy", deduplication_key = 'ended:' || signals.id || ':' || deduplication_key
  from jsonb_to_recordset($1::jsonb) as given(id text, "endedBy" text)
  where signals.id = given.id and signals.ended_by is null`

const identityOf = (signal: { readonly accountId: string; readonly deduplicationKey: string }): string =>
  JSON.stringify([signal.accountId, signal.deduplicationKey])

async function insertNew(sql: Sql, signals: readonly Signal[]): ReturnType<SignalStore['insertNew']> {
  // One statement may touch a row only once, so repetitions inside the batch are counted here.
  const groups = Map.groupBy(signals, identityOf)
  const rows = [...groups.values()].map((group) => ({ ...group[0], duplicates: group.length - 1 }))
  const kept = await sql.rows<{ id: string; accountId: string; deduplicationKey: string }>(insertNewStatement, [jsonText(rows)])
  const firstOf = new Map(kept.map((row) => [identityOf(row), row.id]))
  const inserted = new Set<string>()
  const duplicateOf = new Map<string, string>()
  for (const group of groups.values()) {
    for (const [index, signal] of group.entries()) {
      const first = firstOf.get(identityOf(signal))
      if (first === undefined) throw new Error(`signal ${signal.id} was neither inserted nor found`)
      if (index === 0 && first === signal.id) inserted.add(signal.id)
      else duplicateOf.set(signal.id, first)
    }
  }
  return { inserted, duplicateOf }
}

/** In the order of their keys, so that two batches with the same signals wait for each other instead of for ever. */
const insertNewStatement = `
  insert into signals (id, project_id, account_id, kind, effect, native_id, resource_id, shadow_id, deadline, confidence, cause, can_postpone_until,
    can_expedite, source, observed_at, received_at, outcome, reason, operation_id, deduplication_key, raw, duplicates,
    phase, change_id, list, list_sequence, ended_by)
  select id, "projectId", "accountId", kind, effect, "nativeId", "resourceId", "shadowId", deadline, confidence, cause, "canPostponeUntil",
    "canExpedite", source, "observedAt", "receivedAt", outcome, reason, "operationId", "deduplicationKey", coalesce(raw, 'null'), duplicates,
    phase, "changeId", list, "listSequence", "endedBy"
  from jsonb_to_recordset($1::jsonb) as new(id text, "projectId" text, "accountId" text, kind text, effect text, "nativeId" text, "resourceId" text,
    "shadowId" text, deadline timestamptz, confidence text, cause text, "canPostponeUntil" timestamptz, "canExpedite" boolean, source text,
    "observedAt" timestamptz, "receivedAt" timestamptz, outcome text, reason text, "operationId" text, "deduplicationKey" text, raw jsonb, duplicates int,
    phase text, "changeId" text, list text, "listSequence" bigint, "endedBy" text)
  order by "accountId", "deduplicationKey"
  on conflict (account_id, deduplication_key) do update set duplicates = signals.duplicates + 1 + excluded.duplicates,
    list = coalesce(signals.list, excluded.list), list_sequence = coalesce(excluded.list_sequence, signals.list_sequence)
  returning id, account_id as "accountId", deduplication_key as "deduplicationKey"`

export function toSignal(row: SignalRow): Signal & { readonly duplicates: number } {
  return {
    id: row.id,
    projectId: row.projectId,
    accountId: row.accountId,
    // Written from the same types; the port owns these unions, so the table does not repeat them.
    kind: row.kind as Signal['kind'],
    effect: row.effect as Signal['effect'],
    nativeId: row.nativeId,
    resourceId: optional(row.resourceId),
    shadowId: optional(row.shadowId),
    deadline: optional(row.deadline),
    confidence: row.confidence as Signal['confidence'],
    cause: row.cause as Signal['cause'],
    canPostponeUntil: optional(row.canPostponeUntil),
    canExpedite: row.canExpedite,
    source: row.source as Signal['source'],
    observedAt: row.observedAt,
    receivedAt: row.receivedAt,
    outcome: row.outcome as Signal['outcome'],
    reason: optional(row.reason),
    operationId: optional(row.operationId),
    deduplicationKey: row.deduplicationKey,
    raw: row.raw as Signal['raw'],
    phase: row.phase as Signal['phase'],
    changeId: optional(row.changeId),
    list: optional(row.list),
    // Counts of documents: far below what a number holds.
    listSequence: row.listSequence === null ? undefined : Number(row.listSequence),
    endedBy: optional(row.endedBy),
    duplicates: row.duplicates,
  }
}
