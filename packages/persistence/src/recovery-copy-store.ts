import type { CopyMember, DueCopy, RecoveryCopy, RecoveryCopyStore } from '@understudy/control'
import type { Prisma, RecoveryCopy as RecoveryCopyRow } from './generated/client.ts'
import { optional, swapped } from './rows.ts'
import type { Sql } from './sql.ts'
import { jsonColumn, jsonText } from './stored-json.ts'

export function recoveryCopyStore(db: Prisma.TransactionClient, sql: Sql): RecoveryCopyStore {
  return {
    async insert(copies) {
      await db.recoveryCopy.createMany({ data: copies.map((copy) => toColumns(copy)) })
    },
    async findById(id) {
      const row = await db.recoveryCopy.findUnique({ where: { id } })
      return row === null ? undefined : toDomain(row)
    },
    async listOf(projectId, pointIds) {
      const rows = await db.recoveryCopy.findMany({
        where: { projectId, pointId: { in: [...pointIds] } },
        orderBy: [{ region: 'asc' }, { id: 'asc' }],
      })
      return rows.map((row) => toDomain(row))
    },
    async listAlive(pointId) {
      const rows = await db.recoveryCopy.findMany({ where: { pointId, status: { not: 'deleted' } }, orderBy: { region: 'asc' } })
      return rows.map((row) => toDomain(row))
    },
    async listDue(wanted, at, limit) {
      const rows = await sql.rows<Omit<DueCopy, 'copyId'> & { readonly copyId: string | null }>(due, [
        jsonText(wanted),
        at.toISOString(),
        limit,
        patience,
      ])
      return rows.map((row) => ({ ...row, copyId: optional(row.copyId) }))
    },
    async update(copy, seenVersion) {
      const { id, projectId, createdAt: _, ...changes } = toColumns(copy)
      const { count } = await db.recoveryCopy.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'copy', () => db.recoveryCopy.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
  }
}

/** Where copies are made in order, a later point waits for so many attempts of an earlier one, which could not be copied after it. */
const patience = 3

const due = `
  with due as (
    select point.id as "pointId", point.project_id as "projectId", point.resource_id as "resourceId", point.account_id as "accountId", wanted.region,
      copy.id as "copyId", point.captured_at as "capturedAt", wanted."inOrder",
      row_number() over (partition by point.resource_id, wanted.region order by point.captured_at, point.id) as place
    from jsonb_to_recordset($1::jsonb) as wanted("resourceId" text, region text, "inOrder" boolean)
    join recovery_points point on point.resource_id = wanted."resourceId" and point.status = 'usable' and point.delete_time is null
    left join recovery_copies copy on copy.point_id = point.id and copy.region = wanted.region
    where (copy.id is null or (copy.status = 'failed' and copy.next_attempt_at <= $2::timestamptz)
      or (copy.status = 'copying' and not exists (
        select 1 from operations where operations.id = copy.operation_id and operations.status in ('pending', 'running', 'undoing', 'stuck'))))
    and (not wanted."inOrder" or not exists (
      select 1 from recovery_copies other join recovery_points copied on copied.id = other.point_id
      where copied.resource_id = point.resource_id and other.region = wanted.region and other.id is distinct from copy.id
        and (other.status = 'copying' or (other.status = 'complete' and copied.captured_at >= point.captured_at)
          or (other.status = 'failed' and other.attempts < $4 and copied.captured_at < point.captured_at
            and copied.status = 'usable' and copied.delete_time is null))))
  )
  select "pointId", "projectId", "resourceId", "accountId", region, "copyId" from due where not "inOrder" or place = 1
  order by "capturedAt" desc, "pointId", region limit $3`

const toColumns = ({ members, nextAttemptAt, lastError, completedAt, deletedAt, ...copy }: RecoveryCopy) => ({
  ...copy,
  members: jsonColumn(members),
  nextAttemptAt: nextAttemptAt ?? null,
  lastError: lastError ?? null,
  completedAt: completedAt ?? null,
  deletedAt: deletedAt ?? null,
})

const toDomain = (row: RecoveryCopyRow): RecoveryCopy => ({
  ...row,
  status: row.status as RecoveryCopy['status'], // checked by the table
  members: row.members as unknown as readonly CopyMember[], // as `toColumns` wrote them
  nextAttemptAt: optional(row.nextAttemptAt),
  lastError: optional(row.lastError),
  completedAt: optional(row.completedAt),
  deletedAt: optional(row.deletedAt),
})
