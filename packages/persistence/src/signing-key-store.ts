import type { SealedSecret, SigningKey, SigningKeyStore } from '@understudy/control'
import { AppError } from '@understudy/core'
import { sqlState } from './database-errors.ts'
import type { Prisma, SigningKey as SigningKeyRow } from './generated/client.ts'
import { optional } from './rows.ts'
import { jsonColumn } from './stored-json.ts'

const uniqueViolation = '23505'

export function signingKeyStore(db: Prisma.TransactionClient): SigningKeyStore {
  return {
    async list() {
      const rows = await db.signingKey.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] })
      return rows.map((row) => toDomain(row))
    },
    async current() {
      const row = await db.signingKey.findFirst({ where: { retiredAt: null } })
      return row === null ? undefined : { key: toDomain(row), sealed: toSealed(row.sealed) }
    },
    async insert({ id, publicKey, createdAt, retiredAt }, sealed) {
      try {
        const columns = { masterKeyId: sealed.masterKeyId, sealed: jsonColumn(sealed) }
        await db.signingKey.create({ data: { id, publicKey, createdAt, retiredAt: retiredAt ?? null, ...columns } })
      } catch (error) {
        if (sqlState(error) !== uniqueViolation) throw error
        throw new AppError('conflict', 'Another key signs.', { cause: error })
      }
    },
    async retire(id, at) {
      await db.signingKey.updateMany({ where: { id, retiredAt: null }, data: { retiredAt: at } })
    },
    async sealed(id) {
      const row = await db.signingKey.findUnique({ where: { id } })
      return row === null ? undefined : toSealed(row.sealed)
    },
    async reseal(id, sealed) {
      await db.signingKey.update({ where: { id }, data: { masterKeyId: sealed.masterKeyId, sealed: jsonColumn(sealed) } })
    },
  }
}

const toSealed = (sealed: Prisma.JsonValue): SealedSecret => sealed as unknown as SealedSecret // only `insert` and `reseal` write it

const toDomain = ({ id, publicKey, createdAt, retiredAt }: SigningKeyRow): SigningKey => ({
  id,
  publicKey,
  createdAt,
  retiredAt: optional(retiredAt),
})
