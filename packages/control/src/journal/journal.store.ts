import type { AuditEntry, DomainEvent, NewAuditEntry, NewDomainEvent, OutboxMessage } from './journal.ts'

export interface AuditStore {
  /** Chains and inserts. Concurrent appends to one project wait for each other. */
  append(entries: readonly NewAuditEntry[]): Promise<void>
  /** In order of sequence. */
  list(
    projectId: string,
    page: { readonly after: number; readonly limit: number; readonly target?: string; readonly operationId?: string },
  ): Promise<readonly AuditEntry[]>
}

export interface EventStore {
  append(events: readonly NewDomainEvent[]): Promise<void>
  /** In order of sequence; only rows of committed transactions with no older one still in flight, so that a reader never skips any. */
  listAfter(
    sequence: number,
    options: { readonly projectId?: string; readonly limit: number; readonly types?: readonly string[] },
  ): Promise<readonly DomainEvent[]>
  lastSequence(): Promise<number>
}

export interface OutboxStore {
  append(messages: readonly OutboxMessage[]): Promise<void>
  /** Takes up to `limit` waiting messages, most urgent first, for `leaseMs`; the same row never to two callers at once. */
  claim(options: { readonly limit: number; readonly at: Date; readonly leaseMs: number }): Promise<readonly OutboxMessage[]>
  remove(ids: readonly string[]): Promise<void>
  /** Age of the oldest waiting message in milliseconds, 0 when none waits. */
  oldestAgeMs(at: Date): Promise<number>
}
