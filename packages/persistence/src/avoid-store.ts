import type { AvoidedOffering, AvoidStore } from '@understudy/control'
import type { AvoidedOffering as AvoidedRow, Prisma } from './generated/client.ts'
import type { Sql } from './sql.ts'

/** An absent field means "any" and is an empty text in the table: a key column cannot be null. */
export function avoidStore(db: Prisma.TransactionClient, sql: Sql): AvoidStore {
  return {
    async remember(offering) {
      await sql.rows(
        `insert into avoided_offerings (account_id, instance_type, zone, purchase, reason, avoided_until)
         values ($1, $2, $3, $4, $5, $6::timestamptz)
         on conflict (account_id, instance_type, zone, purchase) do update
           set reason = excluded.reason, avoided_until = excluded.avoided_until
           where avoided_offerings.avoided_until < excluded.avoided_until`,
        [
          offering.accountId,
          offering.instanceType ?? '',
          offering.zone ?? '',
          offering.purchase ?? '',
          offering.reason,
          offering.until.toISOString(),
        ],
      )
    },
    async list(accountId, at) {
      const rows = await db.avoidedOffering.findMany({
        where: { accountId, avoidedUntil: { gt: at } },
        orderBy: [{ instanceType: 'asc' }, { zone: 'asc' }, { purchase: 'asc' }],
      })
      return rows.map((row) => toDomain(row))
    },
  }
}

const toDomain = (row: AvoidedRow): AvoidedOffering => ({
  accountId: row.accountId,
  reason: row.reason,
  until: row.avoidedUntil,
  ...(row.instanceType === '' ? {} : { instanceType: row.instanceType }),
  ...(row.zone === '' ? {} : { zone: row.zone }),
  ...(row.purchase === '' ? {} : { purchase: row.purchase as NonNullable<AvoidedOffering['purchase']> }), // written from the same type
})
