import type { DigestChunk, DigestStore, ReadPoint } from '@understudy/control'
import type { DigestChunk as ChunkRow, Prisma } from './generated/client.ts'
import type { Sql } from './sql.ts'

/** What is needed to hand the digests of purged points over. */
export const digestCompaction = (
  db: Prisma.TransactionClient,
  sql: Sql,
): Pick<DigestStore, 'first' | 'deleteChunk' | 'listToCompact' | 'purged' | 'firstStanding'> => ({
  async first(pointId) {
    const row = await db.digestChunk.findFirst({ where: { pointId }, orderBy: [{ device: 'asc' }, { chunk: 'asc' }] })
    return row === null ? undefined : toChunk(row)
  },
  async deleteChunk(pointId, { device, chunk }) {
    await db.digestChunk.deleteMany({ where: { pointId, device, chunk } })
  },
  listToCompact: (limit) =>
    sql.rows(
      `select distinct project_id as "projectId", resource_id as "resourceId" from recovery_points point
       where status = 'purged' and exists (select 1 from digest_chunks where point_id = point.id) order by resource_id limit $1`,
      [limit],
    ),
  purged: (resourceId) =>
    sql.rows<ReadPoint>(
      `select ${readPoint} from recovery_points point where resource_id = $1 and status = 'purged'
         and exists (select 1 from digest_chunks where point_id = point.id)
       order by sequence desc`,
      [resourceId],
    ),
  async firstStanding(resourceId, behind) {
    const [found] = await sql.rows<ReadPoint>(
      `select ${readPoint} from recovery_points where resource_id = $1 and sequence > $2 and status in ('usable', 'purging')
         and digests ->> 'state' = 'complete'
       order by sequence limit 1`,
      [resourceId, behind],
    )
    return found
  },
})

const readPoint = `id, sequence, coalesce(digests -> 'document' -> 'disks', '[]') as disks`

export const toChunk = ({ keptBytes, ...row }: ChunkRow): DigestChunk => ({ ...row, keptBytes: Number(keptBytes) })
