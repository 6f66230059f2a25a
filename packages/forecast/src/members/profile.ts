/** Neighbouring hours err together, which makes means differ by chance more than independent noise would: about so many times. */
const colour = 2

/**
 * The mean of each place in a cycle, shrunken towards 0 by how little the places differ beyond chance: the positive-part rule of
 * James and Stein (Efron, Morris: Stein's estimation rule and its competitors, 1973).
 * @param values in normal units, level taken out; entry i is at place i mod period
 * @returns `period` numbers
 */
export function shrunkenProfile(values: Float64Array, period: number): Float64Array {
  const sums = new Float64Array(period)
  const squares = new Float64Array(period)
  const counts = new Uint32Array(period)
  for (let index = 0; index < values.length; index++) {
    const slot = index % period
    const value = values[index]!
    sums[slot] = sums[slot]! + value
    squares[slot] = squares[slot]! + value * value
    counts[slot] = counts[slot]! + 1
  }
  let within = 0
  let freedom = 0
  let between = 0
  for (let slot = 0; slot < period; slot++) {
    const count = Math.max(counts[slot]!, 1)
    const mean = sums[slot]! / count
    within += squares[slot]! - count * mean * mean
    freedom += count - 1
    between += (mean * mean) / period
    sums[slot] = mean
  }
  // One cycle cannot tell a shape from noise.
  if (freedom <= 0 || between === 0) return new Float64Array(period)
  const noise = within / freedom / (values.length / period)
  const kept = Math.max(0, 1 - (colour * noise) / between)
  return sums.map((mean) => mean * kept)
}

/**
 * The seasonal part of a history at each place of its longest period: the profile of each period in turn, taken from what the
 * shorter ones leave. The level is a centred mean over the shortest period.
 * @returns one array of length `period` per period
 */
export function seasonalProfiles(values: Float64Array, periods: readonly number[]): readonly Float64Array[] {
  const shortest = periods[0]
  if (shortest === undefined) return []
  const rest = withoutLevel(values, shortest)
  return periods.map((period) => {
    const profile = shrunkenProfile(rest, period)
    for (let index = 0; index < rest.length; index++) rest[index] = rest[index]! - profile[index % period]!
    return profile
  })
}

/** Winsorised at four mean absolute distances, so that one spike does not become a habit. */
function withoutLevel(values: Float64Array, period: number): Float64Array {
  const length = values.length
  const sums = new Float64Array(length + 1)
  for (let index = 0; index < length; index++) sums[index + 1] = sums[index]! + values[index]!
  const rest = new Float64Array(length)
  let spread = 0
  for (let index = 0; index < length; index++) {
    // At the ends the window moves inwards: it always holds a whole cycle.
    const from = Math.min(Math.max(0, index - (period >> 1)), Math.max(0, length - period))
    const to = Math.min(length, from + period)
    rest[index] = values[index]! - (sums[to]! - sums[from]!) / (to - from)
    spread += Math.abs(rest[index]!) / length
  }
  const most = 4 * spread
  return rest.map((value) => Math.max(-most, Math.min(most, value)))
}
