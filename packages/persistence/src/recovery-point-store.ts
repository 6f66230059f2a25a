import type { DatabasePosition, Manifest, PointDigests, PointSpace, RecoveryPoint, RecoveryPointStore, PointVerification } from '@understudy/control'
import { AppError } from '@understudy/core'
import { sqlState } from './database-errors.ts'
import type { Prisma, RecoveryPoint as RecoveryPointRow } from './generated/client.ts'
import { recoverySpace } from './recovery-space.ts'
import { behind, newestFirst, optional, swapped } from './rows.ts'
import type { Sql } from './sql.ts'
import { optionalJsonColumn } from './stored-json.ts'

/** A manifest holds a whole definition: lists go without. */
type Listed = Omit<RecoveryPointRow, 'manifest'> & { readonly manifest?: RecoveryPointRow['manifest'] }
const withoutManifest = { manifest: true } as const

export function recoveryPointStore(db: Prisma.TransactionClient, sql: Sql): RecoveryPointStore {
  return {
    async insert(point) {
      await db.recoveryPoint.create({ data: { ...toColumns(point), ...spaceColumns(point) } })
    },
    find: async (projectId, id) => toDomain(await db.recoveryPoint.findFirst({ where: { id, projectId } })),
    findById: async (id) => toDomain(await db.recoveryPoint.findUnique({ where: { id } })),
    async list(projectId, { after, limit, resourceId, status }) {
      const last =
        after === undefined ? null : await db.recoveryPoint.findFirst({ where: { id: after, projectId }, select: { id: true, createdAt: true } })
      const rows: Listed[] = await db.recoveryPoint.findMany({
        where: {
          projectId,
          ...(resourceId === undefined ? {} : { resourceId }),
          ...(status === undefined ? {} : { status }),
          ...behind(last),
        },
        omit: withoutManifest,
        orderBy: newestFirst,
        take: limit,
      })
      return rows.map((row) => toDomain(row))
    },
    ...recoverySpace(sql),
    async holdsAnything(accountId) {
      const kept = await db.recoveryPoint.findFirst({
        where: { accountId, status: { in: ['capturing', 'usable', 'purging'] } },
        select: { id: true },
      })
      return kept !== null
    },
    async chain(resourceId, { to, limit }) {
      const rows = await db.recoveryPoint.findMany({
        where: { resourceId, sequence: to === undefined ? { not: null } : { lte: to } },
        orderBy: { sequence: 'desc' },
        take: limit,
      })
      return rows.map((row) => toDomain(row))
    },
    async listDue(at, limit) {
      const rows: Listed[] = await db.recoveryPoint.findMany({
        where: {
          purgeTime: { lte: at },
          status: { in: ['usable', 'failed'] },
          OR: [{ lockedUntil: null }, { lockedUntil: { lte: at } }],
        },
        omit: withoutManifest,
        orderBy: [{ purgeTime: 'asc' }, { id: 'asc' }],
        take: limit,
      })
      return rows.map((row) => toDomain(row))
    },
    listAbandoned: (limit) => listAbandoned(db, limit),
    async update(point, seenVersion) {
      const { id, projectId, resourceId: _r, accountId: _a, createdAt: _c, manifest, ...changes } = toColumns(point)
      const { count } = await unlessTaken(
        db.recoveryPoint.updateMany({
          where: { id, projectId, version: seenVersion },
          // Sealed once. One that was read without its manifest keeps it.
          data: { ...changes, ...(point.manifest === undefined ? {} : { manifest }), version: seenVersion + 1 },
        }),
      )
      await swapped(count, 'recovery point', () => db.recoveryPoint.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
  }
}

async function listAbandoned(db: Prisma.TransactionClient, limit: number): Promise<readonly RecoveryPoint[]> {
  const rows: Listed[] = await db.recoveryPoint.findMany({
    where: { status: 'capturing' },
    omit: withoutManifest,
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    take: limit,
  })
  const ended = await db.operation.findMany({
    where: { id: { in: rows.flatMap(({ operationId }) => operationId ?? []) }, status: { in: ['succeeded', 'failed', 'cancelled'] } },
    select: { id: true },
  })
  const ids = new Set(ended.map(({ id }) => id))
  return rows.filter(({ operationId }) => ids.has(operationId ?? '')).map((row) => toDomain(row))
}

const uniqueViolation = '23505'

async function unlessTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (sqlState(error) !== uniqueViolation) throw error
    throw new AppError('conflict', 'Another recovery point of this resource was sealed at the same moment.', { cause: error })
  }
}

const toColumns = (point: RecoveryPoint) => ({
  id: point.id,
  projectId: point.projectId,
  resourceId: point.resourceId,
  accountId: point.accountId,
  status: point.status,
  reason: point.reason,
  requestedBy: point.requestedBy,
  createdAt: point.createdAt,
  updatedAt: point.updatedAt,
  version: point.version,
  database: optionalJsonColumn(point.database),
  manifest: optionalJsonColumn(point.manifest),
  verification: optionalJsonColumn(point.verification),
  digests: optionalJsonColumn(point.digests),
  sequence: point.sequence ?? null,
  manifestHash: point.manifestHash ?? null,
  capturedAt: point.capturedAt ?? null,
  lockedUntil: point.lockedUntil ?? null,
  deleteTime: point.deleteTime ?? null,
  purgeTime: point.purgeTime ?? null,
  operationId: point.operationId ?? null,
  lastError: point.lastError ?? null,
})

function toDomain(row: Listed): RecoveryPoint
function toDomain(row: Listed | null): RecoveryPoint | undefined
function toDomain(row: Listed | null): RecoveryPoint | undefined {
  if (row === null) return undefined
  return {
    id: row.id,
    projectId: row.projectId,
    resourceId: row.resourceId,
    accountId: row.accountId,
    status: row.status as RecoveryPoint['status'], // checked by the table
    reason: row.reason,
    requestedBy: row.requestedBy,
    // Written from the same types. Whether a manifest is still what was written is what its hash is for.
    database: optional(row.database as DatabasePosition | null),
    manifest: optional((row.manifest ?? null) as Manifest | null),
    verification: optional(row.verification as PointVerification | null),
    digests: optional(row.digests as PointDigests | null),
    ...spaceIn(row),
    sequence: optional(row.sequence),
    manifestHash: optional(row.manifestHash),
    capturedAt: optional(row.capturedAt),
    lockedUntil: optional(row.lockedUntil),
    deleteTime: optional(row.deleteTime),
    purgeTime: optional(row.purgeTime),
    operationId: optional(row.operationId),
    lastError: optional(row.lastError),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    version: row.version,
  }
}

/** Written by `setSpace` from then on: room is learned beside everything else. */
const spaceColumns = ({ space }: RecoveryPoint) => ({
  usedBytes: space?.usedBytes ?? null,
  fullBytes: space?.fullBytes ?? null,
  spaceBasis: space?.basis ?? null,
})

const spaceIn = ({ usedBytes, fullBytes, spaceBasis }: Listed): Pick<RecoveryPoint, 'space'> =>
  usedBytes === null && fullBytes === null
    ? {}
    : {
        // The table checks what it is.
        space: { usedBytes: bytesIn(usedBytes), fullBytes: bytesIn(fullBytes), basis: optional(spaceBasis) as PointSpace['basis'] },
      }
const bytesIn = (column: bigint | null): number | undefined => (column === null ? undefined : Number(column))
