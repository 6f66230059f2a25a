import type { Delivery, WebhookStore } from '@understudy/control'
import type { Prisma } from './generated/client.ts'
import { optional } from './rows.ts'
import type { Sql } from './sql.ts'
import { jsonText } from './stored-json.ts'

type DeliveryMethods = 'insertDeliveries' | 'updateDelivery' | 'findDelivery' | 'listDeliveries'

/** The part of `WebhookStore` that deals with single deliveries. */
export function deliveryStore(db: Prisma.TransactionClient, sql: Sql): Pick<WebhookStore, DeliveryMethods> {
  return {
    async insertDeliveries(deliveries) {
      if (deliveries.length > 0) await sql.rows(insertStatement, [jsonText(deliveries)])
    },
    async updateDelivery(delivery) {
      // Its endpoint may have been deleted meanwhile, and the delivery with it. The lease ends with the attempt.
      await db.webhookDelivery.updateMany({
        where: { id: delivery.id },
        data: {
          status: delivery.status,
          attempts: delivery.attempts,
          nextAttemptAt: delivery.nextAttemptAt ?? null,
          lastStatusCode: delivery.lastStatusCode ?? null,
          lastError: delivery.lastError ?? null,
          finishedAt: delivery.finishedAt ?? null,
          body: delivery.body,
          leasedUntil: null,
        },
      })
    },
    async findDelivery(projectId, id) {
      const [row] = await sql.rows<DeliveryRow>(`select ${columns} from webhook_deliveries where id = $2 and project_id = $1`, [projectId, id])
      return row === undefined ? undefined : toDomain(row)
    },
    async listDeliveries(projectId, { after, limit, endpointId, status }) {
      const rows = await sql.rows<DeliveryRow>(
        `select ${columns} from webhook_deliveries
         where project_id = $1 and ($3::text is null or endpoint_id = $3) and ($4::text is null or status = $4)
           and ($2::text is null or (created_at, id) < (select created_at, id from webhook_deliveries where id = $2 and project_id = $1))
         order by created_at desc, id desc limit $5`,
        [projectId, after ?? null, endpointId ?? null, status ?? null, limit],
      )
      return rows.map((row) => toDomain(row))
    },
  }
}

/** Takes what is due, the longest due first, for `leaseMs`; the same delivery never to two callers at once. */
export async function claimDue(sql: Sql, { at, limit, leaseMs }: Parameters<WebhookStore['claimDue']>[0]): Promise<readonly Delivery[]> {
  const rows = await sql.rows<DeliveryRow>(
    `with due as (
       select id as due_id, next_attempt_at as due_at from webhook_deliveries
       where status = 'pending' and next_attempt_at <= $2::timestamptz and (leased_until is null or leased_until <= $2::timestamptz)
       order by next_attempt_at, id limit $1 for update skip locked
     ), leased as (
       update webhook_deliveries set leased_until = $3::timestamptz from due where id = due_id returning ${columns}
     )
     select * from leased order by next_attempt_at, id`,
    [limit, at.toISOString(), new Date(at.getTime() + leaseMs).toISOString()],
  )
  return rows.map((row) => toDomain(row))
}

const columns =
  'id, project_id, endpoint_id, event_id, event_type, status, attempts, next_attempt_at, last_status_code, last_error, created_at, finished_at, body'

const insertStatement = `
  insert into webhook_deliveries (${columns})
  select id, "projectId", "endpointId", "eventId", "eventType", status, attempts, "nextAttemptAt", "lastStatusCode", "lastError", "createdAt", "finishedAt",
    body
  from jsonb_to_recordset($1::jsonb) as new(id text, "projectId" text, "endpointId" text, "eventId" text, "eventType" text, status text, attempts int,
    "nextAttemptAt" timestamptz, "lastStatusCode" int, "lastError" text, "createdAt" timestamptz, "finishedAt" timestamptz, body text)
  order by "endpointId", "eventId"
  on conflict (endpoint_id, event_id) do nothing`

interface DeliveryRow {
  readonly id: string
  readonly project_id: string
  readonly endpoint_id: string
  readonly event_id: string
  readonly event_type: string
  readonly status: string
  readonly attempts: number
  readonly next_attempt_at: Date | null
  readonly last_status_code: number | null
  readonly last_error: string | null
  readonly created_at: Date
  readonly finished_at: Date | null
  readonly body: string
}

const toDomain = (row: DeliveryRow): Delivery => ({
  id: row.id,
  projectId: row.project_id,
  endpointId: row.endpoint_id,
  eventId: row.event_id,
  eventType: row.event_type,
  status: row.status as Delivery['status'], // checked by the table
  attempts: row.attempts,
  nextAttemptAt: optional(row.next_attempt_at),
  lastStatusCode: optional(row.last_status_code),
  lastError: optional(row.last_error),
  createdAt: row.created_at,
  finishedAt: optional(row.finished_at),
  body: row.body,
})
