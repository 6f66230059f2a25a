import type { RestoreDrill, RestoreDrillStore, RestoreRecord, Signature } from '@understudy/control'
import type { Prisma, RestoreDrill as RestoreDrillRow } from './generated/client.ts'
import { behind, newestFirst, optional, swapped } from './rows.ts'
import { optionalJsonColumn } from './stored-json.ts'

export function restoreDrillStore(db: Prisma.TransactionClient): RestoreDrillStore {
  return {
    async insert(drill) {
      await db.restoreDrill.create({ data: toColumns(drill) })
    },
    find: async (projectId, id) => toDomain(await db.restoreDrill.findFirst({ where: { id, projectId } })),
    findById: async (id) => toDomain(await db.restoreDrill.findUnique({ where: { id } })),
    async list(projectId, { after, limit, resourceId, pointId }) {
      const last =
        after === undefined ? null : await db.restoreDrill.findFirst({ where: { id: after, projectId }, select: { id: true, createdAt: true } })
      const rows = await db.restoreDrill.findMany({
        where: {
          projectId,
          ...(resourceId === undefined ? {} : { resourceId }),
          ...(pointId === undefined ? {} : { pointId }),
          ...behind(last),
        },
        orderBy: newestFirst,
        take: limit,
      })
      return rows.map((row) => toDomain(row))
    },
    async listOverdue(at, limit) {
      const rows = await db.restoreDrill.findMany({
        where: { cleanedAt: null, expiresAt: { lte: at } },
        orderBy: [{ expiresAt: 'asc' }, { id: 'asc' }],
        take: limit,
      })
      return rows.map((row) => toDomain(row))
    },
    async lastOf(resourceIds) {
      const rows = await db.restoreDrill.groupBy({ by: ['resourceId'], where: { resourceId: { in: [...resourceIds] } }, _max: { createdAt: true } })
      return new Map(rows.flatMap(({ resourceId, _max: { createdAt } }) => (createdAt === null ? [] : [[resourceId, createdAt] as const])))
    },
    async listAccountsSince(at) {
      const rows = await db.restoreDrill.findMany({ where: { expiresAt: { gte: at } }, distinct: ['accountId'], select: { accountId: true } })
      return rows.map(({ accountId }) => accountId)
    },
    async update(drill, seenVersion) {
      const { id, projectId, createdAt: _, ...changes } = toColumns(drill)
      const { count } = await db.restoreDrill.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'test rollback', () => db.restoreDrill.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
  }
}

const toColumns = ({ record, signature, cleanedAt, ...drill }: RestoreDrill) => ({
  ...drill,
  cleanedAt: cleanedAt ?? null,
  record: optionalJsonColumn(record),
  signature: optionalJsonColumn(signature),
})

function toDomain(row: RestoreDrillRow): RestoreDrill
function toDomain(row: RestoreDrillRow | null): RestoreDrill | undefined
function toDomain(row: RestoreDrillRow | null): RestoreDrill | undefined {
  if (row === null) return undefined
  return {
    ...row,
    status: row.status as RestoreDrill['status'], // checked by the table
    cleanedAt: optional(row.cleanedAt),
    // Written from the same types. Whether a record is still what was signed is what its signature is for.
    record: optional(row.record as unknown as RestoreRecord | null),
    signature: optional(row.signature as unknown as Signature | null),
  }
}
