import type { RecoveryPoint, RecoveryScheduleStore } from '@understudy/control'
import type { Prisma } from './generated/client.ts'
import { optional } from './rows.ts'
import type { Sql } from './sql.ts'

export function recoveryScheduleStore(db: Prisma.TransactionClient, sql: Sql): RecoveryScheduleStore {
  return {
    async states(resourceIds) {
      const rows = await db.recoverySchedule.findMany({ where: { resourceId: { in: [...resourceIds] } } })
      const points = await db.recoveryPoint.findMany({
        where: { id: { in: rows.map(({ pointId }) => pointId) } },
        select: { id: true, status: true },
      })
      const statusOf = new Map(points.map(({ id, status }) => [id, status as RecoveryPoint['status']])) // checked by the table
      return new Map(rows.map((row) => [row.resourceId, { ...row, pointStatus: statusOf.get(row.pointId) }]))
    },
    async put(state) {
      await db.recoverySchedule.upsert({ where: { resourceId: state.resourceId }, create: state, update: state })
    },
    async keptPoints(resourceIds) {
      const rows = await db.recoveryPoint.findMany({
        where: { resourceId: { in: [...resourceIds] }, status: 'usable', deleteTime: null },
        select: { id: true, resourceId: true, capturedAt: true, lockedUntil: true, requestedBy: true },
      })
      return rows.map((row) => ({
        ...row,
        capturedAt: optional(row.capturedAt),
        lockedUntil: optional(row.lockedUntil),
        ...({ status: 'usable', deleteTime: undefined } as const),
      }))
    },
    async inUse(pointIds, { exceptOperation = '' } = {}) {
      const rows = await sql.rows<{ id: string }>(
        `select distinct point.id from unnest($1::text[]) point(id)
         join operations on status in ('pending', 'running', 'undoing', 'stuck') and operations.id <> $2
           and point.id in (params ->> 'pointId', params ->> 'safetyPointId', params ->> 'recoveryPointId')
         union
         select point_id from transitions where point_id = any($1::text[])
           and (status in ('announced', 'prepared', 'started') or (status = 'damaged' and "check" -> 'automatic' is null))`,
        [[...pointIds], exceptOperation],
      )
      return new Set(rows.map(({ id }) => id))
    },
    async projects() {
      const rows = await db.rollbackPolicy.findMany({ where: { deleteTime: null }, distinct: ['projectId'], select: { projectId: true } })
      return rows.map(({ projectId }) => projectId)
    },
  }
}
