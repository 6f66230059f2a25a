import type { FittedMember, Member } from './member.ts'
import { dot, Ridge } from './ridge.ts'
import { History } from './member.ts'

/** Waves of the shortest period beside the lags. */
const harmonics = 3

/**
 * Ridge autoregression on near lags and the lags around each season, with Fourier terms, applied step by step to its own forecasts.
 * It needs the longest lag and as much again; so with day and week it takes part from four weeks on.
 */
export const laggedRidge: Member = {
  name: 'lagged-ridge',
  fit(values, { periods }) {
    const lags = lagsFor(periods)
    const longest = lags.at(-1)!
    if (periods.length === 0 || values.length < 2 * longest + 100) return undefined
    return fitLags(values, lags, periods[0]!)
  },
}

function lagsFor(periods: readonly number[]): readonly number[] {
  const around = periods.flatMap((period, which) => [period - 1, period, period + 1, ...(which === 0 ? [2 * period] : [])])
  return [...new Set([1, 2, 3, ...around])].filter((lag) => lag > 0).sort((a, b) => a - b)
}

function fitLags(values: Float64Array, lags: readonly number[], period: number): FittedMember | undefined {
  const columns = 1 + lags.length + 2 * harmonics
  const longest = lags.at(-1)!
  const regression = new Ridge(columns)
  const row = new Float64Array(columns)
  const waves = waveTable(period)
  const fill = (back: (lag: number) => number, index: number): void => {
    row[0] = 1
    for (let which = 0; which < lags.length; which++) row[1 + which] = back(lags[which]!)
    const slot = index % period
    for (let wave = 0; wave < 2 * harmonics; wave++) row[1 + lags.length + wave] = waves[slot * 2 * harmonics + wave]!
  }
  for (let index = longest; index < values.length; index++) {
    fill((lag) => values[index - lag]!, index)
    regression.add(row, values[index]!)
  }
  const model = regression.solve(2)
  if (model === undefined) return undefined
  const history = new History(values)
  return {
    predict(into) {
      for (let step = 0; step < into.length; step++) {
        fill((lag) => (lag <= step ? into[step - lag]! : history.back(lag - step)), history.length + step)
        // A recursion that grows is a failure that a clip keeps finite; the combination sees its loss.
        into[step] = Math.max(-1e6, Math.min(1e6, dot(row, model)))
      }
    },
    update: (value) => history.push(value),
  }
}

function waveTable(period: number): Float64Array {
  const table = new Float64Array(period * 2 * harmonics)
  for (let slot = 0; slot < period; slot++) {
    for (let wave = 0; wave < harmonics; wave++) {
      const angle = (2 * Math.PI * (wave + 1) * slot) / period
      table[slot * 2 * harmonics + 2 * wave] = Math.cos(angle)
      table[slot * 2 * harmonics + 2 * wave + 1] = Math.sin(angle)
    }
  }
  return table
}
