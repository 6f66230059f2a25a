import { expect, test } from 'vitest'
import { later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const reconcilers = () => connection.database.stores.reconcilers

test('of many workers one takes a pass; it may take it again, and another only when its time is over', async () => {
  const workers = Array.from({ length: 8 }, (_, index) => `worker-${index}`)
  const taken = await Promise.all(workers.map((worker) => reconcilers().take('shadows', worker, start, later(1000))))
  expect(taken.filter(Boolean)).toHaveLength(1)
  const winner = workers[taken.indexOf(true)]!
  const loser = workers[taken.indexOf(false)]!
  expect(await reconcilers().take('shadows', winner, later(500), later(1500))).toBe(true)
  expect(await reconcilers().take('shadows', loser, later(1000), later(2000))).toBe(false)
  expect(await reconcilers().take('shadows', loser, later(1500), later(2500))).toBe(true)
})

test('the last pass of each is kept; one that was only taken has none to show', async () => {
  await reconcilers().take('inventory', 'worker', start, later(1))
  const failed = { name: 'orphans', lastRunAt: start, lastSuccessAt: undefined, lastError: 'timeout', nextRunAt: later(1000), result: null }
  await reconcilers().record(failed)
  expect((await reconcilers().list()).map(({ name }) => name)).not.toContain('inventory')
  expect(await reconcilers().list()).toContainEqual(failed)
  const succeeded = {
    ...failed,
    lastRunAt: later(1000),
    lastSuccessAt: later(1000),
    lastError: undefined,
    nextRunAt: later(2000),
    result: { found: 2 },
  }
  await reconcilers().record(succeeded)
  expect(await reconcilers().list()).toContainEqual(succeeded)
  expect(await reconcilers().list()).not.toContainEqual(failed)
})
