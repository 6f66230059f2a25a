import type { FittedMember, Member, Plan } from './member.ts'
import { choosingSteps, searchGrid } from './member.ts'
import { seasonalProfiles } from './profile.ts'

/** Errors beyond so many robust standard deviations count as so many (Huber 1964). */
const clip = 3

interface State {
  level: number
  deviation: number
  error: number
}

/**
 * Shrunken daily and weekly profile, around it an ARMA(1,1) whose level drifts:
 * `x[t] = level + φ (x[t-1] - level) + θ e[t-1] + e[t]`, `level += κ e[t]`, with clipped errors. Box, Jenkins §4.4 for the ARMA part.
 */
export const shrunkenArma: Member = {
  name: 'shrunken-arma',
  fit(values, plan) {
    if (values.length < Math.max(8, 2 * (plan.periods[0] ?? 1))) return undefined
    return fitArma(values, plan)
  },
}

function fitArma(values: Float64Array, { periods, horizon }: Plan): FittedMember {
  const profiles = seasonalProfiles(values, periods)
  const seasonal = (index: number): number => {
    let sum = 0
    for (const profile of profiles) sum += profile[index % profile.length]!
    return sum
  }
  const rest = values.map((value, index) => value - seasonal(index))
  const limit = clip * robustDeviation(rest)
  const steps = choosingSteps(periods[0] ?? 4, horizon)
  const parameters = searchGrid(
    [
      [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98],
      [-0.5, -0.25, 0, 0.25],
      [0.003, 0.01, 0.03, 0.07, 0.15],
    ],
    [0.8, 0, 0.01],
    (at) => loss(rest, at, limit, steps),
  )
  const [phi, theta, kappa] = parameters as [number, number, number]
  const state: State = { level: startLevel(rest), deviation: 0, error: 0 }
  for (const value of rest) advance(state, value, phi, theta, kappa, limit)
  let position = values.length
  return {
    predict(into) {
      let ahead = phi * state.deviation + theta * state.error
      for (let step = 0; step < into.length; step++) {
        into[step] = state.level + ahead + seasonal(position + step)
        ahead *= phi
      }
    },
    update(value) {
      advance(state, value - seasonal(position++), phi, theta, kappa, limit)
    },
  }
}

function advance(state: State, value: number, phi: number, theta: number, kappa: number, limit: number): void {
  const raw = value - state.level - phi * state.deviation - theta * state.error
  const error = Math.max(-limit, Math.min(limit, raw))
  state.level += kappa * error
  // The part of the error that was clipped is a spike, of which nothing stays.
  state.deviation = value - (raw - error) - state.level
  state.error = error
}

function loss(rest: Float64Array, [phi, theta, kappa]: readonly number[], limit: number, steps: readonly number[]): number {
  const state: State = { level: startLevel(rest), deviation: 0, error: 0 }
  const length = rest.length
  let sum = 0
  const decays = steps.map((step) => phi! ** (step - 1))
  for (let index = 0; index < length; index++) {
    if (index > 4) {
      const ahead = phi! * state.deviation + theta! * state.error
      for (let which = 0; which < steps.length; which++) {
        const target = index + steps[which]! - 1
        if (target < length) sum += Math.min(Math.abs(rest[target]! - state.level - decays[which]! * ahead), 2 * limit)
      }
    }
    advance(state, rest[index]!, phi!, theta!, kappa!, limit)
  }
  return sum
}

/** Median of the first values, which a first spike does not move. */
function startLevel(rest: Float64Array): number {
  const first = rest.slice(0, Math.min(rest.length, 48)).sort()
  return first[first.length >> 1]!
}

/** 1.48 times the median absolute step (the standard deviation of a normal one), never 0. */
function robustDeviation(rest: Float64Array): number {
  const moves = new Float64Array(rest.length - 1)
  let mean = 0
  for (let index = 0; index < moves.length; index++) {
    moves[index] = Math.abs(rest[index + 1]! - rest[index]!)
    mean += moves[index]! / moves.length
  }
  moves.sort()
  return Math.max(1.48 * moves[moves.length >> 1]!, 0.5 * mean, 1e-9)
}
