const day = 288
/** Past forecasts start once an hour, after three days. */
export const originStep = 12
const firstOrigin = 3 * day

/**
 * A cheap forecast of 5-minute data, and the errors it would have made in the past: seven simple members, weighted per quarter of
 * the horizon by the fourth power of their inverse mean error.
 */
export function forecastWindows(past: Float64Array, points: number): { readonly errors: Float64Array; readonly predicted: Float64Array } {
  const sums = new Float64Array(past.length + 1)
  past.forEach((value, t) => (sums[t + 1] = (sums[t] ?? 0) + value))
  const origins: number[] = []
  for (let origin = past.length - points; origin >= firstOrigin; origin -= originStep) origins.unshift(origin)
  const forecasts = origins.map((origin) => members(sums, origin, points))
  const quarters = 4
  const count = forecasts[0]?.length ?? 0
  const quarterOf = (point: number): number => Math.floor((point * quarters) / points)
  const misses = new Float64Array(count * quarters)
  origins.forEach((origin, window) => {
    for (let member = 0; member < count; member++) {
      for (let point = 0; point < points; point++) {
        const at = member * quarters + quarterOf(point)
        misses[at] = (misses[at] ?? 0) + Math.abs((past[origin + point] ?? 0) - (forecasts[window]?.[member]?.[point] ?? 0))
      }
    }
  })
  const combine = (of: readonly Float64Array[]): Float64Array =>
    Float64Array.from({ length: points }, (_, point) => {
      let [sum, mass] = [0, 0]
      of.forEach((forecast, member) => {
        const weight = 1 / Math.max(misses[member * quarters + quarterOf(point)] ?? 0, 1e-9) ** 4
        sum += weight * (forecast[point] ?? 0)
        mass += weight
      })
      return sum / mass
    })
  const errors = new Float64Array(origins.length * points)
  origins.forEach((origin, window) => {
    combine(forecasts[window] ?? []).forEach((value, point) => (errors[window * points + point] = (past[origin + point] ?? 0) - value))
  })
  return { errors, predicted: combine(members(sums, past.length, points)) }
}

function members(sums: Float64Array, origin: number, points: number): readonly Float64Array[] {
  const mean = (from: number, to: number): number => ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from)
  const days = Math.min(7, Math.floor(origin / day) - 1)
  const around = (t: number, reach: number): number => mean(Math.max(0, t - reach), Math.min(origin, t + reach + 1))
  const profile = (t: number): number => {
    let sum = 0
    for (let back = 1; back <= days; back++) sum += around(t - back * day, 3)
    return sum / days
  }
  const [hour, sixHours, wholeDay] = [mean(origin - 12, origin), mean(origin - 72, origin), mean(origin - day, origin)]
  let usual = 0
  for (let t = origin - 36; t < origin; t++) usual += profile(t) / 36
  const offset = mean(origin - 36, origin) - usual
  const each = (predict: (point: number) => number): Float64Array => Float64Array.from({ length: points }, (_, point) => predict(point))
  return [
    each(() => hour),
    each(() => sixHours),
    each(() => wholeDay),
    each((point) => around(origin + point - day, 6)),
    each((point) => profile(origin + point)),
    each((point) => (origin < 7 * day + points ? profile(origin + point) : around(origin + point - 7 * day, 6))),
    each((point) => profile(origin + point) + offset * Math.exp(-point / 72)),
  ]
}
