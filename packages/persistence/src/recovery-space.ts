import type { RecoveryPointStore, SpaceSums } from '@understudy/control'
import type { Sql, SqlBigint } from './sql.ts'

export interface SpaceRow {
  readonly points: number
  readonly usedKnown: number
  readonly usedBytes: SqlBigint
  readonly fullKnown: number
  readonly fullBytes: SqlBigint
  readonly savedKnown: number
  readonly savedBytes: SqlBigint
}

/** Over the points of one resource that take room; `recovery_points_room` has all that it reads. A deleted point takes room until it is purged. */
export const spaceOf = (resource: string): string => `
  select count(*)::int as points,
    count(used_bytes)::int as "usedKnown", coalesce(sum(used_bytes), 0)::bigint as "usedBytes",
    count(full_bytes)::int as "fullKnown", coalesce(sum(full_bytes), 0)::bigint as "fullBytes",
    count(full_bytes - used_bytes)::int as "savedKnown", coalesce(sum(greatest(full_bytes - used_bytes, 0)), 0)::bigint as "savedBytes"
  from recovery_points where resource_id = ${resource} and status in ('usable', 'purging')`

export const toSums = (row: SpaceRow): SpaceSums => ({
  points: row.points,
  used: { known: row.usedKnown, bytes: Number(row.usedBytes) },
  full: { known: row.fullKnown, bytes: Number(row.fullBytes) },
  saved: { known: row.savedKnown, bytes: Number(row.savedBytes) },
})

export const recoverySpace = (sql: Sql): Pick<RecoveryPointStore, 'sumSpace' | 'setSpace' | 'listSpaceDue' | 'forgetSpaceAfter'> => ({
  async sumSpace(projectId, resourceId) {
    const [row] = await sql.rows<SpaceRow>(`${spaceOf('$2')} and project_id = $1`, [projectId, resourceId])
    if (row === undefined) throw new Error('sums are one row')
    return toSums(row)
  },
  async setSpace(id, { basis, usedBytes, fullBytes }, at) {
    // Who has read the bytes knows better than who was asked meanwhile.
    await sql.rows(
      `update recovery_points set used_bytes = $2::bigint, full_bytes = $3::bigint, space_basis = $4, space_at = $5::timestamptz
       where id = $1 and ($4 = 'digests' or digests -> 'document' is null)`,
      [id, usedBytes ?? null, fullBytes ?? null, basis ?? null, at.toISOString()],
    )
  },
  async listSpaceDue(accountId, { known, unknown, limit }) {
    const rows = await sql.rows<{ readonly id: string; readonly setId: string; readonly fullBytes: SqlBigint | null; readonly since: string | null }>(
      `select id, manifest -> 'disks' ->> 'set' as "setId", full_bytes as "fullBytes", (
         select manifest -> 'disks' ->> 'set' from recovery_points before
         where before.resource_id = recovery_points.resource_id and before.account_id = $1 and before.sequence < recovery_points.sequence
           and before.status in ('usable', 'purging')
         order by before.sequence desc limit 1) as since
       from recovery_points
       where account_id = $1 and status = 'usable' and digests -> 'document' is null
         and (space_at is null or space_at < $2::timestamptz or (used_bytes is null and space_at < $3::timestamptz))
       order by space_at nulls first, id limit $4`,
      [accountId, known.toISOString(), unknown.toISOString(), limit],
    )
    return rows.map(({ id, setId, fullBytes, since }) => ({
      ...{ id, setId, sinceSetId: since ?? undefined },
      fullBytes: fullBytes === null ? undefined : Number(fullBytes),
    }))
  },
  async forgetSpaceAfter(resourceId, sequence) {
    await sql.rows(
      `update recovery_points set used_bytes = null, space_basis = null, space_at = null where digests -> 'document' is null and id = (
         select id from recovery_points where resource_id = $1 and sequence > $2 and status in ('usable', 'purging') order by sequence limit 1)`,
      [resourceId, sequence],
    )
  },
})
