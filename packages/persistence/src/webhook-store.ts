import type { WebhookEndpoint, WebhookSecrets, WebhookStore } from '@understudy/control'
import { claimDue, deliveryStore } from './delivery-store.ts'
import type { Prisma, WebhookEndpoint as EndpointRow, WebhookSecrets as SecretsRow } from './generated/client.ts'
import { afterId, optional, swapped } from './rows.ts'
import type { Sql } from './sql.ts'
import { jsonColumn, optionalJsonColumn } from './stored-json.ts'

const fanOutCursor = 'webhooks.fan-out'

export function webhookStore(db: Prisma.TransactionClient, sql: Sql): WebhookStore {
  const exists = (projectId: string, id: string) => () => db.webhookEndpoint.findFirst({ where: { id, projectId }, select: { id: true } })
  return {
    ...deliveryStore(db, sql),
    claimDue: (options) => claimDue(sql, options),
    async insert(endpoint, secrets) {
      await db.webhookEndpoint.create({ data: { ...toColumns(endpoint), secrets: { create: secretColumns(secrets) } } })
    },
    async find(projectId, id) {
      const row = await db.webhookEndpoint.findFirst({ where: { id, projectId } })
      return row === null ? undefined : toDomain(row)
    },
    async list(projectId, { after, limit }) {
      const rows = await db.webhookEndpoint.findMany({ where: { projectId, ...afterId(after) }, orderBy: { id: 'asc' }, take: limit })
      return rows.map((row) => toDomain(row))
    },
    async listEnabled(projectId) {
      const rows = await db.webhookEndpoint.findMany({ where: { projectId, status: 'enabled' }, orderBy: { id: 'asc' } })
      return rows.map((row) => toDomain(row))
    },
    async secrets(id) {
      const row = await db.webhookSecrets.findUnique({ where: { endpointId: id } })
      return row === null ? undefined : toSecrets(row)
    },
    async setSecrets(id, secrets) {
      const columns = secretColumns(secrets)
      await db.webhookSecrets.upsert({ where: { endpointId: id }, create: { endpointId: id, ...columns }, update: columns })
    },
    async update(endpoint, seenVersion) {
      const { id, projectId, createdAt: _, ...changes } = toColumns(endpoint)
      const { count } = await db.webhookEndpoint.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'webhook', exists(projectId, id))
    },
    async delete(projectId, id, seenVersion) {
      const { count } = await db.webhookEndpoint.deleteMany({ where: { id, projectId, version: seenVersion } })
      await swapped(count, 'webhook', exists(projectId, id))
    },
    cursor: async () => Number((await db.streamCursor.findUnique({ where: { name: fanOutCursor } }))?.position ?? 0),
    async advanceCursor(from, to) {
      // The first one ever starts at 0, where there is no row yet.
      const rows = await sql.rows(
        `insert into stream_cursors (name, position) select $1, $3::bigint where $2::bigint = 0
         on conflict (name) do nothing returning name`,
        [fanOutCursor, from, to],
      )
      if (rows.length > 0) return true
      return (await db.streamCursor.updateMany({ where: { name: fanOutCursor, position: from }, data: { position: to } })).count > 0
    },
  }
}

const toColumns = (endpoint: WebhookEndpoint) => ({
  id: endpoint.id,
  projectId: endpoint.projectId,
  url: endpoint.url,
  description: endpoint.description,
  status: endpoint.status,
  createdAt: endpoint.createdAt,
  updatedAt: endpoint.updatedAt,
  version: endpoint.version,
  types: [...endpoint.types],
  disabledReason: endpoint.disabledReason ?? null,
})

const secretColumns = (secrets: WebhookSecrets) => ({
  current: jsonColumn(secrets.current),
  previous: optionalJsonColumn(secrets.previous),
  previousUntil: secrets.previousUntil ?? null,
})

// Only `secretColumns` writes them.
const toSecrets = (row: SecretsRow): WebhookSecrets => ({
  current: row.current as unknown as WebhookSecrets['current'],
  previous: optional(row.previous) as unknown as WebhookSecrets['previous'],
  previousUntil: optional(row.previousUntil),
})

const toDomain = (row: EndpointRow): WebhookEndpoint => ({
  id: row.id,
  projectId: row.projectId,
  url: row.url,
  description: row.description,
  types: row.types,
  status: row.status as WebhookEndpoint['status'], // checked by the table
  disabledReason: optional(row.disabledReason),
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  version: row.version,
})
