import type { AccessStore, ApiKey, Project, Role } from '@understudy/control'
import type { ApiKey as ApiKeyRow, Prisma } from './generated/client.ts'
import { afterId, optional } from './rows.ts'

export function accessStore(db: Prisma.TransactionClient): AccessStore {
  return {
    async insertProject(project: Project) {
      await db.project.create({ data: { id: project.id, name: project.name, createdAt: project.createdAt } })
    },
    findProject: async (id) => optional(await db.project.findUnique({ where: { id } })),
    listProjects: ({ after, limit }) => db.project.findMany({ where: afterId(after), orderBy: { id: 'asc' }, take: limit }),
    async insertKey(key, hash) {
      await db.apiKey.create({
        data: {
          id: key.id,
          projectId: key.projectId,
          name: key.name,
          role: key.role,
          installationAdmin: key.installationAdmin,
          groups: [...key.groups],
          prefix: key.prefix,
          hash,
          createdAt: key.createdAt,
          expiresAt: key.expiresAt ?? null,
          lastUsedAt: key.lastUsedAt ?? null,
          revokedAt: key.revokedAt ?? null,
        },
      })
    },
    findKeyByHash: async (hash) => toDomain(await db.apiKey.findUnique({ where: { hash } })),
    findKey: async (projectId, id) => toDomain(await db.apiKey.findFirst({ where: { id, projectId } })),
    async listKeys(projectId, { after, limit }) {
      const rows = await db.apiKey.findMany({ where: { projectId, ...afterId(after) }, orderBy: { id: 'asc' }, take: limit })
      return rows.map((row) => toDomain(row))
    },
    async touchKey(id, at) {
      const aMinuteBefore = new Date(at.getTime() - 60_000)
      await db.apiKey.updateMany({ where: { id, OR: [{ lastUsedAt: null }, { lastUsedAt: { lte: aMinuteBefore } }] }, data: { lastUsedAt: at } })
    },
    async revokeKey(projectId, id, at) {
      const { count } = await db.apiKey.updateMany({ where: { id, projectId, revokedAt: null }, data: { revokedAt: at } })
      return count > 0
    },
    countKeys: () => db.apiKey.count(),
  }
}

function toDomain(row: ApiKeyRow): ApiKey
function toDomain(row: ApiKeyRow | null): ApiKey | undefined
function toDomain(row: ApiKeyRow | null): ApiKey | undefined {
  if (row === null) return undefined
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    role: row.role as Role, // checked by the table
    installationAdmin: row.installationAdmin,
    groups: row.groups,
    prefix: row.prefix,
    createdAt: row.createdAt,
    expiresAt: optional(row.expiresAt),
    lastUsedAt: optional(row.lastUsedAt),
    revokedAt: optional(row.revokedAt),
  }
}
