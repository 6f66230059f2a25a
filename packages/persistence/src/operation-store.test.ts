import type { Operation } from '@understudy/control'
import { expect, test } from 'vitest'
import { anOperation, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const operations = () => connection.database.stores.operations
const sagas = () => connection.database.sagas

const failure = { code: 'provider_rejected', message: 'no', transient: false }

async function aStored(overrides: Partial<Operation> = {}): Promise<Operation> {
  const operation = anOperation(overrides)
  expect((await operations().insertUnlocked([operation])).size).toBe(0)
  return operation
}
/** Claims it and gives it this end. */
async function ended(operation: Operation, status: 'succeeded' | 'stuck'): Promise<void> {
  const [claimed] = await sagas().claim({
    runner: 'r',
    limit: 1,
    leaseMs: 1000,
    nowMs: start.getTime(),
    sagas: [operation.kind],
    operationId: operation.id,
  })
  await sagas().finish(claimed!, { status, ...(status === 'stuck' ? { error: failure } : {}), atMs: later(10).getTime() })
}

test('an operation comes back as it was stored, with and without its optional parts', async () => {
  const bare = await aStored({ projectId: 'prj_round' })
  const full = await aStored({
    projectId: 'prj_round',
    resourceId: 'res_1',
    shadowId: 'shd_1',
    plan: { steps: ['traffic'] },
    planHash: 'abc',
    deadline: later(120_000),
    priority: 1,
    lockKey: 'resource:res_1',
    createdAt: later(1),
  })
  expect(await operations().find('prj_round', bare.id)).toEqual(bare)
  expect(await operations().findById(full.id)).toEqual(full)
  expect(await operations().list('prj_round', { after: undefined, limit: 10 })).toEqual([full, bare])
  expect(await operations().list('prj_round', { after: full.id, limit: 10 })).toEqual([bare])
  expect(await operations().list('prj_round', { after: undefined, limit: 10, resourceId: 'res_1', kind: 'failover', status: 'pending' })).toEqual([
    full,
  ])
  expect(await operations().list('prj_round', { after: undefined, limit: 10, kind: 'other' })).toEqual([])
})

test('of many operations that want one lock exactly one goes in, and the others learn who holds it', async () => {
  const wanted = Array.from({ length: 20 }, () => anOperation({ lockKey: 'resource:contended' }))
  const answers = await Promise.all(
    wanted.map((operation) => connection.database.transaction((stores) => stores.operations.insertUnlocked([operation]))),
  )
  const inserted = wanted.filter((_, index) => answers[index]!.size === 0)
  expect(inserted).toHaveLength(1)
  for (const [index, operation] of wanted.entries()) {
    if (operation !== inserted[0]) expect(answers[index]!.get(operation.id)?.id).toBe(inserted[0]!.id)
  }
})

test('batches with the same locks in different orders do not block each other for ever', async () => {
  const keys = Array.from({ length: 10 }, (_, index) => `resource:batch-${index}`)
  const batches = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? keys : keys.toReversed()).map((lockKey) => anOperation({ lockKey })))
  const answers = await Promise.all(batches.map((batch) => operations().insertUnlocked(batch)))
  expect(answers.reduce((sum, holders) => sum + holders.size, 0)).toBe(70)
})

test('two operations in one call that want one lock: the first holds it', async () => {
  const [first, second] = [anOperation({ id: 'op_a', lockKey: 'resource:twins' }), anOperation({ id: 'op_b', lockKey: 'resource:twins' })]
  const holders = await operations().insertUnlocked([first!, second!])
  expect([...holders].map(([id, holder]) => [id, holder.id])).toEqual([['op_b', 'op_a']])
})

test('a lock is held until the operation is finished, also while it is stuck', async () => {
  const holder = await aStored({ lockKey: 'resource:held', kind: 'held' })
  const next = anOperation({ lockKey: 'resource:held', kind: 'held' })
  await ended(holder, 'stuck')
  expect((await operations().insertUnlocked([next])).get(next.id)?.id).toBe(holder.id)
  expect(await operations().retry(holder.id, start)).toBe(true)
  await ended(holder, 'succeeded')
  expect((await operations().insertUnlocked([next])).size).toBe(0)
})

test('operations without a lock exclude nobody', async () => {
  expect((await operations().insertUnlocked([anOperation(), anOperation()])).size).toBe(0)
})

test('unfinished ones are listed with the stuck, and can be picked by resource and kind', async () => {
  const [pending, stuck, done] = [
    await aStored({ resourceId: 'res_u', kind: 'a' }),
    await aStored({ resourceId: 'res_u', kind: 'b', createdAt: later(1) }),
    await aStored({ resourceId: 'res_u', kind: 'c' }),
  ]
  await ended(stuck, 'stuck')
  await ended(done, 'succeeded')
  const ids = async (options: { resourceIds?: string[]; kinds?: string[] }) =>
    (await operations().listUnfinished({ ...options, limit: 100 })).map(({ id }) => id)
  expect(await ids({ resourceIds: ['res_u'] })).toEqual([pending.id, stuck.id])
  expect(await ids({ resourceIds: ['res_u'], kinds: ['b'] })).toEqual([stuck.id])
  expect(await ids({ kinds: ['c'] })).toEqual([])
})

test('resources are found by the kinds of their operations of late', async () => {
  await aStored({ resourceId: 'res_late', kind: 'seldom', createdAt: later(1000) })
  await aStored({ resourceId: 'res_early', kind: 'seldom', createdAt: later(1) })
  await aStored({ resourceId: 'res_other', kind: 'other', createdAt: later(1000) })
  const resourceIds = ['res_late', 'res_early', 'res_other', 'res_none']
  expect(await operations().resourcesWith({ resourceIds, kinds: ['seldom'], since: later(1000) })).toEqual(new Set(['res_late']))
  expect(await operations().resourcesWith({ resourceIds: ['res_early'], kinds: ['seldom'], since: later(0) })).toEqual(new Set(['res_early']))
  expect(await operations().resourcesWith({ resourceIds: [], kinds: ['seldom'], since: later(0) })).toEqual(new Set())
})

test('a cancellation is noted once, wakes one that waits, and is refused when all is over', async () => {
  const operation = await aStored({ kind: 'cancelled' })
  const claim = (at: Date) =>
    sagas().claim({ runner: 'r', limit: 1, leaseMs: 1000, nowMs: at.getTime(), sagas: ['cancelled'], operationId: operation.id })
  const [claimed] = await claim(start)
  await sagas().release(claimed!, { notBeforeMs: later(60_000).getTime() })
  expect(await claim(later(1))).toEqual([])
  expect(await operations().requestCancel(operation.id, later(1))).toBe(true)
  expect(await operations().requestCancel(operation.id, later(2))).toBe(true)
  expect((await operations().findById(operation.id))?.cancelRequestedAt).toEqual(later(1))
  expect(await claim(later(3))).toMatchObject([{ cancelRequested: true }])
  const [again] = await claim(later(5000))
  await sagas().finish(again!, { status: 'cancelled', atMs: later(5001).getTime() })
  expect(await operations().requestCancel(operation.id, later(5002))).toBe(false)
})

test('only a stuck operation can be retried, and then it is claimed again at once', async () => {
  const operation = await aStored({ kind: 'retried' })
  expect(await operations().retry(operation.id, start)).toBe(false)
  await ended(operation, 'stuck')
  expect(await operations().findById(operation.id)).toMatchObject({ status: 'stuck', error: failure, finishedAt: undefined })
  expect(await operations().retry(operation.id, later(20))).toBe(true)
  expect(await operations().findById(operation.id)).toMatchObject({ status: 'running', error: undefined, updatedAt: later(20) })
  expect(await sagas().claim({ runner: 'r', limit: 1, leaseMs: 1, nowMs: later(20).getTime(), sagas: ['retried'] })).toMatchObject([
    { id: operation.id },
  ])
})

test('a skipped step is handed to the runner and is in the timeline with who decided it', async () => {
  const operation = await aStored({ kind: 'skipped' })
  expect(await operations().skip(operation.id, 'traffic', 'key:key_a', start)).toBe(false)
  await ended(operation, 'stuck')
  expect(await operations().skip(operation.id, 'traffic', 'key:key_a', later(20))).toBe(true)
  const claimed = await sagas().claim({ runner: 'r', limit: 1, leaseMs: 1, nowMs: later(20).getTime(), sagas: ['skipped'] })
  expect(claimed).toMatchObject([{ id: operation.id, skippedSteps: ['traffic'] }])
  expect((await operations().timeline(operation.id)).notes).toMatchObject([{ step: 'traffic', data: { by: 'key:key_a' }, at: later(20) }])
})

test('hurrying brings the deadline nearer and raises the urgency, never the other way round', async () => {
  const operation = await aStored({ priority: 20 })
  const hurry = (deadline: Date | undefined, priority: number) => operations().hurry([{ id: operation.id, deadline, priority }], later(1))
  const present = async () => {
    const { deadline, priority } = (await operations().findById(operation.id))!
    return { deadline, priority }
  }
  await hurry(later(60_000), 5)
  expect(await present()).toEqual({ deadline: later(60_000), priority: 5 })
  await hurry(later(90_000), 40)
  expect(await present()).toEqual({ deadline: later(60_000), priority: 5 })
  await hurry(undefined, 1)
  expect(await present()).toEqual({ deadline: later(60_000), priority: 1 })
  await hurry(later(30_000), 1)
  expect(await present()).toEqual({ deadline: later(30_000), priority: 1 })
})

test('the backlog counts what could run now', async () => {
  const before = await operations().backlog(later(1000))
  await aStored({ kind: 'backlog' })
  const [claimed] = [await aStored({ kind: 'backlog-claimed' })]
  await sagas().claim({ runner: 'r', limit: 1, leaseMs: 60_000, nowMs: later(1000).getTime(), sagas: ['backlog-claimed'], operationId: claimed.id })
  const stuck = await aStored({ kind: 'backlog-stuck' })
  await ended(stuck, 'stuck')
  const after = await operations().backlog(later(1000))
  expect(after.runnable - before.runnable).toBe(1)
  expect(after.stuck - before.stuck).toBe(1)
  expect(after.oldestAgeMs).toBeGreaterThanOrEqual(1000)
  // The lease has run out by then.
  expect((await operations().backlog(later(62_000))).runnable - before.runnable).toBeGreaterThanOrEqual(2)
})
