import type { BootDataStore, SealedSecret } from '@understudy/control'
import type { Prisma } from './generated/client.ts'
import { jsonColumn } from './stored-json.ts'

export function bootDataStore(db: Prisma.TransactionClient): BootDataStore {
  return {
    async get({ resourceId, accountId }) {
      const row = await db.bootData.findUnique({ where: { resourceId_accountId: { resourceId, accountId } } })
      return row === null ? undefined : (row.sealed as unknown as SealedSecret) // only `set` writes it
    },
    async set({ resourceId, accountId }, sealed) {
      const columns = { masterKeyId: sealed.masterKeyId, sealed: jsonColumn(sealed) }
      const where = { resourceId_accountId: { resourceId, accountId } }
      await db.bootData.upsert({ where, create: { resourceId, accountId, ...columns }, update: columns })
    },
    async keepOnly(resourceId, accountIds) {
      await db.bootData.deleteMany({ where: { resourceId, accountId: { notIn: [...accountIds] } } })
    },
    async listSealedWithOtherKey(masterKeyId, limit) {
      const rows = await db.bootData.findMany({
        where: { masterKeyId: { not: masterKeyId } },
        orderBy: [{ resourceId: 'asc' }, { accountId: 'asc' }],
        take: limit,
      })
      return rows.map(({ resourceId, accountId }) => ({ resourceId, accountId }))
    },
  }
}
