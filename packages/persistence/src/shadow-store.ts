import type { HostBinding, Proof, Shadow, ShadowStore } from '@understudy/control'
import type { Prisma, Shadow as ShadowRow } from './generated/client.ts'
import { afterId, optional, swapped } from './rows.ts'
import { moveShadows } from './shadow-moves.ts'
import type { Sql } from './sql.ts'

const gone = ['promoted', 'retired']

export function shadowStore(db: Prisma.TransactionClient, sql: Sql): ShadowStore {
  const many = async (query: Prisma.ShadowFindManyArgs): Promise<Shadow[]> => (await db.shadow.findMany(query)).map((row) => toDomain(row))
  return {
    async insert(shadow) {
      await db.shadow.create({ data: toColumns(shadow) })
    },
    find: async (projectId, id) => toDomain(await db.shadow.findFirst({ where: { id, projectId } })),
    findById: async (id) => toDomain(await db.shadow.findUnique({ where: { id } })),
    list: (projectId, { after, limit, resourceId, status }) =>
      many({
        where: { projectId, ...afterId(after), ...(resourceId === undefined ? {} : { resourceId }), ...(status === undefined ? {} : { status }) },
        orderBy: { id: 'asc' },
        take: limit,
      }),
    listAlive: (resourceIds) => many({ where: { resourceId: { in: [...resourceIds] }, status: { notIn: gone } }, orderBy: { id: 'asc' } }),
    listAliveByNativeIds: (accountId, nativeIds) =>
      many({ where: { accountId, nativeId: { in: [...nativeIds] }, status: { notIn: gone } }, orderBy: { id: 'asc' } }),
    listArmedBefore: (at, limit) => many({ where: { armedUntil: { lt: at } }, orderBy: [{ armedUntil: 'asc' }, { id: 'asc' }], take: limit }),
    async update(shadow, seenVersion) {
      const { id, projectId, resourceId: _r, createdAt: _c, ...changes } = toColumns(shadow)
      const { count } = await db.shadow.updateMany({ where: { id, projectId, version: seenVersion }, data: { ...changes, version: seenVersion + 1 } })
      await swapped(count, 'shadow', () => db.shadow.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
    move: async (id, change) => (await moveShadows(sql, [{ id, ...change }]))[0] ?? false,
    async setProof(id, proof) {
      await db.shadow.updateMany({ where: { id }, data: { ...proofColumns(proof), updatedAt: proof.at, version: { increment: 1 } } })
    },
    async setAddress(id, address) {
      await db.shadow.updateMany({ where: { id }, data: { address, version: { increment: 1 } } })
    },
    isIn: async (accountId) => (await db.shadow.findFirst({ where: { accountId, status: { notIn: gone.slice() } }, select: { id: true } })) !== null,
    async setArmed(id, until, at) {
      await db.shadow.updateMany({ where: { id }, data: { armedUntil: until, updatedAt: at, version: { increment: 1 } } })
    },
  }
}

const proofColumns = (proof: Proof | undefined) => ({
  proofAt: proof?.at ?? null,
  proofMethod: proof?.method ?? null,
  proofSeconds: proof?.seconds ?? null,
  proofOperationId: proof?.operationId ?? null,
})

const toColumns = (shadow: Shadow) => ({
  id: shadow.id,
  projectId: shadow.projectId,
  resourceId: shadow.resourceId,
  accountId: shadow.accountId,
  status: shadow.status,
  zone: shadow.zone,
  instanceType: shadow.instanceType,
  purchase: shadow.purchase,
  readiness: shadow.readiness,
  hosts: shadow.hosts?.rule ?? null,
  hostGroup: shadow.hosts?.group ?? null,
  dnaFingerprint: shadow.dnaFingerprint,
  failures: shadow.failures,
  createdAt: shadow.createdAt,
  updatedAt: shadow.updatedAt,
  version: shadow.version,
  ...proofColumns(shadow.proof),
  nativeId: shadow.nativeId ?? null,
  snapshotSetId: shadow.snapshotSetId ?? null,
  armedUntil: shadow.armedUntil ?? null,
  operationId: shadow.operationId ?? null,
  lastError: shadow.lastError ?? null,
  address: shadow.address ?? null,
  dataAsOf: shadow.dataAsOf ?? null,
})

function toDomain(row: ShadowRow): Shadow
function toDomain(row: ShadowRow | null): Shadow | undefined
function toDomain(row: ShadowRow | null): Shadow | undefined {
  if (row === null) return undefined
  return {
    id: row.id,
    projectId: row.projectId,
    resourceId: row.resourceId,
    accountId: row.accountId,
    // The four unions are checked by the table.
    status: row.status as Shadow['status'],
    nativeId: optional(row.nativeId),
    snapshotSetId: optional(row.snapshotSetId),
    zone: row.zone,
    instanceType: row.instanceType,
    purchase: row.purchase as Shadow['purchase'],
    readiness: row.readiness as Shadow['readiness'],
    ...(row.hosts === null ? {} : { hosts: { rule: row.hosts as HostBinding['rule'], ...(row.hostGroup === null ? {} : { group: row.hostGroup }) } }),
    dnaFingerprint: row.dnaFingerprint,
    proof: toProof(row),
    armedUntil: optional(row.armedUntil),
    operationId: optional(row.operationId),
    failures: row.failures,
    lastError: optional(row.lastError),
    address: optional(row.address),
    dataAsOf: optional(row.dataAsOf),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    version: row.version,
  }
}

function toProof(row: ShadowRow): Proof | undefined {
  if (row.proofAt === null || row.proofMethod === null || row.proofSeconds === null) return undefined
  return {
    at: row.proofAt,
    method: row.proofMethod as Proof['method'], // written from the same type
    seconds: row.proofSeconds,
    operationId: optional(row.proofOperationId),
  }
}
