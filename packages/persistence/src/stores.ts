import type { Stores } from '@understudy/control'
import { accessStore } from './access-store.ts'
import { accountStore } from './account-store.ts'
import { auditStore } from './audit-store.ts'
import { avoidStore } from './avoid-store.ts'
import { bootDataStore } from './boot-data-store.ts'
import { complianceStore } from './compliance-store.ts'
import { digestStore } from './digest-store.ts'
import { eventStore } from './event-store.ts'
import type { Prisma } from './generated/client.ts'
import { idempotencyStore } from './idempotency-store.ts'
import type { Journal } from './journal.ts'
import { operationStore } from './operation-store.ts'
import { outboxStore } from './outbox-store.ts'
import { reconcilerStore } from './reconciler-store.ts'
import { recoveryCopyStore } from './recovery-copy-store.ts'
import { recoveryPointStore } from './recovery-point-store.ts'
import { recoveryScheduleStore } from './recovery-schedule-store.ts'
import { rollbackPolicyStore } from './rollback-policy-store.ts'
import { resourceStore } from './resource-store.ts'
import { restoreDrillStore } from './restore-drill-store.ts'
import { restoredDiskStore } from './restored-disk-store.ts'
import { shadowStore } from './shadow-store.ts'
import { signalStore } from './signal-store.ts'
import { signingKeyStore } from './signing-key-store.ts'
import type { Sql } from './sql.ts'
import { transitionStore } from './transition-store.ts'
import { webhookStore } from './webhook-store.ts'

/** What is done around every call of a store, named `<store>.<method>`. */
export type Around = <T>(name: string, call: () => Promise<T>) => Promise<T>

export const storesOver = (db: Prisma.TransactionClient, sql: Sql, journal: Journal, around: Around): Stores => ({
  access: wrapped('access', accessStore(db), around),
  accounts: wrapped('accounts', accountStore(db), around),
  audit: wrapped('audit', auditStore(db, journal.audit), around),
  avoid: wrapped('avoid', avoidStore(db, sql), around),
  bootData: wrapped('bootData', bootDataStore(db), around),
  compliance: wrapped('compliance', complianceStore(sql), around),
  events: wrapped('events', eventStore(sql, journal.events), around),
  idempotency: wrapped('idempotency', idempotencyStore(db, sql), around),
  operations: wrapped('operations', operationStore(db, sql), around),
  outbox: wrapped('outbox', outboxStore(sql), around),
  reconcilers: wrapped('reconcilers', reconcilerStore(db, sql), around),
  recoveryCopies: wrapped('recoveryCopies', recoveryCopyStore(db, sql), around),
  recoveryDigests: wrapped('recoveryDigests', digestStore(db, sql), around),
  recoveryPoints: wrapped('recoveryPoints', recoveryPointStore(db, sql), around),
  recoverySchedules: wrapped('recoverySchedules', recoveryScheduleStore(db, sql), around),
  resources: wrapped('resources', resourceStore(db, sql), around),
  rollbackPolicies: wrapped('rollbackPolicies', rollbackPolicyStore(db), around),
  restoreDrills: wrapped('restoreDrills', restoreDrillStore(db), around),
  restoredDisks: wrapped('restoredDisks', restoredDiskStore(db), around),
  shadows: wrapped('shadows', shadowStore(db, sql), around),
  signals: wrapped('signals', signalStore(db, sql), around),
  transitions: wrapped('transitions', transitionStore(db, sql), around),
  signingKeys: wrapped('signingKeys', signingKeyStore(db), around),
  webhooks: wrapped('webhooks', webhookStore(db, sql), around),
})

type Method = (...parameters: never[]) => Promise<unknown>

/** The same store with `around` around every method. */
export function wrapped<Store extends { readonly [Name in keyof Store]: Method }>(name: string, store: Store, around: Around): Store {
  const methods = Object.entries<Method>(store).map(([method, call]) => [
    method,
    (...parameters: never[]) => around(`${name}.${method}`, () => call(...parameters)),
  ])
  return Object.fromEntries(methods) as Store // the same names, each with the parameters and the result it had
}
