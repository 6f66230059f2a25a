/** So many cycles say how often a place is at the least, and a share of them all below this is chance. */
const [cycles, fewestShare] = [14, 0.05]
/** So many cycles say whether it still is. */
const recentCycles = 2
/** Fewer values than these say nothing. */
const fewest = 24

/**
 * The least value that a series ever has, where it has it again and again: of starts an hour, none. There a part of the probability is at that
 * very value, which no distance from a point forecast shows, since forecasts are above it (a zero-inflated distribution; Lambert 1992). How large
 * the part is follows from how often the place of the cycle and, by half, its neighbours were there, and less where it has lately been
 * there less than before.
 */
export class LeastValue {
  /** In the unit of the values. */
  readonly value: number
  private readonly shares: Float64Array
  private readonly usual: number
  /** Whether each of the last values was the least: a ring. */
  private readonly recent: Uint8Array
  private next = 0
  private kept = 0
  private atLeast = 0

  /** @param values NaN where there is a gap */
  constructor(values: Float64Array, period: number) {
    this.value = Infinity
    for (const value of values) if (value < this.value) this.value = value
    const window = values.subarray(Math.max(0, values.length - Math.max(cycles * period, fewest)))
    const first = values.length - window.length
    const [hits, counts] = [new Float64Array(period), new Float64Array(period)]
    let [hit, count] = [0, 0]
    window.forEach((value, index) => {
      if (Number.isNaN(value)) return
      const place = (first + index) % period
      counts[place] = counts[place]! + 1
      count++
      if (value !== this.value) return
      hits[place] = hits[place]! + 1
      hit++
    })
    this.usual = count >= fewest ? hit / count : 0
    this.shares = hits.map((_, place) => shareAround(hits, counts, place))
    this.recent = new Uint8Array(Math.max(recentCycles * period, fewest))
    for (const value of values.subarray(Math.max(0, values.length - this.recent.length))) this.add(value)
  }

  /** Takes in what came; a gap says nothing. */
  add(value: number): void {
    if (Number.isNaN(value)) return
    if (this.kept === this.recent.length) this.atLeast -= this.recent[this.next]!
    else this.kept++
    this.recent[this.next] = value === this.value ? 1 : 0
    this.atLeast += this.recent[this.next]!
    this.next = (this.next + 1) % this.recent.length
  }

  /** How likely the value at `index` is the least, from 0 to 1: quantiles at levels up to it are not above `value`. */
  shareAt(index: number): number {
    if (this.usual < fewestShare) return 0
    return this.shares[index % this.shares.length]! * Math.min(1, this.atLeast / this.kept / this.usual)
  }
}

function shareAround(hits: Float64Array, counts: Float64Array, place: number): number {
  const { length } = hits
  const [before, after] = [(place + length - 1) % length, (place + 1) % length]
  const count = counts[place]! + (counts[before]! + counts[after]!) / 2
  return count > 0 ? (hits[place]! + (hits[before]! + hits[after]!) / 2) / count : 0
}
