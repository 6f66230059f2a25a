import type { Account, AccountStore, SealedSecret } from '@understudy/control'
import type { Account as AccountRow, Prisma } from './generated/client.ts'
import { afterId, optional, swapped } from './rows.ts'
import { jsonColumn, optionalJsonColumn } from './stored-json.ts'

export function accountStore(db: Prisma.TransactionClient): AccountStore {
  return {
    async insert(account, credentials) {
      await db.account.create({ data: { ...toColumns(account), credentials: { create: sealedColumns(credentials) } } })
    },
    find: async (projectId, id) => toDomain(await db.account.findFirst({ where: { id, projectId } })),
    findById: async (id) => toDomain(await db.account.findUnique({ where: { id } })),
    async list(projectId, { after, limit }) {
      const rows = await db.account.findMany({ where: { projectId, ...afterId(after) }, orderBy: { id: 'asc' }, take: limit })
      return rows.map((row) => toDomain(row))
    },
    listAll: async () => (await db.account.findMany({ orderBy: { id: 'asc' } })).map((row) => toDomain(row)),
    async credentials(id) {
      const row = await db.accountCredentials.findUnique({ where: { accountId: id } })
      return row === null ? undefined : toSealed(row.sealed)
    },
    async update(account, seenVersion) {
      const { id, projectId, createdAt: _, ...changes } = toColumns(account)
      const { count } = await db.account.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'account', () => db.account.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
    async setCredentials(id, credentials) {
      const columns = sealedColumns(credentials)
      await db.accountCredentials.upsert({ where: { accountId: id }, create: { accountId: id, ...columns }, update: columns })
    },
    async delete(projectId, id, seenVersion) {
      const { count } = await db.account.deleteMany({ where: { id, projectId, version: seenVersion } })
      await swapped(count, 'account', () => db.account.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
    async listSealedWithOtherKey(masterKeyId, limit) {
      const rows = await db.accountCredentials.findMany({ where: { masterKeyId: { not: masterKeyId } }, orderBy: { accountId: 'asc' }, take: limit })
      return rows.map((row) => ({ id: row.accountId, credentials: toSealed(row.sealed) }))
    },
  }
}

const toSealed = (sealed: Prisma.JsonValue): SealedSecret => sealed as unknown as SealedSecret // only `sealedColumns` writes it

const sealedColumns = (sealed: SealedSecret) => ({ masterKeyId: sealed.masterKeyId, sealed: jsonColumn(sealed) })

const toColumns = (account: Account) => ({
  id: account.id,
  projectId: account.projectId,
  name: account.name,
  provider: account.provider,
  region: account.region,
  status: account.status,
  createdAt: account.createdAt,
  updatedAt: account.updatedAt,
  version: account.version,
  nativeAccount: account.nativeAccount ?? null,
  settings: jsonColumn(account.settings),
  verifiedAt: account.verifiedAt ?? null,
  verification: optionalJsonColumn(account.verification),
  ingestKeyHash: account.ingestKeyHash ?? null,
})

function toDomain(row: AccountRow): Account
function toDomain(row: AccountRow | null): Account | undefined
function toDomain(row: AccountRow | null): Account | undefined {
  if (row === null) return undefined
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    provider: row.provider,
    nativeAccount: optional(row.nativeAccount),
    region: row.region,
    settings: row.settings as Account['settings'], // written from the same type
    status: row.status as Account['status'], // checked by the table
    verifiedAt: optional(row.verifiedAt),
    verification: optional(row.verification) as Account['verification'], // written from the same type
    ingestKeyHash: optional(row.ingestKeyHash),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    version: row.version,
  }
}
