import type { DigestChunk, DigestStore, DuePoint } from '@understudy/control'
import { digestCompaction, toChunk } from './digest-compaction.ts'
import type { Prisma } from './generated/client.ts'
import { optional } from './rows.ts'
import type { Sql } from './sql.ts'

export const digestStore = (db: Prisma.TransactionClient, sql: Sql): DigestStore => ({
  async put(chunk) {
    const { pointId, device, chunk: number } = chunk
    const row = { ...chunk, entries: Uint8Array.from(chunk.entries) }
    await db.digestChunk.upsert({ where: { pointId_device_chunk: { pointId, device, chunk: number } }, create: row, update: row })
  },
  async lastChunk(pointId, device) {
    const last = await db.digestChunk.findFirst({ where: { pointId, device }, orderBy: { chunk: 'desc' }, select: { chunk: true } })
    return last?.chunk
  },
  async chunk({ resourceId, device, from, to, chunk }) {
    const rows = await db.digestChunk.findMany({
      where: { resourceId, device, chunk, sequence: { gte: from, lte: to } },
      orderBy: { sequence: 'desc' },
    })
    return rows.map((row) => toChunk(row))
  },
  async heads({ resourceId, device, from, to }) {
    const rows = await sql.rows<Omit<DigestChunk, 'entries' | 'keptBytes'> & { readonly keptBytes: bigint | string }>(
      `select distinct on (chunk) point_id as "pointId", resource_id as "resourceId", device, sequence, chunk, whole, digest, blocks, read,
         kept_bytes as "keptBytes"
       from digest_chunks where resource_id = $1 and device = $2 and sequence between $3 and $4 order by chunk, sequence desc`,
      [resourceId, device, from, to],
    )
    return rows.map((row) => ({ ...row, keptBytes: Number(row.keptBytes) }))
  },
  async sums(pointId, device) {
    const { _sum: sum } = await db.digestChunk.aggregate({ where: { pointId, device }, _sum: { read: true, keptBytes: true } })
    return { read: sum.read ?? 0, keptBytes: Number(sum.keptBytes ?? 0) }
  },
  async deleteOf(pointId) {
    await db.digestChunk.deleteMany({ where: { pointId } })
  },
  ...digestCompaction(db, sql),
  async newestRead(resourceId, below) {
    const [found] = await sql.rows<{ id: string }>(
      `select id from recovery_points where resource_id = $1 and sequence < $2 and digests ->> 'state' = 'complete' order by sequence desc limit 1`,
      [resourceId, below],
    )
    return optional(found?.id)
  },
  due: (resourceIds, { capturedSince, failedBefore }) =>
    sql.rows<DuePoint>(
      `select distinct on (point.resource_id) point.id, point.resource_id as "resourceId" from recovery_points point
       where point.resource_id = any($1::text[]) and point.status = 'usable' and point.delete_time is null and point.captured_at >= $2::timestamptz
         and (point.digests is null
           or (point.digests ->> 'state' = 'failed' and (point.digests ->> 'at')::timestamptz < $3::timestamptz))
         and point.sequence > coalesce((select max(earlier.sequence) from recovery_points earlier
           where earlier.resource_id = point.resource_id and earlier.digests ->> 'state' = 'complete'), 0)
       order by point.resource_id, point.sequence`,
      [[...resourceIds], capturedSince.toISOString(), failedBefore.toISOString()],
    ),
})
