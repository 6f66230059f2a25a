import type { PolicyRules, RollbackPolicy, RollbackPolicyStore } from '@understudy/control'
import type { Labels } from '@understudy/core'
import type { Prisma, RollbackPolicy as PolicyRow } from './generated/client.ts'
import { afterId, optional, swapped } from './rows.ts'
import { jsonColumn } from './stored-json.ts'

export function rollbackPolicyStore(db: Prisma.TransactionClient): RollbackPolicyStore {
  return {
    async insert(policy) {
      await db.rollbackPolicy.create({ data: toColumns(policy) })
    },
    async find(projectId, id) {
      const row = await db.rollbackPolicy.findFirst({ where: { id, projectId } })
      return row === null ? undefined : toDomain(row)
    },
    async list(projectId, { after, limit, showDeleted = false }) {
      const where = { projectId, ...afterId(after), ...(showDeleted ? {} : { deleteTime: null }) }
      return (await db.rollbackPolicy.findMany({ where, orderBy: { id: 'asc' }, take: limit })).map((row) => toDomain(row))
    },
    async inForce(projectIds) {
      const rows = await db.rollbackPolicy.findMany({ where: { projectId: { in: [...projectIds] }, deleteTime: null } })
      return rows.map((row) => toDomain(row))
    },
    async update(policy, seenVersion) {
      const { id, projectId, createdAt: _c, ...changes } = toColumns(policy)
      const { count } = await db.rollbackPolicy.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'rollback policy', () => db.rollbackPolicy.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
    async purge(at) {
      return (await db.rollbackPolicy.deleteMany({ where: { purgeTime: { lte: at } } })).count
    },
  }
}

const toColumns = (policy: RollbackPolicy) => ({
  id: policy.id,
  projectId: policy.projectId,
  name: policy.name,
  description: policy.description,
  types: [...policy.appliesTo.types],
  labels: jsonColumn(policy.appliesTo.labels),
  userGroup: policy.appliesTo.group ?? null,
  priority: policy.priority,
  rules: jsonColumn(policy.rules),
  scheduleSince: policy.scheduleSince,
  deleteTime: policy.deleteTime ?? null,
  purgeTime: policy.purgeTime ?? null,
  createdAt: policy.createdAt,
  updatedAt: policy.updatedAt,
  version: policy.version,
})

const toDomain = (row: PolicyRow): RollbackPolicy => ({
  id: row.id,
  projectId: row.projectId,
  name: row.name,
  description: row.description,
  // Both written from the same types.
  appliesTo: { types: row.types, labels: row.labels as Labels, group: optional(row.userGroup) },
  rules: row.rules as PolicyRules,
  priority: row.priority,
  scheduleSince: row.scheduleSince,
  deleteTime: optional(row.deleteTime),
  purgeTime: optional(row.purgeTime),
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  version: row.version,
})
