import type { Transition, TransitionCheck, TransitionStore } from '@understudy/control'
import type { Prisma, Transition as TransitionRow } from './generated/client.ts'
import { optional, swapped } from './rows.ts'
import { toSignal } from './signal-store.ts'
import type { Sql } from './sql.ts'
import { optionalJsonColumn } from './stored-json.ts'

const open = ['announced', 'prepared', 'started']

export function transitionStore(db: Prisma.TransactionClient, sql: Sql): TransitionStore {
  return {
    async insert(transition) {
      await db.transition.create({ data: toColumns(transition) })
    },
    find: async (projectId, id) => toDomain(await db.transition.findFirst({ where: { id, projectId } })),
    findById: async (id) => toDomain(await db.transition.findUnique({ where: { id } })),
    async list(projectId, { after, limit, resourceId, status }) {
      const last = after === undefined ? null : await db.transition.findFirst({ where: { id: after, projectId }, select: { startsAt: true } })
      const rows = await db.transition.findMany({
        where: {
          projectId,
          ...(resourceId === undefined ? {} : { resourceId }),
          ...(status === undefined ? {} : { status }),
          ...(last === null || after === undefined
            ? {}
            : { OR: [{ startsAt: { gt: last.startsAt } }, { startsAt: last.startsAt, id: { gt: after } }] }),
        },
        orderBy: [{ startsAt: 'asc' }, { id: 'asc' }],
        take: limit,
      })
      return rows.map((row) => toDomain(row))
    },
    async listOpen(limit) {
      const picked = await sql.rows<{ id: string }>(
        `select id from transitions
         where status in ('announced', 'prepared', 'started') or (status = 'damaged' and "check" -> 'automatic' is null) or lent_tier
         order by starts_at, id limit $1`,
        [limit],
      )
      const rows = await db.transition.findMany({ where: { id: { in: picked.map(({ id }) => id) } }, orderBy: [{ startsAt: 'asc' }, { id: 'asc' }] })
      // It may have come to its end since.
      return rows.map((row) => toDomain(row)).filter((transition) => isOpen(transition))
    },
    async findAnnounced(nativeId, resourceId, effect, { begun = false } = {}) {
      const status = { in: begun ? open : open.slice(0, 2) }
      // What has not begun is the one that begins.
      return toDomain(await db.transition.findFirst({ where: { nativeId, resourceId, effect, source: 'cloud', status }, orderBy: { status: 'asc' } }))
    },
    async endings(ids) {
      const rows = await sql.rows<{ id: string; completed: boolean; signalId: string; at: Date }>(endingsStatement, [[...ids]])
      return new Map(rows.map(({ id, completed, signalId, at }) => [id, { phase: completed ? 'completed' : 'cancelled', signalId, at } as const]))
    },
    async unadopted(since, limit) {
      const picked = await sql.rows<{ id: string }>(
        `select id from signals
         where kind = 'maintenance' and phase in ('announced', 'started') and ended_by is null
           and resource_id is not null and outcome <> 'late' and received_at > $1::timestamptz
           and not exists (select 1 from transitions where transitions.resource_id = signals.resource_id and signals.id = any(signal_ids))
         order by received_at, id limit $2`,
        [since.toISOString(), limit],
      )
      const rows = await db.signal.findMany({ where: { id: { in: picked.map(({ id }) => id) } }, orderBy: [{ receivedAt: 'asc' }, { id: 'asc' }] })
      // It may have been ended since.
      return rows.map((row) => toSignal(row)).filter(({ endedBy }) => endedBy === undefined)
    },
    async update(transition, seenVersion) {
      const { id, projectId, createdAt: _c, ...changes } = toColumns(transition)
      const { count } = await db.transition.updateMany({
        where: { id, projectId, version: seenVersion },
        data: { ...changes, version: seenVersion + 1 },
      })
      await swapped(count, 'transition', () => db.transition.findFirst({ where: { id, projectId }, select: { id: true } }))
    },
  }
}

const isOpen = ({ status, check, lentTier }: Transition): boolean =>
  open.includes(status) || (status === 'damaged' && check?.automatic === undefined) || lentTier

const endingsStatement = `
  select transitions.id, bool_or(words.phase = 'completed') as completed, max(words.observed_at) as at,
    (array_agg(words.id order by words.observed_at desc, words.id desc))[1] as "signalId"
  from transitions
  join signals announcements on announcements.id = any(transitions.signal_ids) and announcements.phase in ('announced', 'started')
  left join signals words on words.id = announcements.ended_by
  where transitions.id = any($1::text[])
  group by transitions.id having bool_and(words.id is not null)`

const toColumns = (transition: Transition) => ({
  ...transition,
  signalIds: [...transition.signalIds],
  estimatedSeconds: transition.estimatedSeconds ?? null,
  postponeUntil: transition.postponeUntil ?? null,
  pointId: transition.pointId ?? null,
  operationId: transition.operationId ?? null,
  check: optionalJsonColumn(transition.check),
})

function toDomain(row: TransitionRow): Transition
function toDomain(row: TransitionRow | null): Transition | undefined
function toDomain(row: TransitionRow | null): Transition | undefined {
  if (row === null) return undefined
  return {
    ...row,
    // Written from the same types; the table checks source and status.
    source: row.source as Transition['source'],
    effect: row.effect as Transition['effect'],
    status: row.status as Transition['status'],
    check: optional(row.check as TransitionCheck | null),
    estimatedSeconds: optional(row.estimatedSeconds),
    postponeUntil: optional(row.postponeUntil),
    pointId: optional(row.pointId),
    operationId: optional(row.operationId),
  }
}
