import { seededRandom } from '@understudy/core'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { ForecastError } from '../errors.ts'
import { fitForecaster } from '../fit-forecaster.ts'
import { regularSeries } from '../series/series.ts'
import { dailyDemand } from '../testing-series.ts'
import { ForecastPool, PoolError } from './index.ts'
import type { ForecastTask } from './index.ts'

vi.setConfig({ testTimeout: 120_000 })
const worker = { file: new URL('testing-worker.ts', import.meta.url).href, name: 'forecastOrBreak' }
const shared = new ForecastPool({ threads: 2 })
afterAll(() => shared.close())
const own: ForecastPool[] = []
const ownPool = (options: { threads: number; waitingMax?: number }): ForecastPool => {
  const pool = new ForecastPool({ ...options, worker })
  own.push(pool)
  return pool
}
afterEach(async () => {
  for (const pool of own.splice(0)) await pool.close()
})

const values = dailyDemand(seededRandom(1), 150, 5)
const task = (horizon: number): ForecastTask => ({ series: { values }, horizon })
const kindOf = (error: unknown): string => (error instanceof PoolError ? error.kind : String(error))

test('a thread answers as the caller’s own thread would, and the caller keeps its array', async () => {
  const paths = { count: 4, seed: 9 }
  const answer = await shared.forecast({ series: { values, cap: 130 }, horizon: 5, outcomes: 50, paths })
  const here = fitForecaster(regularSeries({ values: values.slice(0, 100), cap: 130 }), { horizon: 5 })
  here.update(values.subarray(100))
  expect(answer.distribution).toEqual(here.predict())
  expect(answer.paths).toEqual(here.paths(5, 4, seededRandom(9)))
  expect(answer.members).toEqual(here.members)
  expect(answer.assessment).toEqual(here.assess())
  expect(values).toHaveLength(150)
})

test.each([
  ['horizon', task(0)],
  ['values', { series: { values: [1, Infinity] }, horizon: 1 }],
  ['outcomes', { ...task(5), outcomes: 149 }],
  ['count', { ...task(5), paths: { count: 0, seed: 1 } }],
])('bad %s is the error that it is without threads', async (argument, bad) => {
  const refused = shared.forecast(bad)
  await expect(refused).rejects.toBeInstanceOf(ForecastError)
  await expect(refused).rejects.toMatchObject({ argument })
})

test('a thread that breaks fails its own task, says why, and is replaced; the tasks that wait are answered', async () => {
  const pool = ownPool({ threads: 1 })
  const [broken, waiting] = await Promise.allSettled([pool.forecast(task(7)), pool.forecast(task(3))])
  expect(broken).toMatchObject({ status: 'rejected', reason: { kind: 'crashed', message: expect.stringContaining('broken on purpose') } })
  expect(waiting).toMatchObject({ status: 'fulfilled' })
  expect((await pool.forecast(task(3))).distribution.values).toHaveLength(3)
})

test('a task that is called off fails at once, whether it waits or runs, and its thread serves the next', async () => {
  const pool = ownPool({ threads: 1 })
  const controller = new AbortController()
  const reason = new Error('no longer wanted')
  const runs = pool.forecast(task(8), { signal: controller.signal })
  const waits = pool.forecast(task(3), { signal: controller.signal })
  const goesOn = pool.forecast(task(2))
  controller.abort(reason)
  await expect(runs).rejects.toBe(reason)
  await expect(waits).rejects.toBe(reason)
  expect((await goesOn).distribution.values).toHaveLength(2)
  await expect(pool.forecast(task(3), { signal: controller.signal })).rejects.toBe(reason)
})

test('more than may wait is refused, and a list is taken only as fast as it is worked off', async () => {
  const pool = ownPool({ threads: 1, waitingMax: 1 })
  const settled = await Promise.allSettled([1, 2, 3].map((horizon) => pool.forecast(task(horizon))))
  expect(settled.map((one) => (one.status === 'rejected' ? kindOf(one.reason) : one.status))).toEqual(['fulfilled', 'fulfilled', 'full'])
  let taken = 0
  let most = 0
  function* many(): Generator<ForecastTask> {
    for (; taken < 12; taken++) {
      most = Math.max(most, pool.open)
      yield task(taken === 4 ? 7 : taken === 5 ? 0 : 1)
    }
  }
  const answers = new Map<number, string>()
  for await (const one of pool.forecastEach(many())) {
    answers.set(one.index, 'forecast' in one ? 'done' : `${one.error.name}`)
    expect(taken - answers.size).toBeLessThanOrEqual(3)
  }
  expect(most).toBeLessThanOrEqual(2)
  const expected = Array.from({ length: 12 }, (_, index) => [index, index === 4 ? 'PoolError' : index === 5 ? 'ForecastError' : 'done'])
  expect([...answers].sort(([a], [b]) => a - b)).toEqual(expected)
})

test('a pool that was closed answers what runs and refuses what comes', async () => {
  const pool = ownPool({ threads: 1 })
  const runs = pool.forecast(task(2))
  const closing = pool.close()
  await expect(pool.forecast(task(2)).catch(kindOf)).resolves.toBe('closed')
  expect((await runs).distribution.values).toHaveLength(2)
  await closing
})

test.each([
  ['threads', { threads: 0 }],
  ['waitingMax', { threads: 1, waitingMax: -1 }],
  ['megabytesPerThread', { threads: 1, megabytesPerThread: NaN }],
])('a pool refuses bad %s', (argument, options) => {
  expect(() => new ForecastPool(options)).toThrow(expect.objectContaining({ name: 'ForecastError', argument }))
})
