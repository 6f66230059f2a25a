import { checkChain, genesisHash } from '@understudy/control'
import type { Operation } from '@understudy/control'
import { randomIds } from '@understudy/core'
import { FencedOff } from '@understudy/saga'
import type { ClaimedOperation, SagaEvent } from '@understudy/saga'
import { expect, test } from 'vitest'
import { anOperation, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const sagas = () => connection.database.sagas
const operations = () => connection.database.stores.operations

/** Every test has a saga of its own, so that no claim takes another test's operations. */
let sagaCount = 0
const aSagaName = (): string => `saga-${++sagaCount}`

async function stored(...overrides: readonly Partial<Operation>[]): Promise<readonly Operation[]> {
  const added = overrides.map((override) => anOperation(override))
  await operations().insertUnlocked(added)
  return added
}
type ClaimOptions = Parameters<ReturnType<typeof sagas>['claim']>[0]
const claim = (saga: string, options: Partial<ClaimOptions> = {}): Promise<readonly ClaimedOperation[]> =>
  sagas().claim({ runner: 'runner-a', limit: 100, leaseMs: 1000, nowMs: start.getTime(), sagas: [saga], ...options })
async function aClaimed(overrides: Partial<Operation> = {}): Promise<ClaimedOperation> {
  const kind = aSagaName()
  await stored({ kind, ...overrides })
  return (await claim(kind))[0]!
}
const anEvent = (sequence: number, overrides: Partial<SagaEvent> = {}): SagaEvent => ({
  sequence,
  type: 'started',
  step: 'traffic',
  attempt: 1,
  data: null,
  atMs: later(sequence).getTime(),
  ...overrides,
})

test('eight runners that claim at once never get one operation twice, and together get all', async () => {
  const kind = aSagaName()
  const all = await stored(...Array.from({ length: 200 }, () => ({ kind })))
  const claims = await Promise.all(
    Array.from({ length: 8 }, async (_, runner) => {
      const mine: ClaimedOperation[] = []
      for (;;) {
        const taken = await claim(kind, { runner: `runner-${runner}`, limit: 7 })
        if (taken.length === 0) return mine
        mine.push(...taken)
      }
    }),
  )
  const ids = claims.flat().map(({ id }) => id)
  expect(ids.toSorted()).toEqual(all.map(({ id }) => id).toSorted())
  expect(claims.flat().every(({ generation }) => generation === 1)).toBe(true)
})

test('the most urgent are claimed first, then the oldest, as many as asked for, and with everything a runner needs', async () => {
  const kind = aSagaName()
  const [, urgent, old] = await stored(
    { kind, priority: 20, createdAt: later(5) },
    { kind, priority: 1, createdAt: later(9), deadline: later(120_000), version: 3, projectId: 'prj_x', params: { a: [1] } },
    { kind, priority: 20, createdAt: later(1) },
  )
  const claimed = await claim(kind, { limit: 2 })
  expect(claimed.map(({ id }) => id)).toEqual([urgent!.id, old!.id])
  expect(claimed[0]).toEqual({
    id: urgent!.id,
    projectId: 'prj_x',
    saga: kind,
    version: 3,
    params: { a: [1] },
    deadlineMs: later(120_000).getTime(),
    priority: 1,
    requestedBy: 'key:key_test',
    createdMs: later(9).getTime(),
    cancelRequested: false,
    skippedSteps: [],
    generation: 1,
    events: [],
  })
  expect(await operations().findById(urgent!.id)).toMatchObject({ status: 'running', startedAt: start, updatedAt: start })
})

test('a claim can be limited to sagas, to an urgency and to one operation', async () => {
  const [kind, other] = [aSagaName(), aSagaName()]
  const [low, urgent, foreign] = await stored({ kind, priority: 20 }, { kind, priority: 1 }, { kind: other })
  expect(await claim(kind, { operationId: foreign!.id })).toEqual([])
  expect((await claim(kind, { priorityMax: 8 })).map(({ id }) => id)).toEqual([urgent!.id])
  expect((await claim(kind, { operationId: low!.id })).map(({ id }) => id)).toEqual([low!.id])
  expect(await claim(kind)).toEqual([])
  expect(await claim(other, { limit: 0 })).toEqual([])
  expect(await claim(other, { sagas: [] })).toEqual([])
})

test('a lease that has run out is taken over with the log, and the one who had it is fenced off from every write', async () => {
  const kind = aSagaName()
  await stored({ kind })
  const [mine] = await claim(kind)
  const events = [anEvent(1), anEvent(2, { type: 'succeeded', data: { weight: 100 } })]
  await sagas().append(mine!, events)
  expect(await claim(kind, { nowMs: later(999).getTime() })).toEqual([])
  const [theirs] = await claim(kind, { runner: 'runner-b', nowMs: later(1000).getTime() })
  expect(theirs).toMatchObject({ generation: 2, events })
  await expect(sagas().append(mine!, [anEvent(3)])).rejects.toBeInstanceOf(FencedOff)
  await expect(sagas().append(mine!, [], [{ action: 'a', target: 't', key: 'k' }])).rejects.toBeInstanceOf(FencedOff)
  await expect(sagas().note(mine!, { step: 'traffic', message: 'x', atMs: 0 })).rejects.toBeInstanceOf(FencedOff)
  await expect(sagas().finish(mine!, { status: 'succeeded', atMs: 0 })).rejects.toBeInstanceOf(FencedOff)
  await expect(sagas().release(mine!, { notBeforeMs: 0 })).rejects.toBeInstanceOf(FencedOff)
  expect(await operations().timeline(mine!.id)).toEqual({ events, notes: [] })
  await sagas().append(theirs!, [anEvent(3)])
  expect((await operations().timeline(mine!.id)).events).toHaveLength(3)
})

test('the stale ones of a batch are refused and all others are written', async () => {
  const kind = aSagaName()
  const all = await stored(...Array.from({ length: 40 }, () => ({ kind })))
  const first = await claim(kind)
  const stolen = new Set(all.slice(0, 10).map(({ id }) => id))
  for (const id of stolen) await claim(kind, { runner: 'runner-b', operationId: id, nowMs: later(2000).getTime() })
  const results = await Promise.allSettled(first.map((operation) => sagas().append(operation, [anEvent(1)])))
  for (const [index, operation] of first.entries()) {
    expect(results[index]!.status).toBe(stolen.has(operation.id) ? 'rejected' : 'fulfilled')
    expect((await operations().timeline(operation.id)).events).toHaveLength(stolen.has(operation.id) ? 0 : 1)
  }
})

test('a lease that was renewed is not taken over; one that is no longer ours is not renewed', async () => {
  const kind = aSagaName()
  const [kept, lost] = await stored({ kind }, { kind })
  const claimed = await claim(kind)
  await claim(kind, { runner: 'runner-b', operationId: lost!.id, nowMs: later(1000).getTime() })
  await operations().requestCancel(kept!.id, later(1))
  const renewed = await sagas().renew({ runner: 'runner-a', leases: claimed, leaseMs: 5000, nowMs: later(1000).getTime() })
  expect(renewed).toEqual([{ id: kept!.id, cancelRequested: true }])
  expect(await claim(kind, { operationId: kept!.id, nowMs: later(5999).getTime() })).toEqual([])
  expect(await claim(kind, { operationId: kept!.id, nowMs: later(6000).getTime() })).toHaveLength(1)
  expect(await sagas().renew({ runner: 'runner-a', leases: [], leaseMs: 1, nowMs: 0 })).toEqual([])
})

test('repeating an append is a success that writes nothing; other events under its numbers, or a gap, are an error', async () => {
  const operation = await aClaimed()
  const events = [anEvent(1), anEvent(2, { type: 'succeeded', data: { zone: 'b', list: [1, null] } })]
  await sagas().append(operation, events)
  await sagas().append(operation, events)
  await sagas().append(operation, [events[1]!, anEvent(3, { step: 'next' })])
  await expect(sagas().append(operation, [anEvent(2, { type: 'failed' })])).rejects.toThrow('event 2 is in the log with another content')
  await expect(sagas().append(operation, [anEvent(5)])).rejects.toThrow('event 5 would leave a gap')
  expect((await operations().timeline(operation.id)).events).toEqual([...events, anEvent(3, { step: 'next' })])
  const told = await connection.database.stores.events.listAfter(0, { limit: 100, types: ['io.understudy.operations.'] })
  expect(told.filter(({ subject }) => subject === `operations/${operation.id}`)).toHaveLength(1)
})

test('writes to one operation that wait together are taken in their order, up to the one that ends the lease', async () => {
  const operation = await aClaimed()
  const results = await Promise.allSettled([
    sagas().append(operation, [anEvent(1)]),
    sagas().append(operation, [anEvent(2, { type: 'succeeded' })]),
    sagas().append(operation, [anEvent(2, { type: 'succeeded' })]),
    sagas().note(operation, { step: 'traffic', message: 'moved', data: { weight: 100 }, atMs: later(3).getTime() }),
    sagas().finish(operation, { status: 'succeeded', output: { done: true }, atMs: later(4).getTime() }),
    sagas().append(operation, [anEvent(3)]),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  expect(await operations().timeline(operation.id)).toEqual({
    events: [anEvent(1), anEvent(2, { type: 'succeeded' })],
    notes: [{ step: 'traffic', message: 'moved', data: { weight: 100 }, at: later(3) }],
  })
  expect(await operations().findById(operation.id)).toMatchObject({
    status: 'succeeded',
    output: { done: true },
    finishedAt: later(4),
    updatedAt: later(4),
    error: undefined,
  })
})

test('an append says whether somebody asked to cancel', async () => {
  const operation = await aClaimed()
  expect(await sagas().append(operation, [anEvent(1)])).toEqual({ cancelRequested: false })
  await operations().requestCancel(operation.id, start)
  expect(await sagas().append(operation, [anEvent(2)])).toEqual({ cancelRequested: true })
})

test('the status follows the log: an undo makes it undoing, and such an operation is claimed again', async () => {
  const operation = await aClaimed()
  await sagas().append(operation, [anEvent(1), anEvent(2, { type: 'failed', data: { code: 'x', message: 'y', transient: false } })])
  expect(await operations().findById(operation.id)).toMatchObject({ status: 'running' })
  await sagas().append(operation, [anEvent(3, { type: 'undo_started' })])
  expect(await operations().findById(operation.id)).toMatchObject({ status: 'undoing', updatedAt: later(3) })
  const [again] = await claim(operation.saga, { nowMs: later(5000).getTime() })
  expect(again).toMatchObject({ id: operation.id, generation: 2 })
  expect(await operations().findById(operation.id)).toMatchObject({ status: 'undoing', startedAt: start })
})

test('a released operation is claimed again, but not before its time, and the lease is over', async () => {
  const operation = await aClaimed()
  await sagas().release(operation, { notBeforeMs: later(300).getTime() })
  await expect(sagas().append(operation, [anEvent(1)])).rejects.toBeInstanceOf(FencedOff)
  expect(await claim(operation.saga, { nowMs: later(299).getTime() })).toEqual([])
  expect(await claim(operation.saga, { nowMs: later(300).getTime() })).toMatchObject([{ id: operation.id, generation: 2 }])
})

test('a finished or stuck operation is claimed no more', async () => {
  for (const status of ['succeeded', 'failed', 'cancelled', 'stuck'] as const) {
    const operation = await aClaimed()
    const error = { code: 'provider_rejected', message: 'no', transient: false }
    await sagas().finish(operation, { status, error, atMs: later(7).getTime() })
    expect(await claim(operation.saga, { nowMs: later(999_999).getTime() })).toEqual([])
    expect(await operations().findById(operation.id)).toMatchObject({
      status,
      error,
      finishedAt: status === 'stuck' ? undefined : later(7),
      output: null,
    })
  }
})

test('the steps and the end are told to the world, once, with short outputs only', async () => {
  const operation = await aClaimed({ projectId: 'prj_told', resourceId: 'res_told' })
  const failure = { code: 'throttled', message: 'slow down', transient: true }
  await sagas().append(operation, [
    anEvent(1),
    anEvent(2, { type: 'failed', data: failure }),
    anEvent(3),
    anEvent(4, { type: 'succeeded', attempt: 2, data: { zone: 'b' } }),
    anEvent(5, { step: 'big', type: 'succeeded', data: { text: 'x'.repeat(3000) } }),
  ])
  await sagas().finish(operation, { status: 'failed', error: failure, atMs: later(9).getTime() })
  const about = { id: operation.id, kind: operation.saga, resourceId: 'res_told' }
  const told = await connection.database.stores.events.listAfter(0, { limit: 100, projectId: 'prj_told' })
  expect(told.map(({ type, data }) => [type, data])).toEqual([
    ['io.understudy.operations.step_failed.v1', { ...about, step: 'traffic', attempt: 1, error: failure }],
    ['io.understudy.operations.step_succeeded.v1', { ...about, step: 'traffic', attempt: 2, output: { zone: 'b' } }],
    ['io.understudy.operations.step_succeeded.v1', { ...about, step: 'big', attempt: 1 }],
    ['io.understudy.operations.failed.v1', { ...about, status: 'failed', error: failure }],
  ])
  expect(told.map(({ at }) => at)).toEqual([later(2), later(4), later(5), later(9)])
})

test('an operation that is stuck twice is told twice', async () => {
  const operation = await aClaimed({ projectId: 'prj_stuck' })
  await sagas().finish(operation, { status: 'stuck', atMs: later(1).getTime() })
  await operations().retry(operation.id, later(2))
  const [again] = await claim(operation.saga, { nowMs: later(3).getTime() })
  await sagas().finish(again!, { status: 'stuck', atMs: later(4).getTime() })
  const told = await connection.database.stores.events.listAfter(0, { limit: 100, projectId: 'prj_stuck' })
  expect(told.map(({ type }) => type)).toEqual(['io.understudy.operations.stuck.v1', 'io.understudy.operations.stuck.v1'])
})

test('intents are chained into the audit trail of their project, each once, in the name of who asked for the operation', async () => {
  const claimed = await Promise.all(
    Array.from({ length: 30 }, (_, index) => aClaimed({ projectId: `prj_intents_${index % 2}`, requestedBy: 'key:key_asker' })),
  )
  const intent = { action: 'traffic.setWeights', target: 'tg-1', details: { weight: 100 } }
  await Promise.all(
    claimed.flatMap((operation) => [
      sagas().append(operation, [anEvent(1)], [{ ...intent, key: `${operation.id}:1` }]),
      sagas().append(operation, [], [{ ...intent, key: `${operation.id}:1` }]),
    ]),
  )
  await sagas().append(claimed[0]!, [], [{ ...intent, key: `${claimed[0]!.id}:1` }])
  for (const projectId of ['prj_intents_0', 'prj_intents_1']) {
    const entries = await connection.database.stores.audit.list(projectId, { after: 0, limit: 100 })
    expect(entries).toHaveLength(15)
    expect(entries[0]).toMatchObject({ ...intent, actor: 'key:key_asker' })
    expect(new Set(entries.map(({ operationId }) => operationId)).size).toBe(15)
    expect(checkChain(genesisHash, entries)).toMatchObject({ ok: true })
  }
})

test('a write that the database refuses fails alone, and the batch around it is written', async () => {
  const claimed = await Promise.all(Array.from({ length: 9 }, () => aClaimed()))
  const results = await Promise.allSettled(
    claimed.map((operation, index) => sagas().append(operation, [anEvent(1, index === 4 ? { type: 'exploded' as SagaEvent['type'] } : {})])),
  )
  expect(results.map(({ status }) => status)).toEqual(claimed.map((_, index) => (index === 4 ? 'rejected' : 'fulfilled')))
  for (const [index, operation] of claimed.entries()) expect((await operations().timeline(operation.id)).events).toHaveLength(index === 4 ? 0 : 1)
})

test('hundreds of operations append at once, beside people who hurry and cancel them, and every log is whole', async () => {
  const kind = aSagaName()
  const all = await stored(...Array.from({ length: 300 }, () => ({ kind })))
  const claimed = await claim(kind, { limit: 300, leaseMs: 60_000 })
  expect(claimed).toHaveLength(300)
  const running = claimed.map(async (operation) => {
    for (let sequence = 1; sequence <= 6; sequence += 2)
      await sagas().append(operation, [anEvent(sequence), anEvent(sequence + 1, { type: 'succeeded' })])
    await sagas().finish(operation, { status: 'succeeded', atMs: later(100).getTime() })
  })
  const meddling = Array.from({ length: 10 }, (_, index) =>
    connection.database.transaction(async (stores) => {
      const some = all.filter((_operation, position) => position % 10 === index)
      for (const { id } of index % 2 === 0 ? some : some.toReversed())
        await stores.operations.hurry([{ id, deadline: later(9), priority: 1 }], later(1))
    }),
  )
  const renewing = sagas().renew({ runner: 'runner-a', leases: claimed, leaseMs: 60_000, nowMs: later(1).getTime() })
  await Promise.all([...running, ...meddling, renewing])
  for (const { id } of all) {
    expect((await operations().timeline(id)).events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await operations().findById(id)).toMatchObject({ status: 'succeeded', priority: 1 })
  }
})

test('the log can neither be changed nor cut', async () => {
  const operation = await aClaimed()
  await sagas().append(operation, [anEvent(1)])
  const client = await connection.client()
  await expect(client.query("update saga_events set step = 'x'")).rejects.toThrow('saga_events is append-only')
  await expect(client.query('delete from saga_events')).rejects.toThrow('saga_events is append-only')
})

test('writing to an operation that does not exist is an error, not a lost lease', async () => {
  await expect(sagas().append({ id: randomIds.next('operation'), generation: 1 }, [anEvent(1)])).rejects.toThrow('there is no operation')
})
