import { contentHash } from '@understudy/core'
import type { AuditEntry, NewAuditEntry } from './journal.ts'

/** What the first entry of a project names as its predecessor's hash. */
export const genesisHash = '0'.repeat(64)

type Chainable = Pick<NewAuditEntry, 'projectId' | 'at' | 'actor' | 'action' | 'target' | 'details'> & { readonly operationId?: string | undefined }
type Chained<Entry> = Entry & { readonly previousHash: string; readonly hash: string }

/**
 * Hash of one entry on top of its predecessor's. The sequence is not in it: the chain itself is the order, and the database
 * may number entries only when they are inserted.
 */
export const auditHash = (previousHash: string, entry: Chainable): string =>
  contentHash({
    previousHash,
    projectId: entry.projectId,
    at: entry.at,
    actor: entry.actor,
    action: entry.action,
    target: entry.target,
    operationId: entry.operationId ?? null,
    details: entry.details ?? null,
  })

/** Links entries of one project, in their order, to the entry whose hash is `previousHash`. */
export function chainAudit<Entry extends Chainable>(previousHash: string, entries: readonly Entry[]): readonly Chained<Entry>[] {
  let previous = previousHash
  return entries.map((entry) => {
    const hash = auditHash(previous, entry)
    const chained = { ...entry, previousHash: previous, hash }
    previous = hash
    return chained
  })
}

/** Recomputes a piece of the chain. Answers the hash to go on with, or the first entry that does not fit. */
export function checkChain(
  previousHash: string,
  entries: readonly AuditEntry[],
): { readonly ok: true; readonly hash: string } | { readonly ok: false; readonly brokenAt: AuditEntry } {
  let previous = previousHash
  for (const entry of entries) {
    if (entry.previousHash !== previous || entry.hash !== auditHash(previous, entry)) return { ok: false, brokenAt: entry }
    previous = entry.hash
  }
  return { ok: true, hash: previous }
}
