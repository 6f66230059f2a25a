import { describe, expect, test } from 'vitest'
import { chainAudit, checkChain, genesisHash } from './chain.ts'
import type { AuditEntry } from './journal.ts'

const entry = (sequence: number, overrides: Partial<AuditEntry> = {}) => ({
  sequence,
  projectId: 'prj_1',
  at: new Date(1_700_000_000_000 + sequence),
  actor: 'key:key_1',
  action: 'accounts.created',
  target: `acc_${sequence}`,
  operationId: undefined,
  details: { name: 'a', nested: { b: 1, a: [true, null] } },
  ...overrides,
})
const chained = (): AuditEntry[] => chainAudit(genesisHash, [entry(1), entry(2), entry(3), entry(4)]).map((link) => link)

describe('the audit chain', () => {
  test('fits when nothing was changed, in one piece or in several', () => {
    const entries = chained()
    expect(checkChain(genesisHash, entries)).toEqual({ ok: true, hash: entries[3]?.hash })
    const first = checkChain(genesisHash, entries.slice(0, 2))
    expect(first.ok && checkChain(first.hash, entries.slice(2))).toEqual({ ok: true, hash: entries[3]?.hash })
  })
  test('does not depend on the order of keys, nor on whether a missing member is absent, undefined or null', () => {
    const { details: _details, operationId: _operationId, ...bare } = entry(1)
    const [one] = chainAudit(genesisHash, [{ ...bare, details: { a: 1, b: undefined } }])
    const [other] = chainAudit(genesisHash, [{ ...bare, operationId: undefined, details: { b: undefined, a: 1 } }])
    expect(one?.hash).toBe(other?.hash)
    expect(chainAudit(genesisHash, [bare])[0]?.hash).toBe(chainAudit(genesisHash, [{ ...bare, details: null }])[0]?.hash)
  })
  test.each<[string, Partial<AuditEntry>]>([
    ['the actor', { actor: 'key:key_2' }],
    ['the action', { action: 'accounts.deleted' }],
    ['the target', { target: 'acc_9' }],
    ['the time', { at: new Date(0) }],
    ['the project', { projectId: 'prj_2' }],
    ['the operation', { operationId: 'op_1' }],
    ['the details', { details: { name: 'b' } }],
    ['the hash', { hash: 'f'.repeat(64) }],
    ['the link', { previousHash: 'f'.repeat(64) }],
  ])('breaks where %s was changed', (_what, change) => {
    const entries = chained()
    entries[2] = { ...entry(3), ...entries[2], ...change } as AuditEntry
    const result = checkChain(genesisHash, entries)
    expect(!result.ok && result.brokenAt.sequence).toBe(3)
  })
  test('breaks behind an entry that was removed, inserted or moved', () => {
    const [first, second, third, fourth] = chained() as [AuditEntry, AuditEntry, AuditEntry, AuditEntry]
    const brokenAt = (entries: readonly AuditEntry[]): unknown => {
      const result = checkChain(genesisHash, entries)
      return result.ok ? 'fits' : result.brokenAt.target
    }
    expect(brokenAt([first, third, fourth])).toBe('acc_3')
    expect(brokenAt([second, third, fourth])).toBe('acc_2')
    expect(brokenAt([first, third, second, fourth])).toBe('acc_3')
    expect(brokenAt([first, second, second, third, fourth])).toBe('acc_2')
    expect(brokenAt([first, second, third])).toBe('fits')
  })
})
