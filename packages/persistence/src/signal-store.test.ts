import { expect, test } from 'vitest'
import { aSignal, later, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const signals = () => connection.database.stores.signals

test('a signal comes back as it was stored', async () => {
  const full = aSignal({
    projectId: 'prj_full',
    resourceId: 'res_1',
    shadowId: 'shd_1',
    canPostponeUntil: later(9),
    reason: 'because',
    operationId: 'op_1',
  })
  const bare = aSignal({ projectId: 'prj_full', deadline: undefined, receivedAt: later(1) })
  expect(await signals().insertNew([full, bare])).toEqual({ inserted: new Set([full.id, bare.id]), duplicateOf: new Map() })
  expect(await signals().find('prj_full', full.id)).toEqual({ ...full, duplicates: 0 })
  expect(await signals().list('prj_full', { after: undefined, limit: 10 })).toEqual([bare, full].map((signal) => ({ ...signal, duplicates: 0 })))
  expect(await signals().list('prj_full', { after: undefined, limit: 10, resourceId: 'res_1', kind: 'interruption' })).toHaveLength(1)
})

test('fifty at once with one key: one goes in, the others learn its id, and it counts them', async () => {
  const copies = Array.from({ length: 50 }, () => aSignal({ projectId: 'prj_race', deduplicationKey: 'event:race' }))
  const answers = await Promise.all(copies.map((signal) => signals().insertNew([signal])))
  const inserted = answers.flatMap((answer) => [...answer.inserted])
  expect(inserted).toHaveLength(1)
  const duplicates = answers.flatMap((answer) => [...answer.duplicateOf])
  expect(duplicates).toHaveLength(49)
  for (const [, first] of duplicates) expect(first).toBe(inserted[0])
  expect(await signals().find('prj_race', inserted[0]!)).toMatchObject({ duplicates: 49 })
})

test('batches that repeat each other and themselves neither block each other nor lose a count', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e']
  const batches = Array.from({ length: 10 }, (_, index) => {
    const order = index % 2 === 0 ? keys : keys.toReversed()
    return [...order, ...order].map((key) => aSignal({ projectId: 'prj_batches', accountId: 'acc_batches', deduplicationKey: key }))
  })
  const answers = await Promise.all(batches.map((batch) => signals().insertNew(batch)))
  expect(answers.reduce((sum, answer) => sum + answer.inserted.size, 0)).toBe(5)
  expect(answers.reduce((sum, answer) => sum + answer.duplicateOf.size, 0)).toBe(95)
  const stored = await signals().list('prj_batches', { after: undefined, limit: 100 })
  expect(stored.map(({ duplicates }) => duplicates)).toEqual([19, 19, 19, 19, 19])
})

test('one key in two accounts is two signals', async () => {
  const here = aSignal({ accountId: 'acc_1', deduplicationKey: 'shared' })
  const there = aSignal({ accountId: 'acc_2', deduplicationKey: 'shared' })
  expect((await signals().insertNew([here, there])).inserted).toEqual(new Set([here.id, there.id]))
})

test('an outcome is written with its reason and its operation', async () => {
  const one = aSignal({ projectId: 'prj_outcome' })
  const two = aSignal({ projectId: 'prj_outcome' })
  await signals().insertNew([one, two])
  const accepted = { outcome: 'accepted', operationId: 'op_f' } as const
  await signals().setOutcomes([
    { id: one.id, ...accepted },
    { id: two.id, ...accepted },
  ])
  await signals().setOutcomes([{ id: two.id, outcome: 'late', reason: 'its deadline has passed' }])
  await signals().setOutcomes([])
  expect(await signals().find('prj_outcome', one.id)).toMatchObject({ outcome: 'accepted', operationId: 'op_f', reason: undefined })
  expect(await signals().find('prj_outcome', two.id)).toMatchObject({ outcome: 'late', operationId: 'op_f', reason: 'its deadline has passed' })
})

test('the newest come first, and pages neither repeat nor skip one, also when many were received in one instant', async () => {
  const batch = Array.from({ length: 7 }, (_, index) => aSignal({ projectId: 'prj_pages', receivedAt: later(index < 4 ? 0 : index) }))
  await signals().insertNew(batch)
  const seen: string[] = []
  for (let after: string | undefined; ;) {
    const page = await signals().list('prj_pages', { after, limit: 2 })
    if (page.length === 0) break
    seen.push(...page.map(({ id }) => id))
    after = seen.at(-1)
  }
  expect(seen.toSorted()).toEqual(batch.map(({ id }) => id).toSorted())
  expect(seen.slice(0, 3)).toEqual(
    batch
      .slice(4)
      .map(({ id }) => id)
      .toReversed(),
  )
})

test('a document with characters that the database cannot hold is kept, with those replaced', async () => {
  const signal = aSignal({ projectId: 'prj_odd', raw: { 'a\0b': ['\uD800 alone', 'fine \u{1F600}', '\\u0000 spelt out'] } })
  await signals().insertNew([signal])
  expect((await signals().find('prj_odd', signal.id))?.raw).toEqual({ 'a\uFFFDb': ['\uFFFD alone', 'fine \u{1F600}', '\\u0000 spelt out'] })
})

const announced = (overrides: Parameters<typeof aSignal>[0] = {}) =>
  aSignal({
    kind: 'maintenance',
    effect: 'reboot',
    accountId: 'acc_changes',
    nativeId: 'i-1',
    changeId: 'e-1',
    list: 'ahead',
    listSequence: 4,
    ...overrides,
  })

test('what is known of the changes of an instance is what holds and the words that ended something, as they were observed', async () => {
  const accountId = 'acc_known'
  const later1 = announced({ accountId, observedAt: later(2) })
  const first = announced({ accountId, phase: 'started', observedAt: later(1) })
  const word = announced({ accountId, phase: 'cancelled', observedAt: later(3) })
  const over = announced({ accountId, endedBy: word.id })
  const others = [announced({ accountId, nativeId: 'i-2' }), announced({ accountId: 'acc_else' }), aSignal({ accountId, nativeId: 'i-1' })]
  await signals().insertNew([later1, first, word, over, ...others])
  const known = await signals().aboutChanges(accountId, ['i-1', 'i-3'])
  expect(known).toEqual([first, later1, word].map((signal) => ({ ...signal, duplicates: 0 })))
})

test('an announcement ends once, gives its key back, and is counted on by the version in which it was read last', async () => {
  const accountId = 'acc_end'
  const first = announced({ accountId, deduplicationKey: 'the words', projectId: 'prj_end' })
  await signals().insertNew([first])
  await signals().insertNew([announced({ accountId, deduplicationKey: 'the words', listSequence: 7 })])
  await signals().insertNew([announced({ accountId, deduplicationKey: 'the words', listSequence: undefined })])
  expect(await signals().find('prj_end', first.id)).toMatchObject({ listSequence: 7, duplicates: 2 })
  // What was pushed first is of a list as soon as that names it.
  const pushed = announced({ accountId, list: undefined, listSequence: undefined, deduplicationKey: 'pushed', projectId: 'prj_end' })
  await signals().insertNew([pushed])
  await signals().insertNew([announced({ accountId, deduplicationKey: 'pushed' })])
  expect(await signals().find('prj_end', pushed.id)).toMatchObject({ list: 'ahead', listSequence: 4 })
  await signals().end([{ id: first.id, endedBy: 'sig_1' }])
  await signals().end([{ id: first.id, endedBy: 'sig_2' }])
  expect(await signals().find('prj_end', first.id)).toMatchObject({ endedBy: 'sig_1' })
  const again = announced({ accountId, deduplicationKey: 'the words' })
  expect((await signals().insertNew([again])).inserted).toEqual(new Set([again.id]))
  await signals().end([])
})

test('two that ask about one instance wait for each other, and never for each other both', async () => {
  const { database } = connection
  const order: string[] = []
  const ids = ['i-a', 'i-b', 'i-c']
  const work = (name: string, nativeIds: readonly string[]) =>
    database.transaction(async (stores) => {
      const known = await stores.signals.aboutChanges('acc_wait', nativeIds)
      order.push(`${name} saw ${known.length}`)
      await stores.signals.insertNew([announced({ accountId: 'acc_wait', nativeId: 'i-a' })])
    })
  await Promise.all([work('one', ids), work('two', ids.toReversed()), work('three', ids)])
  expect(order.map((line) => line.split(' ').at(-1))).toEqual(['0', '1', '2'])
})
