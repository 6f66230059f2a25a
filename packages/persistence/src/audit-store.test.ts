import { checkChain, genesisHash } from '@understudy/control'
import type { NewAuditEntry } from '@understudy/control'
import { expect, test } from 'vitest'
import { later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const audit = () => connection.database.stores.audit
const everything = (projectId: string) => audit().list(projectId, { after: 0, limit: 10_000 })

const anEntry = (overrides: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  projectId: 'prj_audit',
  at: start,
  actor: 'key:key_a',
  action: 'resources.updated',
  target: 'res_1',
  ...overrides,
})

test('entries come back in their order, numbered from one, and can be picked by target and operation', async () => {
  await audit().append([
    anEntry({ projectId: 'prj_order', details: { name: 'web', ratio: 0.1 }, operationId: 'op_1' }),
    anEntry({ projectId: 'prj_order', at: later(1), target: 'res_2' }),
  ])
  const entries = await everything('prj_order')
  expect(entries).toMatchObject([
    {
      sequence: 1,
      at: start,
      actor: 'key:key_a',
      action: 'resources.updated',
      details: { name: 'web', ratio: 0.1 },
      operationId: 'op_1',
      previousHash: genesisHash,
    },
    { sequence: 2, at: later(1), target: 'res_2', details: null, operationId: undefined, previousHash: entries[0]?.hash },
  ])
  expect(await audit().list('prj_order', { after: 1, limit: 10 })).toEqual([entries[1]])
  expect(await audit().list('prj_order', { after: 0, limit: 10, target: 'res_2' })).toEqual([entries[1]])
  expect(await audit().list('prj_order', { after: 0, limit: 10, operationId: 'op_1' })).toEqual([entries[0]])
})

test('the chain of a project can be verified after many appended to it at once, through transactions and without', async () => {
  const { database } = connection
  const writers = Array.from({ length: 40 }, (_, index) => {
    const entries = [
      anEntry({ projectId: 'prj_chain', target: `res_${index}` }),
      anEntry({ projectId: `prj_chain_${index % 3}`, target: `res_${index}` }),
    ]
    return index % 2 === 0 ? audit().append(entries) : database.transaction((stores) => stores.audit.append(entries.toReversed()))
  })
  await Promise.all(writers)
  const entries = await everything('prj_chain')
  expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
  expect(checkChain(genesisHash, entries)).toMatchObject({ ok: true })
})

test('a changed entry breaks the chain', async () => {
  await audit().append([anEntry({ projectId: 'prj_forged' }), anEntry({ projectId: 'prj_forged' })])
  const client = await connection.client()
  await client.query('alter table audit_entries disable trigger audit_entries_append_only')
  await client.query("update audit_entries set actor = 'key:somebody_else' where project_id = 'prj_forged' and sequence = 1")
  await client.query('alter table audit_entries enable trigger audit_entries_append_only')
  expect(checkChain(genesisHash, await everything('prj_forged'))).toMatchObject({ ok: false, brokenAt: { sequence: 1 } })
})

test('a second entry with one key in one project is left out, in one call, in two, and at once', async () => {
  const keyed = (projectId: string) => anEntry({ projectId, deduplicationKey: 'step:traffic' })
  await audit().append([keyed('prj_once'), keyed('prj_once'), keyed('prj_once_b')])
  await Promise.all(Array.from({ length: 10 }, () => audit().append([keyed('prj_once'), keyed('prj_twice')])))
  expect(await everything('prj_once')).toHaveLength(1)
  expect(await everything('prj_once_b')).toHaveLength(1)
  const entries = await everything('prj_twice')
  expect(entries).toHaveLength(1)
  expect(checkChain(genesisHash, entries)).toMatchObject({ ok: true })
})

test('details that the database would store differently are hashed as they are stored', async () => {
  await audit().append([
    anEntry({ projectId: 'prj_odd', target: 'half \uD800', details: { text: 'nul \0', list: [1e21, -0, 5e-324, 12345678901234567000] } }),
  ])
  expect(checkChain(genesisHash, await everything('prj_odd'))).toMatchObject({ ok: true })
})

test('an entry of a transaction that fails is not there, and its number is not lost', async () => {
  const failing = connection.database.transaction(async (stores) => {
    await stores.audit.append([anEntry({ projectId: 'prj_undone' })])
    throw new Error('the change failed')
  })
  await expect(failing).rejects.toThrow('the change failed')
  await audit().append([anEntry({ projectId: 'prj_undone' })])
  expect(await everything('prj_undone')).toMatchObject([{ sequence: 1 }])
})

test('two transactions that touch the trails of two projects in opposite orders do not block each other for ever', async () => {
  const both = (order: readonly string[]) =>
    connection.database.transaction(async (stores) => {
      for (const projectId of order) await stores.audit.append([anEntry({ projectId })])
    })
  await Promise.all(Array.from({ length: 10 }, (_, index) => both(index % 2 === 0 ? ['prj_x', 'prj_y'] : ['prj_y', 'prj_x'])))
  expect(await everything('prj_x')).toHaveLength(10)
  expect(await everything('prj_y')).toHaveLength(10)
})

test('the trail can neither be changed nor cut', async () => {
  await audit().append([anEntry({ projectId: 'prj_fixed' })])
  const client = await connection.client()
  await expect(client.query("update audit_entries set actor = 'x'")).rejects.toThrow('audit_entries is append-only')
  await expect(client.query('delete from audit_entries')).rejects.toThrow('audit_entries is append-only')
})
