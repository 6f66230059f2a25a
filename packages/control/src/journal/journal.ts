import type { Json } from '@understudy/core'

/** One line of the audit trail. Rows of a project form a hash chain: `hash` covers the row and `previousHash`. */
export interface AuditEntry {
  readonly sequence: number
  readonly projectId: string
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly operationId: string | undefined
  readonly details: Json
  readonly previousHash: string
  readonly hash: string
}
export interface NewAuditEntry {
  readonly projectId: string
  readonly at: Date
  readonly actor: string
  /** `<room>.<verb>` for our own changes, `<capability>.<verb>` for changes in a cloud. */
  readonly action: string
  readonly target: string
  readonly operationId?: string
  readonly details?: Json
  /** A second entry with the same key in one project is left out. */
  readonly deduplicationKey?: string
}

/** Something that happened, for people's own systems. Rendered as a CloudEvent. */
export interface DomainEvent {
  /** Grows over all projects; the resume point of the stream. */
  readonly sequence: number
  readonly id: string
  readonly projectId: string
  /** `io.understudy.<room>.<past_tense>.v1` */
  readonly type: string
  /** What it is about: `operations/op_…` */
  readonly subject: string
  readonly at: Date
  /** For deadlines. */
  readonly expiresAt: Date | undefined
  readonly data: Json
}
export type NewDomainEvent = Omit<DomainEvent, 'sequence' | 'expiresAt'> & { readonly expiresAt?: Date }

/** A message to ourselves, written in the transaction of the change it follows from, and delivered at least once. */
export interface OutboxMessage {
  readonly id: string
  /** Name of a job of the queue's catalogue. */
  readonly topic: string
  /** Equal keys that wait together are delivered once. */
  readonly key: string
  readonly payload: Json
  /** 1 is the most urgent. */
  readonly priority: number
  readonly createdAt: Date
}
