import { seededRandom } from '@understudy/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { calibrateDeviation, DeviationWatch, surpriseOf } from './deviation/index.ts'
import * as engine from './index.ts'
import { ForecastPool } from './pool/index.ts'
import { jointLoss, LossRates, rankPairs, scoreCalibration } from './risk/index.ts'
import * as sizing from './sizing/index.ts'

/** What a caller may get wrong: numbers `x`, `y`, `n` and arrays `a`, `b`. */
interface Input {
  readonly a: readonly number[]
  readonly b: readonly number[]
  readonly x: number
  readonly y: number
  readonly n: number
}

const number = fc.oneof(
  fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, 2.5, 1e308, -1e308, 1e150, 5e-324, 10_000),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
)
const whole = fc.oneof(fc.constantFrom(0, -1, 1, 2, 24, 1.5, 10_000, NaN, Infinity), fc.integer({ min: 1, max: 40 }))
const finite = fc.double({ min: -1e100, max: 1e100, noNaN: true })
const array = fc.oneof(
  fc.constantFrom<number[]>([], [NaN], [1], [0, 0, 0, 0, 0, 0], [3, 1, 2], [1, 1, 2]),
  fc.array(number, { maxLength: 30 }),
  fc.array(finite, { maxLength: 30 }),
  fc.array(finite, { maxLength: 30 }).map((values) => values.sort((one, other) => one - other)),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }).map((values) => values.sort((one, other) => one - other)),
)
const inputs: fc.Arbitrary<Input> = fc.record({ a: array, b: array, x: number, y: number, n: whole })

const floats = (values: readonly number[]): Float64Array => Float64Array.from(values)
const distributionOf = ({ a, b }: Input): engine.Distribution => ({ levels: floats(a), values: [floats(b)] })
const steady = engine.regularSeries({ values: Array.from({ length: 60 }, (_, hour) => 10 + (hour % 24)) })
const tier = (name: string, leadSeconds: number, idleCostPerHour: number): sizing.ReadinessTier => ({ name, leadSeconds, idleCostPerHour })
const costs = (missingCostPerHour: number, periodSeconds: number): sizing.SizingCosts => ({ missingCostPerHour, periodSeconds })
const pools = ['a', 'b', 'c'].map((zone) => ({ type: 't', zone, region: 'r' }))
const joint = { downShare: [0.1, 0.2, 0.3], correlation: [1, 0.5, 0.2, 0.5, 1, 0.1, 0.2, 0.1, 1] }
const watched = { points: 3, secondsPerPoint: 300, falseAlarmsPerMonth: 1 }
const pastErrors = Float64Array.from({ length: 90 }, (_, index) => Math.sin(index))

const engineCalls: Readonly<Record<string, (input: Input) => unknown>> = {
  levelOf: (input) => engine.levelOf(distributionOf(input), input.n, input.x),
  quantile: (input) => engine.quantile(distributionOf(input), input.n, input.x),
  samplePaths: (input) => engine.samplePaths(distributionOf(input), [floats(input.a)], input.n, seededRandom(1)),
  crps: (input) => engine.crps(distributionOf(input), input.n, input.x),
  dieboldMariano: ({ a, b, n }) => engine.dieboldMariano(floats(a), floats(b), n),
  Scorecard: ({ a, b, x, n }) => {
    const card = new engine.Scorecard(n, 7)
    for (let index = 0; index < 20; index++)
      card.add({ actual: a[index] ?? 1, forecast: b[index] ?? 2, naive: x, level: a[0] ?? 0.5, crps: b[1] ?? 1 })
    return card.score()
  },
  verdictOf: ({ n }) => engine.verdictOf(new engine.Scorecard(n).score()),
  intervalScore: ({ a, b, x }) => engine.intervalScore(floats(a), floats(b), floats(b), x),
  maseScale: ({ a, n }) => engine.maseScale(floats(a), n),
  meanAbsoluteError: ({ a, b }) => engine.meanAbsoluteError(floats(a), floats(b)),
  smape: ({ a, b }) => engine.smape(floats(a), floats(b)),
  pinball: ({ a, x, y }) => engine.pinball(x, y, a[0] ?? 2),
  quantileLoss: ({ a, b }) => engine.quantileLoss(floats(a.slice(0, 1)), [floats(b)]),
  normalQuantile: ({ x }) => engine.normalQuantile(x),
  resample: ({ a, b, x }) => Array.from(engine.resample(a, b, { stepMs: x, rule: 'sum' }).values).filter((value) => !Number.isNaN(value)),
  findPeriods: ({ a, b }) => engine.findPeriods(floats(a), b),
  autocorrelation: ({ a, n }) => engine.autocorrelation(floats(a), n),
  seasonalPeriods: ({ a, b, x }) => engine.seasonalPeriods(floats(a), x, b),
  regularSeries: ({ a, x, y }) => {
    const { values, ...rest } = engine.regularSeries({ values: a, floor: x, cap: y, stepMs: x, startMs: y })
    return [rest, values.filter((value) => !Number.isNaN(value))]
  },
  fitForecaster: ({ a, b, n, x }) => {
    const forecaster = engine.fitForecaster(engine.regularSeries({ values: a, floor: -Infinity }), { horizon: n, periods: n > 5 ? [n] : [] })
    const before = [forecaster.predict(), forecaster.paths(1, 3, seededRandom(1)), forecaster.assess()]
    forecaster.update(b)
    return [before, forecaster.predict(), forecaster.assess(), forecaster.assess(x)]
  },
  fitJointly: ({ a, n }) => {
    const all = [a, a.toReversed()].map((values, index) => ({ name: `${index}`, series: engine.regularSeries({ values, floor: -Infinity }) }))
    return engine.fitJointly(all, { horizon: n }).map((forecaster) => forecaster.predict())
  },
}
const sizingCalls: Readonly<Record<string, (input: Input) => unknown>> = {
  correctForAccuracy: ({ x, y, n, a }) => sizing.correctForAccuracy(x, { nominal: y, exceeded: a[0] ?? 1, count: n }),
  AdaptiveLevel: ({ x, y }) => {
    const level = new sizing.AdaptiveLevel(x, y)
    level.update(true)
    return level.probability
  },
  AccuracyTracker: ({ x, y, n }) => {
    const tracker = new sizing.AccuracyTracker({ nominal: x, lead: n, memory: y })
    tracker.update(true)
    return tracker.measured()
  },
  RealisedLevelsGroup: () => new sizing.RealisedLevelsGroup().counts.total,
  RealisedLevels: ({ a, x, y, n }) => {
    const levels = new sizing.RealisedLevels({ lead: n })
    for (const one of [...a, x]) levels.update(one)
    return levels.ask(y)
  },
  exceedanceOf: ({ a, b, x }) => sizing.exceedanceOf({ levels: floats(a), values: floats(b) }, x),
  demandAt: ({ a, b, x }) => sizing.demandAt({ levels: floats(a), values: floats(b) }, x),
  requireDemand: ({ a, b }) => sizing.requireDemand({ levels: floats(a), values: floats(b) }),
  settleSize: ({ a, b, x, y }) => sizing.settleSize(x, y, { recentTargets: a, deadband: b[0] ?? 0.1, largestStep: b[1] ?? 0.5 }),
  requireTiers: ({ x, y, n }) => sizing.requireTiers([tier('hot', x, y)], costs(n, y)),
  tierBands: ({ x, y, n }) =>
    sizing
      .tierBands([tier('hot', 0, x), tier('warm', y, n)], costs(n, y))
      .map(({ fromProbability, toProbability }) => [fromProbability, toProbability]),
  sizePool: ({ a, b, x, n }) =>
    sizing.sizePool({ demand: { levels: floats(a), values: floats(b) }, tiers: [tier('hot', 0, 1)], costs: costs(n, 3600), current: { hot: x } }),
}
const otherCalls: Readonly<Record<string, (input: Input) => unknown>> = {
  surpriseOf: ({ a, b, x }) => surpriseOf({ levels: floats(a), values: floats(b) }, x),
  calibrateDeviation: ({ a, x, y, n }) =>
    calibrateDeviation({ cpu: floats(a) }, { points: n, secondsPerPoint: x, pointsBetweenPast: y, falseAlarmsPerMonth: 1 }).threshold,
  DeviationWatch: ({ a, x }) => {
    const watch = new DeviationWatch(calibrateDeviation({ cpu: pastErrors }, watched))
    return [watch.observe({ cpu: x }), watch.observe({ cpu: a[0] }), watch.explain()]
  },
  jointLoss: ({ x, y, n }) =>
    jointLoss(joint, [
      { pool: n, probability: x },
      { pool: 1, probability: y },
    ]),
  rankPairs: ({ a }) => rankPairs(joint, a),
  LossRates: ({ x, y, n }) => {
    const rates = new LossRates(pools)
    rates.add(n, { hours: x, losses: y })
    return rates.perHour(0)
  },
  scoreCalibration: ({ a, b }) => scoreCalibration(floats(a), Uint8Array.from(b)),
  ForecastPool: ({ x, n }) => {
    if (n >= 1 && Number.isInteger(n) && n <= 64) return undefined
    return new ForecastPool({ threads: n, waitingMax: x })
  },
}

/** Where in an answer a NaN is; undefined where there is none. */
function findNaN(value: unknown, path = 'answer'): string | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? path : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const entries = ArrayBuffer.isView(value) ? Array.from(value as Float64Array).entries() : Object.entries(value)
  for (const [key, entry] of entries) {
    const found = findNaN(entry, `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

test.each(Object.entries({ ...engineCalls, ...sizingCalls, ...otherCalls }))(
  'whatever %s is given, it answers without NaN, or says which argument is wrong',
  { timeout: 120_000 },
  (_name, call) => {
    let answered = 0
    let refused = 0
    fc.assert(
      fc.property(inputs, (input) => {
        try {
          expect(findNaN(call(input))).toBeUndefined()
          answered++
        } catch (error) {
          if (!(error instanceof engine.ForecastError)) throw error
          expect(error.argument).not.toBe('')
          refused++
        }
      }),
      { numRuns: 300, seed: 7 },
    )
    expect(answered + refused).toBeGreaterThan(0)
  },
)

test('every function of the engine and of sizing is in the table above', () => {
  const functions = (module: object): readonly string[] =>
    Object.entries(module).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))
  const known = ['ForecastError']
  expect(functions(engine).filter((name) => engineCalls[name] === undefined)).toEqual(known)
  expect(functions(sizing).filter((name) => sizingCalls[name] === undefined)).toEqual(known)
})

test('any finite history and any finite points after it are forecast without NaN', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(fc.array(finite, { minLength: 2, maxLength: 120 }), fc.array(finite, { maxLength: 40 }), (history, later) => {
      const forecaster = engine.fitForecaster(engine.regularSeries({ values: history, floor: -Infinity }), { horizon: 3 })
      forecaster.update(later)
      expect(findNaN([forecaster.predict(), forecaster.paths(3, 2, seededRandom(1)), forecaster.assess()])).toBeUndefined()
    }),
    { numRuns: 100 },
  )
})

test('the longest horizon is answered, and the next is refused', { timeout: 120_000 }, () => {
  const far = engine.fitForecaster(steady, { horizon: 2000 })
  far.update([10, 11])
  expect(findNaN([far.predict(), far.assess(), far.assess(1)])).toBeUndefined()
  expect(() => engine.fitForecaster(steady, { horizon: 2001 })).toThrow(expect.objectContaining({ argument: 'horizon' }))
})
