import { seededRandom } from '@understudy/core'
import type { Random } from '@understudy/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalCdf } from '../normal.ts'
import { calibrateDeviation, describeDeviation, DeviationWatch, ForecastError, surpriseOf } from './index.ts'
import type { DeviationCalibration } from './index.ts'

const points = 36
const options = { points, secondsPerPoint: 300, falseAlarmsPerMonth: 10 }

/** Errors that depend on each other in time, as those of real forecasts do. */
function errorsOf(random: Random, count: number, size = 1): Float64Array {
  let value = 0
  return Float64Array.from({ length: count }, (_, i) => {
    if (i % points === 0) value = 0
    value = 0.5 * value + size * (random.next() + random.next() + random.next() - 1.5)
    return value
  })
}
const calibrationOf = (seed: number, metrics: readonly string[] = ['cpu'], overrides: Partial<typeof options> = {}): DeviationCalibration => {
  const random = seededRandom(seed)
  return calibrateDeviation(Object.fromEntries(metrics.map((name) => [name, errorsOf(random, 200 * points)])), { ...options, ...overrides })
}
/** Watches errors to which `shift` is added from a point on. */
const watchWith = (calibration: DeviationCalibration, random: Random, shift: (point: number, metric: string) => number): DeviationWatch => {
  const watch = new DeviationWatch(calibration)
  const errors = new Map([...calibration.metrics.keys()].map((name) => [name, errorsOf(random, points)]))
  for (let point = 0; point < points; point++) {
    watch.observe(Object.fromEntries([...errors].map(([name, values]) => [name, (values[point] ?? 0) + shift(point, name)])))
  }
  return watch
}

describe('surprise', () => {
  const levels = Float64Array.from({ length: 99 }, (_, i) => (i + 1) / 100)
  test('of a true distribution is uniform: 10 % of values are less likely than 10 %', () => {
    const random = seededRandom(3)
    const predicted = { levels, values: levels }
    let rare = 0
    for (let i = 0; i < 20_000; i++) rare += surpriseOf(predicted, random.next()).probability < 0.1 ? 1 : 0
    expect(rare / 20_000).toBeCloseTo(0.1, 1.8)
  })
  test('rises with the value, is symmetric, finite, and the same in any unit', () => {
    // Numbers next to 0 have few digits, which another unit rounds away.
    const number = (largest: number) => fc.double({ min: -largest, max: largest, noNaN: true }).map((v) => (Math.abs(v) < 1e-200 ? 0 : v))
    const quantiles = fc.array(number(1e6), { minLength: 2, maxLength: 20 }).map((values) => Float64Array.from(values).sort())
    const value = number(1e9)
    fc.assert(
      fc.property(quantiles, value, value, (values, a, b) => {
        const predicted = { levels: Float64Array.from(values, (_, i) => (i + 1) / (values.length + 1)), values }
        const [low, high] = [surpriseOf(predicted, Math.min(a, b)), surpriseOf(predicted, Math.max(a, b))]
        expect(low.score).toBeLessThanOrEqual(high.score + 1e-9)
        for (const one of [low, high]) {
          expect(one.probability).toBeGreaterThan(0)
          expect(one.probability).toBeLessThanOrEqual(1)
        }
        const scaled = surpriseOf({ ...predicted, values: values.map((v) => 4 * v) }, 4 * a)
        expect(scaled.score).toBeCloseTo(surpriseOf(predicted, a).score, 6)
      }),
    )
  })
})

describe('watching for a deviation', () => {
  test('false alarms are as frequent as asked for', () => {
    let alarms = 0
    const rounds = 400
    for (let seed = 0; seed < 8; seed++) {
      const calibration = calibrationOf(100 + seed, ['cpu'], { falseAlarmsPerMonth: 24 })
      expect(calibration.alpha).toBeCloseTo(0.095, 2)
      const random = seededRandom(900 + seed)
      for (let i = 0; i < rounds / 8; i++) alarms += watchWith(calibration, random, () => 0).state().isAlarm ? 1 : 0
    }
    expect(alarms / rounds).toBeGreaterThan(0.04)
    expect(alarms / rounds).toBeLessThan(0.16)
  })
  test('a lasting shift is found, and its beginning lies in the interval', () => {
    const watch = watchWith(calibrationOf(1), seededRandom(2), (point) => (point >= 15 ? 2.5 : 0))
    expect(watch.state().isAlarm).toBe(true)
    const [found] = watch.explain()
    expect(found).toMatchObject({ metric: 'cpu', direction: 'higher' })
    expect(found?.change.from).toBeLessThanOrEqual(15)
    expect(found?.change.to).toBeGreaterThanOrEqual(15)
    expect(Math.abs((found?.change.at ?? 0) - 15)).toBeLessThanOrEqual(3)
    expect(watch.state().alarmAt).toBeGreaterThanOrEqual(15)
    expect(describeDeviation(watch.explain())[0]).toMatch(/^cpu is \d\.\d typical errors higher than predicted since point 1\d/)
  })
  test('a single spike is no alarm, however high', () => {
    const quiet = watchWith(calibrationOf(1), seededRandom(3), () => 0)
    const spiky = watchWith(calibrationOf(1), seededRandom(3), (point) => (point === 20 ? 1e6 : 0))
    expect(quiet.state().isAlarm).toBe(false)
    expect(spiky.state().isAlarm).toBe(false)
  })
  test('swings around what was predicted are told as swings', () => {
    const watch = watchWith(calibrationOf(1), seededRandom(4), (point) => (point % 2 === 0 ? 4 : -4))
    expect(watch.state().isAlarm).toBe(true)
    expect(watch.explain()[0]?.direction).toBe('unsteady')
  })
  test('metrics that each deviate a little are found together more often than alone', () => {
    const names = ['cpu', 'memory', 'network', 'disk']
    const found = (metrics: readonly string[]): number => {
      const calibration = calibrationOf(5, metrics, { falseAlarmsPerMonth: 3 })
      const random = seededRandom(6)
      let alarms = 0
      for (let i = 0; i < 60; i++) alarms += watchWith(calibration, random, () => 0.35).state().isAlarm ? 1 : 0
      return alarms
    }
    expect(found(names)).toBeGreaterThan(found(['cpu']))
  })
  test('the explanation puts the metric that changed first', () => {
    const watch = watchWith(calibrationOf(5, ['cpu', 'memory', 'network']), seededRandom(8), (point, metric) =>
      metric === 'memory' && point > 5 ? -3 : 0,
    )
    expect(watch.explain()[0]).toMatchObject({ metric: 'memory', direction: 'lower' })
  })
  test('evidence never falls or becomes NaN, a rarer alarm needs more of it, and the unit of the metric does not matter', () => {
    const strict = calibrationOf(1, ['cpu'], { falseAlarmsPerMonth: 0.1 })
    expect(strict.threshold).toBeGreaterThan(calibrationOf(1).threshold)
    const past = errorsOf(seededRandom(1), 200 * points)
    const thousandfold = calibrateDeviation({ cpu: past.map((error) => error * 1024) }, options)
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { minLength: 1, maxLength: points }), (errors) => {
        const [watch, scaled] = [new DeviationWatch(calibrationOf(1)), new DeviationWatch(thousandfold)]
        let before = 0
        for (const error of errors) {
          const { evidence } = watch.observe({ cpu: error })
          expect(evidence).toBeGreaterThanOrEqual(before)
          expect(scaled.observe({ cpu: error * 1024 }).evidence).toBeCloseTo(evidence, 6)
          before = evidence
        }
        for (const one of watch.explain()) expect(Number.isFinite(one.typicalErrors)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
  test('a metric that strayed shortly before has to stray further, one that strayed long ago does not', () => {
    const random = seededRandom(5)
    const [calm, wild] = [errorsOf(random, 190 * points), errorsOf(random, 10 * points, 4)]
    const after = (...parts: readonly Float64Array[]): number => {
      const past = Float64Array.from(parts.flatMap((part) => [...part]))
      const watch = new DeviationWatch(calibrateDeviation({ cpu: past }, { ...options, pointsBetweenPast: points }))
      for (let i = 0; i < points; i++) watch.observe({ cpu: 0.8 })
      return watch.state().evidence
    }
    expect(after(wild, calm)).toBeGreaterThan(1.5 * after(calm, wild))
  })
  test('a metric that never erred may still be watched, and a missing measurement is no evidence', () => {
    const calibration = calibrateDeviation({ cpu: new Float64Array(40 * points), disk: new Float64Array(40 * points) }, options)
    const watch = new DeviationWatch(calibration)
    for (let i = 0; i < 10; i++) expect(watch.observe({ cpu: 0 }).isAlarm).toBe(false)
    for (let i = 0; i < 20; i++) watch.observe({ cpu: 5, disk: undefined })
    expect(watch.state().isAlarm).toBe(true)
    expect(watch.explain()[0]?.metric).toBe('cpu')
  })
  test('a score of the distribution’s surprise serves as an error too', () => {
    const predicted = { levels: Float64Array.of(0.1, 0.5, 0.9), values: Float64Array.of(10, 20, 30) }
    expect(normalCdf(surpriseOf(predicted, 30).score)).toBeCloseTo(0.9, 5)
  })
})

describe('what cannot be watched names its argument', () => {
  const past = { cpu: new Float64Array(40 * points) }
  test.each([
    ['past', () => calibrateDeviation({}, options)],
    ['past.cpu', () => calibrateDeviation({ cpu: new Float64Array(points) }, options)],
    ['past.cpu[3]', () => calibrateDeviation({ cpu: past.cpu.map((v, i) => (i === 3 ? Number.NaN : v)) }, options)],
    ['past.disk', () => calibrateDeviation({ ...past, disk: new Float64Array(41 * points) }, options)],
    ['points', () => calibrateDeviation(past, { ...options, points: 0 })],
    ['options.falseAlarmsPerMonth', () => calibrateDeviation(past, { ...options, falseAlarmsPerMonth: 0 })],
    ['options.pointsBetweenPast', () => calibrateDeviation(past, { ...options, pointsBetweenPast: 0 })],
    ['errors.cpu', () => new DeviationWatch(calibrateDeviation(past, options)).observe({ cpu: Number.NaN })],
    ['errors.gpu', () => new DeviationWatch(calibrateDeviation(past, options)).observe({ gpu: 1 })],
    ['actual', () => surpriseOf({ levels: Float64Array.of(0.1, 0.9), values: Float64Array.of(0, 1) }, Number.NaN)],
    ['predicted.levels', () => surpriseOf({ levels: new Float64Array(), values: new Float64Array() }, 1)],
  ])('%s', (argument, act) => {
    try {
      act()
    } catch (error) {
      expect(error).toBeInstanceOf(ForecastError)
      expect((error as ForecastError).argument).toBe(argument)
      return
    }
    expect.unreachable()
  })
})
