import { requireWhole } from '../requirements.ts'
import { autocorrelation } from './autocorrelation.ts'

/** Of a longer series the end is searched: a spectrum costs the square of the length. */
const longestSearched = 2048
/** A wave that chance shows once in a thousand series without any. */
const significance = 0.001
const cyclesNeeded = 4
const mostFound = 2
/** Of the variance that is left. */
const leastShare = 0.2
/** How much more a multiple of the wave must explain. */
const leastGain = 0.05

/**
 * Seasonal periods of `values`, in steps, that `known` ones do not explain: where the spectrum of what is left has a peak that chance
 * does not make (Fisher: Tests of significance in harmonic analysis, 1929), and the series repeats itself at that distance. What is
 * left is prewhitened by its first autocorrelation, so that a series that merely wanders shows no wave. Four cycles must be there. A
 * part of a known period is not found: the shape of that one has it. Gaps count for nothing. Ascending, two at most.
 * @throws ForecastError naming `known`
 */
export function findPeriods(values: Float64Array, known: readonly number[] = []): readonly number[] {
  for (const period of known) requireWhole('known', period, 2, Number.MAX_SAFE_INTEGER)
  const rest = centred(values.subarray(Math.max(0, values.length - longestSearched)))
  // Of a shape that was seen twice only, what it leaves of the second is the first upside down: waves of its own.
  for (const period of known) if (cyclesNeeded * period <= rest.length) removeShape(rest, period)
  const found: number[] = []
  while (found.length < mostFound) {
    const period = strongestPeriod(rest)
    if (period === undefined || [...known, ...found].some((other) => other % period === 0)) break
    removeShape(rest, period)
    found.push(period)
  }
  return found.sort((a, b) => a - b)
}

/** About 0 and within ±1, so that no square overflows. */
function centred(values: Float64Array): Float64Array {
  const seen = values.filter((value) => Number.isFinite(value))
  const mean = seen.reduce((sum, value) => sum + value / seen.length, 0)
  const largest = seen.reduce((most, value) => Math.max(most, Math.abs(value - mean)), 0)
  return values.map((value) => (largest > 0 ? (value - mean) / largest : 0))
}

function removeShape(rest: Float64Array, period: number): void {
  const sums = new Float64Array(period)
  const counts = new Float64Array(period)
  rest.forEach((value, index) => {
    if (!Number.isFinite(value)) return
    sums[index % period]! += value
    counts[index % period]! += 1
  })
  for (let index = 0; index < rest.length; index++) rest[index]! -= sums[index % period]! / counts[index % period]!
}

function strongestPeriod(rest: Float64Array): number | undefined {
  const length = rest.length
  const last = (length - 1) >> 1
  if (last < cyclesNeeded) return undefined
  const first = autocorrelation(rest, 1)
  const white = rest.map((value, index) => orNothing(value) - Math.max(0, first) * orNothing(rest[index - 1]))
  let total = 0
  let highest = 0
  let at = 0
  for (let wave = 1; wave <= last; wave++) {
    const power = powerAt(white, wave / length)
    total += power
    if (wave < cyclesNeeded || power <= highest) continue
    highest = power
    at = wave
  }
  // P(the largest of m equal shares is above g) is m(1 − g)^(m−1) at most.
  if (total <= 0 || last * (1 - highest / total) ** (last - 1) > significance) return undefined
  return repeatsAfter(rest, length / at)
}

/**
 * The whole number of steps after which the series repeats itself: about one wave, or some waves where the shape is no plain sine and
 * its highest harmonic was met first. Shapes of other periods average out.
 */
function repeatsAfter(rest: Float64Array, wave: number): number | undefined {
  let best: { readonly period: number; readonly share: number } | undefined
  for (const waves of [1, 2, 3, 4]) {
    const about = waves * wave
    const tolerance = Math.max(1, (about * wave) / (2 * rest.length))
    const tried = wholeNumbers(about - tolerance, about + tolerance)
      .filter((period) => period >= 2 && cyclesNeeded * period <= rest.length)
      .map((period) => ({ period, share: shareOfShape(rest, period) }))
    const fittest = tried.reduce<typeof best>((one, other) => (one !== undefined && one.share >= other.share ? one : other), undefined)
    if (fittest !== undefined && fittest.share > Math.max(leastShare, (best?.share ?? -1) + leastGain)) best = fittest
  }
  return best?.period
}

const wholeNumbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.floor(to) - Math.ceil(from) + 1 }, (_, index) => Math.ceil(from) + index)

/** Of the variance, the share that a mean per place of the period explains, adjusted for their number; up to 1. */
function shareOfShape(rest: Float64Array, period: number): number {
  const left = rest.slice()
  removeShape(left, period)
  return 1 - sumOfSquares(left) / (rest.length - period) / (sumOfSquares(rest) / rest.length)
}

const sumOfSquares = (values: Float64Array): number => values.reduce((sum, value) => sum + orNothing(value) ** 2, 0)
const orNothing = (value: number | undefined): number => (value !== undefined && Number.isFinite(value) ? value : 0)

/** Goertzel's algorithm. `frequency` in cycles per step. */
function powerAt(values: Float64Array, frequency: number): number {
  const coefficient = 2 * Math.cos(2 * Math.PI * frequency)
  let before = 0
  let last = 0
  for (const value of values) {
    const next = value + coefficient * last - before
    before = last
    last = next
  }
  return last * last + before * before - coefficient * last * before
}
