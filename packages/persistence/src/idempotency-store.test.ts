import type { IdempotencyRecord } from '@understudy/control'
import { expect, test } from 'vitest'
import { later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const idempotency = () => connection.database.stores.idempotency

const aRecord = (key: string, overrides: Partial<IdempotencyRecord> = {}): IdempotencyRecord => ({
  projectId: 'prj_a',
  key,
  fingerprint: 'POST /v1/accounts abc',
  status: undefined,
  body: undefined,
  headers: undefined,
  createdAt: start,
  ...overrides,
})
const longAgo = later(-86_400_000)

test('of many requests with one key exactly one begins; the others see what it left', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => idempotency().begin(aRecord('race', { fingerprint: `${index}` }), longAgo)),
  )
  const winner = answers.indexOf(undefined)
  expect(answers.filter((answer) => answer === undefined)).toHaveLength(1)
  for (const answer of answers) if (answer !== undefined) expect(answer).toEqual(aRecord('race', { fingerprint: `${winner}` }))
})

test('the answer is kept, in its own project only', async () => {
  await idempotency().begin(aRecord('kept'), longAgo)
  const answer = { status: 202, body: '{"id":"op_1"}', headers: { location: '/v1/operations/op_1' } }
  await idempotency().complete('prj_b', 'kept', { ...answer, status: 500 })
  await idempotency().complete('prj_a', 'kept', answer)
  expect(await idempotency().begin(aRecord('kept'), longAgo)).toEqual(aRecord('kept', answer))
  expect(await idempotency().begin(aRecord('kept', { projectId: 'prj_b' }), longAgo)).toBeUndefined()
})

test('an expired key begins anew and its old answer is gone', async () => {
  await idempotency().begin(aRecord('old'), longAgo)
  await idempotency().complete('prj_a', 'old', { status: 200, body: 'x', headers: {} })
  const again = aRecord('old', { fingerprint: 'another', createdAt: later(90_000_000) })
  expect(await idempotency().begin(again, later(1))).toBeUndefined()
  expect(await idempotency().begin(again, longAgo)).toEqual(again)
})

test('a forgotten key is new again', async () => {
  await idempotency().begin(aRecord('forgotten'), longAgo)
  await idempotency().forget('prj_b', 'forgotten')
  expect(await idempotency().begin(aRecord('forgotten'), longAgo)).toBeDefined()
  await idempotency().forget('prj_a', 'forgotten')
  expect(await idempotency().begin(aRecord('forgotten'), longAgo)).toBeUndefined()
})

test('old keys are removed and counted', async () => {
  await idempotency().begin(aRecord('ancient', { createdAt: later(-5000) }), longAgo)
  expect(await idempotency().removeBefore(later(-4000))).toBe(1)
  expect(await idempotency().removeBefore(later(-4000))).toBe(0)
})
