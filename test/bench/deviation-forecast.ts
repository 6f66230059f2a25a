const day = 288
/** Past forecasts start once an hour, after three days. */
export const originStep = 12
const firstOrigin = 3 * day

/**
 * A cheap forecast of 5-minute data, and the errors it would have made in the past: fifteen simple members, half of them medians, since load
 * comes in bursts; their median, weighted per quarter of the horizon by the fourth power of their inverse mean error.
 */
export function forecastWindows(past: Float64Array, points: number): { readonly errors: Float64Array; readonly predicted: Float64Array } {
  const view: View = { past, sums: sumsOf(past), profile: medianProfile(past, points) }
  const origins: number[] = []
  for (let origin = past.length - points; origin >= firstOrigin; origin -= originStep) origins.unshift(origin)
  const forecasts = origins.map((origin) => members(view, origin, points))
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
  const weights = misses.map((miss) => 1 / Math.max(miss, 1e-9) ** 4)
  const combine = (of: readonly Float64Array[]): Float64Array =>
    Float64Array.from({ length: points }, (_, point) =>
      weightedMedian(
        of.map((forecast) => forecast[point] ?? 0),
        of.map((_forecast, member) => weights[member * quarters + quarterOf(point)] ?? 0),
      ),
    )
  const errors = new Float64Array(origins.length * points)
  origins.forEach((origin, window) => {
    combine(forecasts[window] ?? []).forEach((value, point) => (errors[window * points + point] = (past[origin + point] ?? 0) - value))
  })
  return { errors, predicted: combine(members(view, past.length, points)) }
}

/** What the members look at. */
interface View {
  readonly past: Float64Array
  readonly sums: Float64Array
  /** What is usual at each time of the past and `points` ahead, by the days before it. */
  readonly profile: Float64Array
}

function sumsOf(past: Float64Array): Float64Array {
  const sums = new Float64Array(past.length + 1)
  past.forEach((value, t) => (sums[t + 1] = (sums[t] ?? 0) + value))
  return sums
}

/** At each time the median of the last seven days within half an hour of it. */
function medianProfile(past: Float64Array, points: number): Float64Array {
  return Float64Array.from({ length: past.length + points }, (_, t) => {
    const near: number[] = []
    for (let back = 1; back <= 7; back++) {
      for (let offset = -6; offset <= 6; offset += 3) {
        const value = past[t - back * day + offset]
        if (value !== undefined) near.push(value)
      }
    }
    return near.length === 0 ? 0 : median(near)
  })
}

function median(values: readonly number[] | Float64Array): number {
  const sorted = Float64Array.from(values).sort()
  return ((sorted[sorted.length >> 1] ?? 0) + (sorted[(sorted.length - 1) >> 1] ?? 0)) / 2
}

/** Where half of the weight is passed, linear between the middles of the two values around it. */
function weightedMedian(values: readonly number[], weights: readonly number[]): number {
  const order = values.map((value, index) => ({ value, weight: weights[index] ?? 0 })).sort((a, b) => a.value - b.value)
  const half = weights.reduce((sum, weight) => sum + weight, 0) / 2
  let passed = 0
  let before: { readonly value: number; readonly middle: number } | undefined
  for (const { value, weight } of order) {
    const middle = passed + weight / 2
    if (middle >= half)
      return before === undefined ? value : before.value + ((half - before.middle) / (middle - before.middle)) * (value - before.value)
    before = { value, middle }
    passed += weight
  }
  return before?.value ?? 0
}

function members({ past, sums, profile: usualAt }: View, origin: number, points: number): readonly Float64Array[] {
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
  const last = (count: number): number => median(past.subarray(origin - count, origin))
  let usualNow = 0
  for (let t = origin - 36; t < origin; t++) usualNow += (usualAt[t] ?? 0) / 36
  let usualDay = 0
  for (let t = origin - day; t < origin; t++) usualDay += (usualAt[t] ?? 0) / day
  const aside = last(36) - usualNow
  const each = (predict: (point: number) => number): Float64Array => Float64Array.from({ length: points }, (_, point) => predict(point))
  return [
    each(() => hour),
    each(() => sixHours),
    each(() => wholeDay),
    each((point) => around(origin + point - day, 6)),
    each((point) => profile(origin + point)),
    each((point) => (origin < 7 * day + points ? profile(origin + point) : around(origin + point - 7 * day, 6))),
    each((point) => profile(origin + point) + offset * Math.exp(-point / 72)),
    ...[12, 72, day].map((count) => last(count)).map((value) => each(() => value)),
    each((point) => usualAt[origin + point] ?? 0),
    ...[24, 72, day].map((fading) => each((point) => (usualAt[origin + point] ?? 0) + aside * Math.exp(-point / fading))),
    each((point) => (usualAt[origin + point] ?? 0) + wholeDay - usualDay),
  ]
}
