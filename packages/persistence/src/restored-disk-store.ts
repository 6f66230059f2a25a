import type { RestoredDisk, RestoredDiskStore } from '@understudy/control'
import type { Prisma, RestoredDisk as RestoredDiskRow } from './generated/client.ts'
import { behind, newestFirst, optional, swapped } from './rows.ts'

export function restoredDiskStore(db: Prisma.TransactionClient): RestoredDiskStore {
  return {
    async insert(disk) {
      await db.restoredDisk.create({ data: toColumns(disk) })
    },
    find: async (projectId, id) => toDomain(await db.restoredDisk.findFirst({ where: { id, projectId } })),
    findById: async (id) => toDomain(await db.restoredDisk.findUnique({ where: { id } })),
    async list(projectId, { after, limit, resourceId, pointId }) {
      const last =
        after === undefined ? null : await db.restoredDisk.findFirst({ where: { id: after, projectId }, select: { id: true, createdAt: true } })
      const rows = await db.restoredDisk.findMany({
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
    async listAlive(resourceId) {
      const rows = await db.restoredDisk.findMany({ where: { resourceId, status: { in: ['restoring', 'attached'] } }, orderBy: { id: 'asc' } })
      return rows.map((row) => toDomain(row))
    },
    async listOverdue(at, limit) {
      const rows = await db.restoredDisk.findMany({
        where: { cleanedAt: null, expiresAt: { lte: at } },
        orderBy: [{ expiresAt: 'asc' }, { id: 'asc' }],
        take: limit,
      })
      return rows.map((row) => toDomain(row))
    },
    async update(disk, seenVersion) {
      const { id, projectId, createdAt: _, ...changes } = toColumns(disk)
      const { count } = await db.restoredDisk.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'restored disk', () => db.restoredDisk.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
  }
}

const toColumns = ({ disk, place, cleanedAt, ...restored }: RestoredDisk) => ({
  ...restored,
  disk: disk ?? null,
  place: place ?? null,
  cleanedAt: cleanedAt ?? null,
})

function toDomain(row: RestoredDiskRow): RestoredDisk
function toDomain(row: RestoredDiskRow | null): RestoredDisk | undefined
function toDomain(row: RestoredDiskRow | null): RestoredDisk | undefined {
  if (row === null) return undefined
  return {
    ...row,
    status: row.status as RestoredDisk['status'], // checked by the table
    disk: optional(row.disk),
    place: optional(row.place),
    cleanedAt: optional(row.cleanedAt),
  }
}
