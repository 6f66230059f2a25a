import type { AuditStore, EventStore, NewAuditEntry, NewDomainEvent } from '@understudy/control'
import { appendAudit } from './audit-store.ts'
import { appendEvents } from './event-store.ts'
import type { Sql } from './sql.ts'

/** What a change leaves behind: its audit rows and its events. */
export interface Journal {
  readonly audit: AuditStore['append']
  readonly events: EventStore['append']
  /** Writes what waits. */
  settle(): Promise<void>
}

/** Each append is a transaction of its own. `runInTransaction` gives it one. */
export const immediateJournal = (runInTransaction: (work: (sql: Sql) => Promise<void>) => Promise<void>): Journal => ({
  audit: (entries) => runInTransaction((sql) => appendAudit(sql, entries)),
  events: (events) => runInTransaction((sql) => appendEvents(sql, events, { once: false })),
  settle: async () => undefined,
})

/**
 * Inside a transaction both wait until the work is done. The end of a project's audit chain is locked for the shortest time, after every
 * other lock, whatever the order in which the work touches things; readers of the event stream wait as short; and many small changes go
 * in two statements. What was appended in a transaction cannot be listed in it.
 */
export function deferredJournal(sql: Sql): Journal {
  const audit: NewAuditEntry[] = []
  const events: NewDomainEvent[] = []
  return {
    audit: async (entries) => void audit.push(...entries),
    events: async (added) => void events.push(...added),
    async settle() {
      await appendEvents(sql, events, { once: false })
      await appendAudit(sql, audit)
    },
  }
}
