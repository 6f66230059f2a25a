import type { Member } from './member.ts'
import { choosingSteps, searchGrid } from './member.ts'
import { seasonalProfiles } from './profile.ts'

interface State {
  level: number
  trend: number
  readonly season: Float64Array
}

/** Per step the trend keeps so much of itself: an hourly trend says little about tomorrow. */
const damping = 0.9

/**
 * Additive Holt-Winters with damped trend and the shortest period, ETS(A,Ad,A) in the error-correction form of Hyndman et al.,
 * Forecasting with Exponential Smoothing (2008), §2.5. Without a period it is simple smoothing with a damped trend.
 */
export const exponentialSmoothing: Member = {
  name: 'exponential-smoothing',
  fit(values, { periods, horizon }) {
    const period = periods[0] ?? 1
    if (values.length < Math.max(4, 2 * period)) return undefined
    const first = values.subarray(0, Math.min(values.length, 4 * period))
    const season = periods.length > 0 ? seasonalProfiles(first, [period])[0]! : new Float64Array(1)
    const steps = choosingSteps(period, horizon)
    const isSeasonal = periods.length > 0
    const [alpha, beta, gamma] = searchGrid(
      [[0.03, 0.1, 0.25, 0.5, 0.8, 0.95], [0, 0.05], isSeasonal ? [0.02, 0.08, 0.2, 0.4] : [0]],
      [0.25, 0, isSeasonal ? 0.08 : 0],
      (at) => loss(values, start(first, season), at, steps),
    ) as [number, number, number]
    const state = start(first, season)
    values.forEach((value, index) => advance(state, index % period, value, alpha, beta, gamma))
    let position = values.length
    return {
      predict(into) {
        let rise = 0
        let trend = state.trend
        for (let step = 0; step < into.length; step++) {
          trend *= damping
          rise += trend
          into[step] = state.level + rise + state.season[(position + step) % period]!
        }
      },
      update: (value) => advance(state, position++ % period, value, alpha, beta, gamma),
    }
  },
}

function start(first: Float64Array, season: Float64Array): State {
  let level = 0
  const count = Math.min(first.length, Math.max(season.length, 4))
  for (let index = 0; index < count; index++) level += first[index]! / count
  return { level, trend: 0, season: Float64Array.from(season) }
}

function advance(state: State, slot: number, value: number, alpha: number, beta: number, gamma: number): void {
  const expected = state.level + damping * state.trend
  const error = value - expected - state.season[slot]!
  state.level = expected + alpha * error
  state.trend = damping * state.trend + alpha * beta * error
  state.season[slot] = state.season[slot]! + gamma * (1 - alpha) * error
}

function loss(values: Float64Array, state: State, [alpha, beta, gamma]: readonly number[], steps: readonly number[]): number {
  const period = state.season.length
  const skip = Math.min(period, values.length >> 1)
  let sum = 0
  for (let index = 0; index < values.length; index++) {
    if (index >= skip) {
      for (const step of steps) {
        const target = index + step - 1
        if (target >= values.length) continue
        const rise = beta === 0 ? 0 : (state.trend * damping * (1 - damping ** step)) / (1 - damping)
        sum += Math.abs(values[target]! - state.level - rise - state.season[target % period]!)
      }
    }
    advance(state, index % period, values[index]!, alpha!, beta!, gamma!)
  }
  return sum
}
