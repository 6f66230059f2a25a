import type { FittedMember, Member, Plan } from '../members/member.ts'

/** What each surviving model said at each past origin. Row `o * horizon + k` is the forecast for the point `origins[o] + k`. */
export interface Backtest {
  /** How many points were known at each origin. */
  readonly origins: Int32Array
  readonly horizon: number
  readonly members: readonly { readonly member: Member; readonly forecasts: Float64Array }[]
}

/** Refits within the backtest: enough that parameters are not a week old, few enough to be fast. */
const blocks = 4
const leastHistory = 4

/**
 * Rolling-origin evaluation (Tashman 2000): every step of the last seven cycles is an origin, models are refitted at four of them
 * and moved on in between, and none ever sees a point after its origin.
 * @param values without gaps, in normal units
 */
export function backtest(values: Float64Array, members: readonly Member[], plan: Plan): Backtest {
  const length = values.length
  const first = firstOrigin(length, plan)
  const origins = Int32Array.from({ length: Math.max(0, length - first) }, (_, index) => first + index)
  const survivors = members.flatMap((member) => {
    const forecasts = runMember(member, values, origins, plan)
    return forecasts === undefined ? [] : [{ member, forecasts }]
  })
  return { origins, horizon: plan.horizon, members: survivors }
}

/** How many of `length` values are known at the first origin of the backtest. */
export function firstOrigin(length: number, plan: Plan): number {
  const period = plan.periods[0] ?? 1
  const least = Math.max(leastHistory, Math.min(length - 1, 4 * period), length >> 1)
  const window = Math.min(Math.max(7 * period, 48, 2 * plan.horizon), 400)
  return Math.max(least, length - window)
}

function runMember(member: Member, values: Float64Array, origins: Int32Array, plan: Plan): Float64Array | undefined {
  const { horizon } = plan
  const forecasts = new Float64Array(origins.length * horizon)
  const perBlock = Math.ceil(origins.length / blocks)
  let fitted: FittedMember | undefined
  for (let row = 0; row < origins.length; row++) {
    const origin = origins[row]!
    if (row % perBlock === 0) fitted = fitOrNothing(member, values.subarray(0, origin), plan)
    if (fitted === undefined) return undefined
    const into = forecasts.subarray(row * horizon, (row + 1) * horizon)
    fitted.predict(into)
    fitted.update(values[origin]!)
  }
  return forecasts.every(Number.isFinite) ? forecasts : undefined
}

/** A model that throws is a model that cannot be fitted: one defect must not take the other models' forecast away. */
export function fitOrNothing(member: Member, values: Float64Array, plan: Plan): FittedMember | undefined {
  try {
    return member.fit(values, plan)
  } catch {
    return undefined
  }
}
