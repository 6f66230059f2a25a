import type { NewDomainEvent } from '@understudy/control'
import { randomIds } from '@understudy/core'
import { expect, test } from 'vitest'
import { later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const events = () => connection.database.stores.events

const anEvent = (overrides: Partial<NewDomainEvent> = {}): NewDomainEvent => ({
  id: randomIds.next('event'),
  projectId: 'prj_events',
  type: 'io.understudy.operations.started.v1',
  subject: 'operations/op_1',
  at: start,
  data: { id: 'op_1' },
  ...overrides,
})

test('events come back in the order in which they were appended, with every field', async () => {
  const from = await events().lastSequence()
  const appended = [anEvent({ expiresAt: later(1000) }), anEvent({ data: null }), anEvent({ projectId: 'prj_other' })]
  await events().append(appended)
  const listed = await events().listAfter(from, { limit: 10 })
  expect(listed).toMatchObject(appended.map((event) => ({ expiresAt: undefined, ...event })))
  expect(listed.map(({ sequence }) => sequence)).toEqual(listed.map(({ sequence }) => sequence).toSorted((a, b) => a - b))
  expect(await events().listAfter(listed[0]!.sequence, { limit: 1 })).toEqual([listed[1]])
  expect(await events().listAfter(from, { limit: 10, projectId: 'prj_other' })).toEqual([listed[2]])
  expect(await events().lastSequence()).toBe(listed.at(-1)!.sequence)
})

test('types are picked by name, or by a beginning that ends in a dot', async () => {
  const from = await events().lastSequence()
  const [started, stepped, created] = [
    anEvent(),
    anEvent({ type: 'io.understudy.operations.step_succeeded.v1' }),
    anEvent({ type: 'io.understudy.resources.created.v1' }),
  ] as const
  await events().append([started, stepped, created])
  const ids = async (types: readonly string[]) => (await events().listAfter(from, { limit: 10, types })).map(({ id }) => id)
  expect(await ids(['io.understudy.operations.'])).toEqual([started.id, stepped.id])
  expect(await ids(['io.understudy.operations.started.v1', 'io.understudy.resources.'])).toEqual([started.id, created.id])
  expect(await ids(['io.understudy.operations'])).toEqual([])
  expect(await ids([])).toEqual([])
})

test('an event that commits late is never passed by, and holds up neither the writers nor anything but the readers', async () => {
  const from = await events().lastSequence()
  const slow = await connection.client()
  const insert = (id: string) =>
    `insert into domain_events (id, project_id, type, subject, at, data) values ('${id}', 'prj_slow', 't', 's', '2026-03-01T12:00:00Z', '{}')`
  await events().append([anEvent({ id: 'evt_before' })])
  await slow.query('begin')
  await slow.query(insert('evt_slow'))
  // The second writer gets the higher number and commits first.
  await events().append([anEvent({ id: 'evt_fast' })])
  expect((await events().listAfter(from, { limit: 10 })).map(({ id }) => id)).toEqual(['evt_before'])
  const resumeAt = await events().lastSequence()
  await slow.query('commit')
  expect((await events().listAfter(from, { limit: 10 })).map(({ id }) => id)).toEqual(['evt_before', 'evt_slow', 'evt_fast'])
  expect((await events().listAfter(resumeAt, { limit: 10 })).map(({ id }) => id)).toEqual(['evt_slow', 'evt_fast'])
})

test('a writer that rolls back lets the readers pass', async () => {
  const from = await events().lastSequence()
  const failing = await connection.client()
  await failing.query('begin')
  await failing.query(
    `insert into domain_events (id, project_id, type, subject, at, data) values ('evt_gone', 'p', 't', 's', '2026-03-01T12:00:00Z', '{}')`,
  )
  await events().append([anEvent({ id: 'evt_after' })])
  expect(await events().listAfter(from, { limit: 10 })).toEqual([])
  await failing.query('rollback')
  expect((await events().listAfter(from, { limit: 10 })).map(({ id }) => id)).toEqual(['evt_after'])
})

test('a reader beside many writers sees every event once, in order', async () => {
  const from = await events().lastSequence()
  const total = 300
  let writing = true
  const writers = Promise.all(
    Array.from({ length: 10 }, async (_, writer) => {
      for (let i = 0; i < total / 10; i++) {
        const event = anEvent({ projectId: 'prj_busy', id: `evt_busy_${writer}_${i}` })
        if (i % 2 === 0) await events().append([event])
        else await connection.database.transaction((stores) => stores.events.append([event]))
      }
    }),
  ).finally(() => {
    writing = false
  })
  const seen: string[] = []
  let position = from
  for (;;) {
    const last = !writing
    const page = await events().listAfter(position, { limit: 7 })
    for (const event of page) {
      expect(event.sequence).toBeGreaterThan(position)
      position = event.sequence
      seen.push(event.id)
    }
    if (page.length === 0 && last) break
  }
  await writers
  expect(seen).toHaveLength(total)
  expect(new Set(seen).size).toBe(total)
})

test('an event of a transaction that fails is not there', async () => {
  const from = await events().lastSequence()
  const failing = connection.database.transaction(async (stores) => {
    await stores.events.append([anEvent()])
    throw new Error('the change failed')
  })
  await expect(failing).rejects.toThrow('the change failed')
  expect(await events().listAfter(from, { limit: 10 })).toEqual([])
})
