import { chainAudit, genesisHash } from '@understudy/control'
import type { AuditEntry, AuditStore, NewAuditEntry } from '@understudy/control'
import type { Json } from '@understudy/core'
import type { AuditEntry as AuditRow, Prisma } from './generated/client.ts'
import { optional } from './rows.ts'
import type { Sql, SqlBigint } from './sql.ts'
import { jsonText, storable } from './stored-json.ts'

/** `append` is given: in a transaction it waits for the end, see `journal.ts`. */
export function auditStore(db: Prisma.TransactionClient, append: AuditStore['append']): AuditStore {
  return {
    append,
    async list(projectId, { after, limit, target, operationId }) {
      const where = {
        projectId,
        sequence: { gt: after },
        ...(target === undefined ? {} : { target }),
        ...(operationId === undefined ? {} : { operationId }),
      }
      return (await db.auditEntry.findMany({ where, orderBy: { sequence: 'asc' }, take: limit })).map((row) => toDomain(row))
    },
  }
}

/**
 * Chains and inserts, once per deduplication key. The end of each project's chain is locked until the transaction ends, in the order of
 * projects: call it last, so that nobody waits longer than they must.
 */
export async function appendAudit(sql: Sql, entries: readonly NewAuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  const byProject = Map.groupBy(entries, (entry) => entry.projectId)
  const { heads, fresh } = await lockAndLook(sql, [...byProject.keys()].toSorted(), entries)
  const rows = [...byProject.keys()].flatMap((projectId) => {
    const head = heads.get(projectId)
    if (head === undefined) throw new Error(`project ${projectId} has no end of its audit chain`)
    const added = fresh.filter((entry) => entry.projectId === projectId)
    return chainAudit(head.hash, added).map((entry, index) => ({ ...entry, sequence: head.sequence + 1 + index, isLast: index === added.length - 1 }))
  })
  if (rows.length > 0) await sql.execute(insertStatement, [jsonText(rows)])
}

interface Head {
  readonly sequence: number
  readonly hash: string
}

type Heads = ReadonlyMap<string, Head>

async function lockAndLook(
  sql: Sql,
  projectIds: readonly string[],
  entries: readonly NewAuditEntry[],
): Promise<{ readonly heads: Heads; readonly fresh: readonly NewAuditEntry[] }> {
  if (sql.inOrder) {
    const [heads, fresh] = await Promise.all([lockHeads(sql, projectIds), withoutKnown(sql, entries)])
    if (heads.size === projectIds.length) return { heads, fresh }
  }
  let heads = await lockHeads(sql, projectIds)
  if (heads.size < projectIds.length) {
    await sql.execute(
      `insert into audit_heads (project_id, sequence, hash) select id, 0, $2 from unnest($1::text[]) as new(id) order by id on conflict do nothing`,
      [projectIds, genesisHash],
    )
    heads = await lockHeads(sql, projectIds)
  }
  return { heads, fresh: await withoutKnown(sql, entries) }
}

async function lockHeads(sql: Sql, projectIds: readonly string[]): Promise<Heads> {
  const rows = await sql.rows<{ project_id: string; sequence: SqlBigint; hash: string }>(
    'select project_id, sequence, hash from audit_heads where project_id = any($1::text[]) order by project_id for update',
    [projectIds],
  )
  return new Map(rows.map((row) => [row.project_id, { sequence: Number(row.sequence), hash: row.hash }]))
}

/** Looks after the lock is held: what another transaction has appended under the same key is visible then. */
async function withoutKnown(sql: Sql, entries: readonly NewAuditEntry[]): Promise<readonly NewAuditEntry[]> {
  const keyed = entries.filter((entry) => entry.deduplicationKey !== undefined)
  const known = new Set<string>()
  if (keyed.length > 0) {
    const rows = await sql.rows<{ project_id: string; deduplication_key: string }>(
      `select project_id, deduplication_key from audit_entries
       where (project_id, deduplication_key) in (select * from unnest($1::text[], $2::text[]))`,
      [keyed.map((entry) => entry.projectId), keyed.map((entry) => entry.deduplicationKey ?? '')],
    )
    for (const row of rows) known.add(JSON.stringify([row.project_id, row.deduplication_key]))
  }
  const fresh = entries.filter((entry) => {
    if (entry.deduplicationKey === undefined) return true
    const identity = JSON.stringify([entry.projectId, entry.deduplicationKey])
    if (known.has(identity)) return false
    known.add(identity)
    return true
  })
  // What is hashed has to be what will be read back.
  return fresh.map((entry) => ({
    ...entry,
    actor: storable(entry.actor),
    action: storable(entry.action),
    target: storable(entry.target),
    details: storable(entry.details ?? null),
  }))
}

const insertStatement = `
  with new as (
    select * from jsonb_to_recordset($1::jsonb) as entry("projectId" text, sequence bigint, at timestamptz, actor text, action text, target text,
      "operationId" text, details jsonb, "previousHash" text, hash text, "deduplicationKey" text, "isLast" boolean)
  ), inserted as (
    insert into audit_entries (project_id, sequence, at, actor, action, target, operation_id, details, previous_hash, hash, deduplication_key)
    select "projectId", sequence, at, actor, action, target, "operationId", coalesce(details, 'null'), "previousHash", hash, "deduplicationKey" from new
  )
  update audit_heads set sequence = new.sequence, hash = new.hash from new where new."isLast" and audit_heads.project_id = new."projectId"`

const toDomain = (row: AuditRow): AuditEntry => ({
  sequence: Number(row.sequence),
  projectId: row.projectId,
  at: row.at,
  actor: row.actor,
  action: row.action,
  target: row.target,
  operationId: optional(row.operationId),
  details: row.details as Json,
  previousHash: row.previousHash,
  hash: row.hash,
})
