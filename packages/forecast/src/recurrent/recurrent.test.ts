import { seededRandom } from '@understudy/core'
import type { Tensor2D } from '@tensorflow/tfjs-core'
import { afterAll, describe, expect, test } from 'vitest'
import { ForecastPool } from '../pool/index.ts'
import type { ForecastTask } from '../pool/index.ts'
import { regularSeries } from '../series/series.ts'
import { dailyDemand } from '../testing-series.ts'
import { forgetBias, runRecurrent } from './cell.ts'
import { loadTensorFlow } from './tensorflow.ts'
import { trainRecurrent } from './train.ts'

const pool = new ForecastPool({ threads: 1 })
const without = new ForecastPool({
  threads: 1,
  worker: { file: new URL('testing-worker-without-tensorflow.ts', import.meta.url).href, name: 'forecastWithout' },
})
afterAll(async () => {
  await pool.close()
  await without.close()
})

/** The logistic map: what follows is certain, and no linear model sees it. */
let state = 0.3
const chaotic = Float64Array.from({ length: 130 }, () => 10 + 10 * (state = 3.8 * state * (1 - state)))
const task = (values: Float64Array, seed?: number): ForecastTask => ({
  series: { values },
  horizon: 1,
  periods: [8],
  ...(seed === undefined ? {} : { recurrent: { seed } }),
})

describe('the recurrent member', { timeout: 120_000 }, () => {
  test('trains and predicts in a thread, and is in the combination where the backtest is better with it', async () => {
    const { members, notes, distribution } = await pool.forecast(task(chaotic, 1))
    expect(notes).toEqual([])
    expect(members.find(({ name }) => name === 'recurrent')?.weight).toBeGreaterThan(0.1)
    const plain = await pool.forecast(task(chaotic))
    expect(plain.members.map(({ name }) => name)).not.toContain('recurrent')
    const width = ({ values }: typeof distribution): number => values[0]!.at(-4)! - values[0]!.at(3)!
    expect(width(distribution)).toBeLessThan(width(plain.distribution))
    // The same seed gives the same answer, to the last digit.
    expect((await pool.forecast(task(chaotic, 1))).distribution).toEqual(distribution)
  })

  test('is left out where it does not earn its place, which is said', async () => {
    const values = dailyDemand(seededRandom(3), 130, 10)
    const answer = await pool.forecast(task(values, 1))
    expect(answer.members.map(({ name }) => name)).not.toContain('recurrent')
    expect(answer.notes).toEqual(['the recurrent network is not in the combination: the backtest is no better with it'])
    expect(answer.distribution).toEqual((await pool.forecast(task(values))).distribution)
  })

  test('is named as missing where its packages are not installed, and the engine works without', async () => {
    const answer = await without.forecast(task(chaotic, 1))
    expect(answer.notes).toEqual([expect.stringMatching(/@tensorflow\/tfjs-core.+not all installed/)])
    expect(answer.distribution).toEqual((await pool.forecast(task(chaotic))).distribution)
  })

  test('is not trained on a series that shows too little', async () => {
    const short = regularSeries({ values: chaotic.subarray(0, 30) })
    expect(await trainRecurrent(short, { horizon: 1, periods: [12], seed: 1 })).toMatchObject({ leftOut: expect.stringContaining('too few') })
    expect(await trainRecurrent(short, { horizon: 1, periods: [], seed: 1 })).toMatchObject({ leftOut: expect.stringContaining('no cycle') })
    await expect(trainRecurrent(short, { horizon: 1, seed: -1 })).rejects.toMatchObject({ name: 'ForecastError', argument: 'seed' })
  })

  test('predicts with the network that was trained', async () => {
    const tf = (await loadTensorFlow())!
    const random = seededRandom(2)
    const draw = (length: number): Float32Array => Float32Array.from({ length }, () => random.next() - 0.5)
    const [units, inputs, outputs, steps] = [3, 2, 4, 5]
    const weights = {
      ...{ units, inputs, outputs },
      kernel: draw((inputs + units) * 4 * units),
      bias: draw(4 * units),
      readOut: draw(units * outputs),
      readOutBias: draw(outputs),
    }
    const sequence = draw(steps * inputs)
    let [memory, shown]: [Tensor2D, Tensor2D] = [tf.zeros([1, units]), tf.zeros([1, units])]
    for (let step = 0; step < steps; step++) {
      const data = tf.tensor2d(sequence.slice(step * inputs, (step + 1) * inputs), [1, inputs])
      const kernel = tf.tensor2d(weights.kernel, [inputs + units, 4 * units])
      ;[memory, shown] = tf.basicLSTMCell(tf.scalar(forgetBias), kernel, tf.tensor1d(weights.bias), data, memory, shown)
    }
    const theirs = tf.add(tf.matMul(shown, tf.tensor2d(weights.readOut, [units, outputs])), weights.readOutBias).dataSync()
    const ours = runRecurrent(weights, Float64Array.from(sequence))
    ours.forEach((value, output) => expect(value).toBeCloseTo(theirs[output]!, 5))
  })
})
