import type { SpaceSums } from '@understudy/control'
import type { SqlBigint } from './sql.ts'

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
