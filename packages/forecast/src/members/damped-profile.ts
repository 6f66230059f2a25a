import type { Member } from './member.ts'
import { choosingSteps, History, searchGrid } from './member.ts'

interface State {
  readonly profile: Float64Array
  /** Mean of the profile, kept up to date. */
  mean: number
  deviation: number
}

/**
 * What the last days showed at the same hour, recent days more, mixed with the same hour a week ago, plus today's distance from it,
 * which fades: `y[t+k] = (1-ω) P[slot] + ω y[t+k-week] + ρ^k d`. Exponential weights after Brown (1959).
 */
export const dampedProfile: Member = {
  name: 'damped-profile',
  fit(values, { periods, horizon }) {
    const [period, week] = periods
    if (period === undefined || values.length < 3 * period) return undefined
    const steps = choosingSteps(period, horizon)
    const useWeek = week !== undefined && values.length >= week + period
    const grid = [[0.15, 0.3, 0.5], [0.5, 0.8, 0.9, 0.96, 0.99], [0.3, 0.6, 1], useWeek ? [0, 0.25, 0.5] : [0], [0, 0.35, 0.7, 1]]
    const lag = useWeek ? week : 0
    const [gain, decay, quickness, mix, share] = searchGrid(grid, [0.3, 0.9, 0.6, 0, 0.7], (at) => loss(values, period, lag, at, steps)) as number[]
    const state = start(values, period)
    const expected = (slot: number, weekAgo: number): number => (1 - mix!) * shapeOf(state, slot, share!) + mix! * weekAgo
    for (let index = period; index < values.length; index++) {
      const weekAgo = index >= lag && lag > 0 ? values[index - lag]! : shapeOf(state, index % period, share!)
      advance(state, index % period, values[index]!, expected(index % period, weekAgo), gain!, quickness!)
    }
    const history = new History(values)
    return {
      predict(into) {
        let ahead = state.deviation
        for (let step = 0; step < into.length; step++) {
          ahead *= decay!
          const slot = (history.length + step) % period
          into[step] = expected(slot, lag > 0 ? history.back(lag - (step % lag)) : 0) + ahead
        }
      },
      update(value) {
        const slot = history.length % period
        advance(state, slot, value, expected(slot, lag > 0 ? history.back(lag) : 0), gain!, quickness!)
        history.push(value)
      },
    }
  },
}

function start(values: Float64Array, period: number): State {
  const profile = values.slice(0, period)
  return { profile, mean: profile.reduce((sum, value) => sum + value, 0) / period, deviation: 0 }
}

/** The hour's profile, moved towards the mean of all hours: a share of 0 is a day without shape. */
function shapeOf({ profile, mean }: State, slot: number, share: number): number {
  return mean + share * (profile[slot]! - mean)
}

function advance(state: State, slot: number, value: number, expected: number, gain: number, quickness: number): void {
  state.deviation += quickness * (value - expected - state.deviation)
  const move = gain * (value - state.profile[slot]!)
  state.profile[slot] = state.profile[slot]! + move
  state.mean += move / state.profile.length
}

function loss(values: Float64Array, period: number, week: number, at: readonly number[], steps: readonly number[]): number {
  const [gain, decay, quickness, mix, share] = at as [number, number, number, number, number]
  const state = start(values, period)
  const decays = steps.map((step) => decay ** step)
  const expected = (target: number): number => {
    const profile = shapeOf(state, target % period, share)
    return mix > 0 && target >= week ? (1 - mix) * profile + mix * values[target - week]! : profile
  }
  let sum = 0
  for (let index = period; index < values.length; index++) {
    if (index >= 2 * period) {
      for (let which = 0; which < steps.length; which++) {
        const target = index + steps[which]! - 1
        if (target < values.length) sum += Math.abs(values[target]! - expected(target) - decays[which]! * state.deviation)
      }
    }
    advance(state, index % period, values[index]!, expected(index), gain, quickness)
  }
  return sum
}
