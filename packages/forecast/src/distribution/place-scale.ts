/** The share of what a place's errors show that is believed; the rest is the mean of all places, since a week shows each only a few times. */
const believed = 0.5

/**
 * How far errors go at each place of a cycle, relative to the mean of all: a busy hour errs by more than a quiet one. Scores of a
 * conformal prediction are divided by it (normalised scores; Papadopoulos et al. 2008), so that a quantile over all places fits each.
 * Neighbouring places inform one another by half.
 */
export class PlaceScale {
  private readonly relative: Float64Array

  /**
   * @param errors rows of `horizon` errors, in normal units; NaN where nothing is known
   * @param origins of each row: the index that its first error is at
   */
  constructor(errors: Float64Array, origins: Int32Array, horizon: number, period: number) {
    const sums = new Float64Array(period)
    const counts = new Float64Array(period)
    let sum = 0
    let count = 0
    errors.forEach((error, index) => {
      if (Number.isNaN(error)) return
      const place = (origins[Math.floor(index / horizon)]! + (index % horizon)) % period
      sums[place] = sums[place]! + Math.abs(error)
      counts[place] = counts[place]! + 1
      sum += Math.abs(error)
      count++
    })
    this.relative = new Float64Array(period).fill(1)
    if (period < 4 || !(sum > 0)) return
    for (let place = 0; place < period; place++) {
      const [before, after] = [(place + period - 1) % period, (place + 1) % period]
      const near = counts[place]! + (counts[before]! + counts[after]!) / 2
      const mean = near > 0 ? (sums[place]! + (sums[before]! + sums[after]!) / 2) / near : sum / count
      this.relative[place] = 1 - believed + (believed * mean) / (sum / count)
    }
  }

  /** At least `1 - believed`; 1 on average. */
  at(index: number): number {
    return this.relative[index % this.relative.length]!
  }
}
