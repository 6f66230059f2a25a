import { now } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'

export interface Change {
  readonly projectId: string
  readonly actor: string
  /** Room and past tense: `accounts.created`. The audit row's action, and the middle of the event's type. */
  readonly what: `${string}.${string}`
  /** Collection and id: `accounts/acc_…`. */
  readonly subject: `${string}/${string}`
  readonly operationId?: string
  /** For other people's systems; never holds a secret. */
  readonly data?: { readonly [key: string]: Json | undefined }
  readonly expiresAt?: Date
  /** An audit row with the same key in the project is written once. */
  readonly deduplicationKey?: string
}

/** Writes the audit row and the domain event of one change; called in the transaction that makes it. */
export async function recordChange(control: Pick<Control, 'clock' | 'ids'>, stores: Pick<Stores, 'audit' | 'events'>, change: Change): Promise<void> {
  const at = now(control.clock)
  const id = change.subject.slice(change.subject.indexOf('/') + 1)
  await stores.audit.append([
    {
      projectId: change.projectId,
      at,
      actor: change.actor,
      action: change.what,
      target: id,
      details: change.data ?? {},
      ...(change.operationId === undefined ? {} : { operationId: change.operationId }),
      ...(change.deduplicationKey === undefined ? {} : { deduplicationKey: change.deduplicationKey }),
    },
  ])
  await stores.events.append([
    {
      id: control.ids.next('event'),
      projectId: change.projectId,
      type: `io.understudy.${change.what}.v1`,
      subject: change.subject,
      at,
      data: { id, ...(change.operationId === undefined ? {} : { operationId: change.operationId }), ...change.data },
      ...(change.expiresAt === undefined ? {} : { expiresAt: change.expiresAt }),
    },
  ])
}
