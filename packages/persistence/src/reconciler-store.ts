import type { ReconcilerStore } from '@understudy/control'
import type { Json } from '@understudy/core'
import type { Prisma } from './generated/client.ts'
import { optional } from './rows.ts'
import type { Sql } from './sql.ts'
import { jsonColumn } from './stored-json.ts'

export function reconcilerStore(db: Prisma.TransactionClient, sql: Sql): ReconcilerStore {
  return {
    async take(name, runner, at, until) {
      const taken = await sql.rows(
        `insert into reconciler_runs (name, runner, taken_until) values ($1, $2, $4::timestamptz)
         on conflict (name) do update set runner = excluded.runner, taken_until = excluded.taken_until
           where reconciler_runs.taken_until is null or reconciler_runs.taken_until <= $3::timestamptz or reconciler_runs.runner = excluded.runner
         returning name`,
        [name, runner, at.toISOString(), until.toISOString()],
      )
      return taken.length > 0
    },
    async record(run) {
      const columns = {
        name: run.name,
        lastRunAt: run.lastRunAt,
        lastSuccessAt: run.lastSuccessAt ?? null,
        lastError: run.lastError ?? null,
        nextRunAt: run.nextRunAt,
        result: jsonColumn(run.result),
      }
      await db.reconcilerRun.upsert({ where: { name: run.name }, create: columns, update: columns })
    },
    async list() {
      const rows = await db.reconcilerRun.findMany({ orderBy: { name: 'asc' } })
      // One that was taken for the first time and has not ended has nothing to show yet.
      return rows.flatMap(({ lastRunAt, nextRunAt, ...row }) =>
        lastRunAt === null || nextRunAt === null
          ? []
          : [
              {
                name: row.name,
                lastRunAt,
                lastSuccessAt: optional(row.lastSuccessAt),
                lastError: optional(row.lastError),
                nextRunAt,
                result: row.result as Json,
              },
            ],
      )
    },
  }
}
