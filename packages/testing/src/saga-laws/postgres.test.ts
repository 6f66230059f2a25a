import { randomIds, systemClock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { saga } from '@understudy/saga'
import type { StepDefinition } from '@understudy/saga'
import { afterAll, beforeAll, expect } from 'vitest'
import { z } from 'zod'
import { createTestDatabase } from '../postgres/index.ts'
import type { TestDatabase } from '../postgres/index.ts'
import { sagaLaws } from './index.ts'
import type { LawStore } from './index.ts'

type Shelf = Set<string>
const book = (title: string): Omit<StepDefinition<Shelf, object, object, string>, 'when'> => ({
  title: `Put ${title} on the shelf`,
  budget: { maxMs: 60_000 },
  run: async (shelf, context) => {
    await context.audit({ action: 'shelf.add', target: title })
    shelf.add(title)
    await context.note(`${title} is there.`)
    return title
  },
  undo: async (shelf, context) => {
    await context.audit({ action: 'shelf.remove', target: title })
    shelf.delete(title)
  },
})
const shelve = saga<Shelf, object>('shelve', { version: 1, params: z.object({}) })
  .step('first', book('first'))
  .step('extra', { ...book('extra'), when: () => false })
  .step('second', book('second'))
  .commit()
  .step('third', book('third'))
  .end()

let own: TestDatabase
let database: ReturnType<typeof openDatabase>
beforeAll(async () => {
  own = await createTestDatabase()
  database = openDatabase({ url: own.url, poolMax: 4, clock: systemClock(), connectTimeoutMs: 60_000 })
})
afterAll(async () => {
  await database.close()
  await own.drop()
})

async function makeStore(): Promise<LawStore> {
  const { operations } = database.stores
  return {
    store: database.sagas,
    async submit({ saga: kind, version, params, createdMs = 0, priority = 20 }) {
      const createdAt = new Date(createdMs)
      const id = randomIds.next('operation')
      const operation: Parameters<typeof operations.insertUnlocked>[0][number] = {
        ...{ id, projectId: randomIds.next('project'), kind, version, params, priority, createdAt, updatedAt: createdAt, status: 'pending' },
        ...{ resourceId: undefined, shadowId: undefined, plan: null, planHash: undefined, deadline: undefined, lockKey: undefined },
        ...{ requestedBy: 'key:laws', reason: 'the laws', startedAt: undefined, finishedAt: undefined, error: undefined, output: null },
        cancelRequestedAt: undefined,
      }
      await operations.insertUnlocked([operation])
      return id
    },
    async read(id) {
      const found = await operations.findById(id)
      if (found === undefined) throw new Error(`there is no operation ${id}`)
      const { events } = await operations.timeline(id)
      return { status: found.status, error: found.error, output: found.output, events }
    },
    async requestCancel(id) {
      await operations.requestCancel(id, new Date())
    },
  }
}

sagaLaws(shelve, {
  makeStore,
  makeWorld: async () => {
    const shelf: Shelf = new Set()
    return {
      deps: shelf,
      params: {},
      expectDone: (outputs) => {
        expect([...shelf]).toEqual(['first', 'second', 'third'])
        expect(outputs).toEqual({ first: 'first', extra: null, second: 'second', third: 'third' })
      },
      expectCleanSlate: () => expect([...shelf]).toEqual([]),
    }
  },
})
