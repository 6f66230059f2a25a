import type { Hold, Resource, ResourceStore } from '@understudy/control'
import type { Prisma, Resource as ResourceRow } from './generated/client.ts'
import { afterId, optional, swapped } from './rows.ts'
import type { Sql } from './sql.ts'
import { jsonColumn, jsonText, optionalJsonColumn } from './stored-json.ts'

export function resourceStore(db: Prisma.TransactionClient, sql: Sql): ResourceStore {
  return {
    async insert(resource) {
      await db.resource.create({ data: toColumns(resource) })
    },
    find: async (projectId, id) => toDomain(await db.resource.findFirst({ where: { id, projectId } })),
    findById: async (id) => toDomain(await db.resource.findUnique({ where: { id } })),
    async findManyById(ids) {
      const rows = await db.resource.findMany({ where: { id: { in: [...ids] } } })
      return new Map(rows.map((row) => [row.id, toDomain(row)]))
    },
    async findByNativeIds(accountId, nativeIds, { ignoreCase = false } = {}) {
      const wanted = ignoreCase
        ? { OR: nativeIds.map((id) => ({ nativeId: { equals: id, mode: 'insensitive' as const } })) }
        : { nativeId: { in: [...nativeIds] } }
      const rows = await db.resource.findMany({ where: { accountId, ...wanted }, orderBy: { id: 'asc' } })
      // Comparing without case takes `_` and `%` for wildcards.
      const lower = new Set(ignoreCase ? nativeIds.map((id) => id.toLowerCase()) : [])
      return rows.filter(({ nativeId }) => !ignoreCase || lower.has(nativeId.toLowerCase())).map((row) => toDomain(row))
    },
    async list(projectId, { after, limit, accountId, status }) {
      const where = { projectId, ...afterId(after), ...(accountId === undefined ? {} : { accountId }), ...(status === undefined ? {} : { status }) }
      return (await db.resource.findMany({ where, orderBy: { id: 'asc' }, take: limit })).map((row) => toDomain(row))
    },
    listProtected: (page) => listProtected(db, sql, page),
    async update(resource, seenVersion) {
      // Only `promote` makes another instance the primary: a writer that read before a promotion must not undo it.
      const { id, projectId, createdAt: _c, primaryEpoch: _e, ...changes } = toColumns(resource)
      const { count } = await db.resource.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'resource', () => db.resource.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
    async setStatus(id, status, at) {
      await db.resource.updateMany({ where: { id }, data: { status, updatedAt: at } })
    },
    async setUnplaced(id, unplaced) {
      await db.resource.updateMany({ where: { id }, data: { unplaced: optionalJsonColumn(unplaced.length === 0 ? undefined : unplaced) } })
    },
    async namesAccount(projectId, accountId) {
      const rows = await sql.rows<{ id: string }>(
        `select id from resources where project_id = $1
         and (traffic ->> 'accountId' = $2 or tier -> 'elsewhere' @> jsonb_build_array(jsonb_build_object('accountId', $2::text)))
         order by id limit 1`,
        [projectId, accountId],
      )
      return rows[0]?.id
    },
    promote: (promotion) => promote(sql, promotion),
    async delete(projectId, id) {
      // Stand-ins that are gone go with it; a living one still refers to it, and the database then refuses.
      await sql.rows(
        `with former as (
           delete from shadows where resource_id = $2 and project_id = $1 and status in ('promoted', 'retired')
         )
         delete from resources where id = $2 and project_id = $1`,
        [projectId, id],
      )
    },
  }
}

/**
 * In the order of ids: a reconciler that goes on after the last id it saw, and starts again at the end, looks at the one it has not
 * looked at for the longest time. One that lost its tier counts until its stand-ins are gone.
 */
async function listProtected(db: Prisma.TransactionClient, sql: Sql, page: Parameters<ResourceStore['listProtected']>[0]): Promise<Resource[]> {
  const picked = await sql.rows<{ id: string }>(
    `select id from (
       (select id from resources where tier is not null and id > $1 order by id limit $2)
       union
       (select distinct resource_id from shadows where status not in ('promoted', 'retired') and resource_id > $1 order by resource_id limit $2)
     ) picked order by id limit $2`,
    [page.after ?? '', page.limit],
  )
  const rows = await db.resource.findMany({ where: { id: { in: picked.map((row) => row.id) } }, orderBy: { id: 'asc' } })
  return rows.map((row) => toDomain(row))
}

async function promote(sql: Sql, promotion: Parameters<ResourceStore['promote']>[0]): Promise<boolean> {
  const swappedRows = await sql.rows(
    `update resources
     set account_id = $8, native_id = $3, zone = $4,
         traffic = case when account_id <> $8 and traffic is not null and not traffic ? 'accountId'
           then traffic || jsonb_build_object('accountId', account_id) else traffic end, dna = $5::jsonb, dna_hash = $6, dna_at = $7::timestamptz, updated_at = $7::timestamptz,
         primary_epoch = primary_epoch + 1, version = version + 1
     where id = $1 and primary_epoch = $2::int and (account_id, native_id) <> ($8, $3)
     returning id`,
    [
      promotion.id,
      promotion.seenEpoch,
      promotion.nativeId,
      promotion.zone ?? null,
      jsonText(promotion.dna),
      promotion.dnaHash,
      promotion.at.toISOString(),
      promotion.accountId,
    ],
  )
  if (swappedRows.length > 0) return true
  const already = await sql.rows('select id from resources where id = $1 and native_id = $2 and account_id = $3', [
    promotion.id,
    promotion.nativeId,
    promotion.accountId,
  ])
  return already.length > 0
}

const toColumns = ({ hold, ...resource }: Resource) => ({
  id: resource.id,
  projectId: resource.projectId,
  accountId: resource.accountId,
  name: resource.name,
  nativeId: resource.nativeId,
  dnaHash: resource.dnaHash,
  dnaAt: resource.dnaAt,
  status: resource.status,
  primaryEpoch: resource.primaryEpoch,
  createdAt: resource.createdAt,
  updatedAt: resource.updatedAt,
  version: resource.version,
  zone: resource.zone ?? null,
  labels: jsonColumn(resource.labels),
  dna: jsonColumn(resource.dna),
  traffic: optionalJsonColumn(resource.traffic),
  tier: optionalJsonColumn(resource.tier),
  holdReason: hold?.reason ?? null,
  holdBy: hold?.by ?? null,
  holdUntil: hold?.until ?? null,
})

function toDomain(row: ResourceRow): Resource
function toDomain(row: ResourceRow | null): Resource | undefined
function toDomain(row: ResourceRow | null): Resource | undefined {
  if (row === null) return undefined
  return {
    id: row.id,
    projectId: row.projectId,
    accountId: row.accountId,
    name: row.name,
    nativeId: row.nativeId,
    zone: optional(row.zone),
    // The JSON columns were written from the same types.
    labels: row.labels as Resource['labels'],
    dna: row.dna as unknown as Resource['dna'],
    dnaHash: row.dnaHash,
    dnaAt: row.dnaAt,
    traffic: optional(row.traffic) as Resource['traffic'],
    tier: toTier(row.tier),
    status: row.status as Resource['status'], // checked by the table
    hold: toHold(row),
    ...unplacedIn(row),
    primaryEpoch: row.primaryEpoch,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    version: row.version,
  }
}

/** JSON leaves out what is undefined; the type names it. */
const toTier = (tier: Prisma.JsonValue): Resource['tier'] =>
  tier === null ? undefined : { instanceType: undefined, ...(tier as unknown as Omit<NonNullable<Resource['tier']>, 'instanceType'>) }

/** Written from the same type; JSON has texts for its moments. */
function unplacedIn({ unplaced }: ResourceRow): Pick<Resource, 'unplaced'> {
  if (unplaced === null) return {}
  const stored = unplaced as unknown as readonly (Omit<NonNullable<Resource['unplaced']>[number], 'since'> & { readonly since: string })[]
  return { unplaced: stored.map((one) => ({ ...one, since: new Date(one.since) })) }
}

function toHold(row: ResourceRow): Hold | undefined {
  const { holdReason, holdBy, holdUntil } = row
  return holdReason === null || holdBy === null || holdUntil === null ? undefined : { reason: holdReason, by: holdBy, until: holdUntil }
}
