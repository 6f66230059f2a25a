/** So many of the last errors say how restless it is now, and this many usual ones are added to them, since they are few. */
const [recent, usual] = [12, 6]
/** More or less restless than these than usual says no more. */
const [least, most] = [0.5, 2]
/** A history this long, at least, says what is usual. */
const fewest = 48

/**
 * How far errors go just now, relative to what they usually do: a series whose forecasts strayed this morning strays more tonight too.
 * Scores of a conformal prediction are divided by it as it was when the forecast was made, as by `PlaceScale`. It is the root of how much
 * larger the last errors were, since a day later half of what made them so has passed.
 */
export class RecentScale {
  /** The sizes of the last errors: a ring, of which `next` is the oldest when it is full. */
  private readonly sizes: Float64Array
  private next = 0
  private kept = 0
  private sum = 0

  /** @param past errors one step ahead over the scale of their place, in the order of time; NaN where nothing is known */
  constructor(past: Float64Array) {
    this.sizes = new Float64Array(Math.max(fewest, past.length))
    for (const error of past) if (!Number.isNaN(error)) this.add(error)
  }

  add(error: number): void {
    if (this.kept === this.sizes.length) this.sum -= this.sizes[this.next]!
    else this.kept++
    this.sizes[this.next] = Math.abs(error)
    this.sum += this.sizes[this.next]!
    this.next = (this.next + 1) % this.sizes.length
  }

  /** 1 where nothing is known, or nothing is unusual. */
  now(): number {
    const { sizes, next } = this
    const count = Math.min(this.kept, recent)
    let sum = 0
    for (let back = 1; back <= count; back++) sum += sizes[(next - back + sizes.length) % sizes.length]!
    return this.relative(sum, count)
  }

  /** What it was before the error at `index` of `past`, by what is usual now. */
  before(past: Float64Array, index: number): number {
    let [sum, count] = [0, 0]
    for (let at = Math.max(0, index - recent); at < index; at++) {
      if (Number.isNaN(past[at])) continue
      sum += Math.abs(past[at]!)
      count++
    }
    return this.relative(sum, count)
  }

  /** @param sum of the last `count` sizes */
  private relative(sum: number, count: number): number {
    // What rounding leaves of a sum is no size.
    const mean = this.sum / Math.max(this.kept, 1)
    if (!(mean > 1e-12)) return 1
    return Math.sqrt(Math.max(least, Math.min(most, (usual * mean + sum) / (count + usual) / mean)))
  }
}
