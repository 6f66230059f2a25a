import type { FittedMember, Member } from '../members/member.ts'
import { History } from '../members/member.ts'
import { dot, Ridge } from '../members/ridge.ts'
import { columnsOf } from './columns.ts'
import type { Factor } from './factor.ts'

const penalty = 3
/** Waves of each period that the regression always has. */
const waves = { first: 8, others: 6 }
/** Fewer rows per column say more about chance than about the factors. */
const rowsPerColumn = 4

/**
 * Ridge regression with errors that fade (regression with ARMA errors; Hyndman, Athanasopoulos: Forecasting, §10): Fourier terms of
 * each period, the values whole cycles ago that are known at every step of the horizon, and the factors. What the last value was
 * beside it goes on by ρ per step. It takes part only where it earns its place, which is what gates factors that do not help.
 */
export function factorRegression(factors: readonly Factor[]): Member {
  return {
    name: 'factor-regression',
    mustEarn: true,
    fit(values, { periods, horizon }) {
      const period = periods[0]
      if (period === undefined) return undefined
      const lag = Math.ceil(horizon / period) * period
      const lags = [...new Set([lag, lag + period, ...periods.slice(1).map((longer) => Math.ceil(horizon / longer) * longer)])]
      return fitFactors(values, factors, periods, lags)
    },
  }
}

function fitFactors(values: Float64Array, factors: readonly Factor[], periods: readonly number[], lags: readonly number[]): FittedMember | undefined {
  const each = factors.map((factor) => columnsOf(factor, values.length, periods[0]!, lags[0]!))
  const frequencies = periods.flatMap((period, which) =>
    Array.from({ length: Math.min(which === 0 ? waves.first : waves.others, period >> 1) }, (_, wave) => (wave + 1) / period),
  )
  const columns = 1 + 2 * frequencies.length + lags.length + each.reduce((sum, { count }) => sum + count, 0)
  const longest = Math.max(...lags)
  if (values.length - longest < rowsPerColumn * columns) return undefined
  const row = new Float64Array(columns)
  const fill = (index: number, back: (lag: number) => number): Float64Array => {
    let at = 0
    row[at++] = 1
    for (const frequency of frequencies) {
      row[at++] = Math.cos(2 * Math.PI * frequency * index)
      row[at++] = Math.sin(2 * Math.PI * frequency * index)
    }
    for (const lag of lags) row[at++] = back(lag)
    for (const factor of each) {
      factor.fill(row, at, index)
      at += factor.count
    }
    return row
  }
  const regression = new Ridge(columns)
  for (let index = longest; index < values.length; index++)
    regression.add(
      fill(index, (lag) => values[index - lag]!),
      values[index]!,
    )
  const model = regression.solve(penalty)
  if (model === undefined) return undefined

  const rests = Float64Array.from({ length: values.length - longest }, (_, place) => {
    const index = longest + place
    return (
      values[index]! -
      dot(
        fill(index, (lag) => values[index - lag]!),
        model,
      )
    )
  })
  const fading = fadingOf(rests)
  let rest = rests[rests.length - 1]!
  const history = new History(values)
  return {
    predict(into) {
      let ahead = rest
      for (let step = 0; step < into.length; step++) {
        ahead *= fading
        into[step] =
          dot(
            fill(history.length + step, (lag) => history.back(lag - step)),
            model,
          ) + ahead
      }
    },
    update(value) {
      rest =
        value -
        dot(
          fill(history.length, (lag) => history.back(lag)),
          model,
        )
      history.push(value)
    },
  }
}

/** First autocorrelation, in [0, 0.98]. */
function fadingOf(rests: Float64Array): number {
  let square = 0
  let product = 0
  for (let index = 1; index < rests.length; index++) {
    square += rests[index - 1]! ** 2
    product += rests[index]! * rests[index - 1]!
  }
  return square > 0 ? Math.max(0, Math.min(0.98, product / square)) : 0
}
