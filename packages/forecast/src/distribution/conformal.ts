import { gridLevels } from './distribution.ts'
import { widenedByFewErrors } from './few-errors.ts'

/** What errors of a backtest are widened by, since a future differs more than a past. A round number chosen as `docs/benchmarks.md` says. */
const widening = 1.1
/** Errors of so many steps before and after inform a step's quantiles. */
const neighbours = 2
/** The share of the errors’ median, their bias, that is believed: a bias of last week is only sometimes one of next week. */
const believedBias = 0.5

/**
 * Scores (actual minus forecast, over the scale of the place in the cycle) per step ahead, the newest `size` of each, and the quantiles that follow from them:
 * split conformal prediction (Vovk et al. 2005; Lei et al. 2018) on signed errors, pooled over neighbouring steps. New errors push
 * out old ones, and the width follows the coverage that was seen (Gibbs, Candès 2021).
 */
export class ErrorPool {
  private readonly errors: Float64Array[]
  private readonly counts: Uint32Array
  private readonly next: Uint32Array
  /** The errors of each step in ascending order, until one comes. */
  private readonly sorted: (Float64Array | undefined)[] = []
  private adaptation = 1

  constructor(horizon: number, size: number) {
    this.errors = Array.from({ length: horizon }, () => new Float64Array(size))
    this.counts = new Uint32Array(horizon)
    this.next = new Uint32Array(horizon)
  }

  /** @param step steps ahead, the first being 0 */
  add(step: number, error: number): void {
    const ring = this.errors[step]!
    ring[this.next[step]!] = error
    this.next[step] = (this.next[step]! + 1) % ring.length
    this.counts[step] = Math.min(ring.length, this.counts[step]! + 1)
    this.sorted[step] = undefined
  }

  /** An outcome, and whether the central 80 % that were told held it: misses widen, hits narrow, in balance at one miss in five. */
  adapt(isCovered: boolean): void {
    const change = 0.01 * ((isCovered ? 0 : 1) - 0.2)
    this.adaptation = Math.max(0.5, Math.min(4, this.adaptation * Math.exp(change)))
  }

  /** Scores at each of `gridLevels` for `step` (the first being 0): times the scale of a place, distances from the point. Never falling. */
  offsets(step: number): Float64Array {
    const pooled = this.pool(step)
    if (pooled.length === 0) return new Float64Array(gridLevels.length)
    const factor = widening * this.adaptation
    const unseen = widenedByFewErrors(this.errors[step]!, this.counts[step]!)
    const bias = quantileOf(pooled, 0.5)
    return gridLevels.map((level, index) => believedBias * bias + factor * unseen[index]! * (quantileOf(pooled, level) - bias))
  }

  /** In ascending order. A step without errors of its own, which a short history leaves, takes the nearest that has some, wider by the root of the time. */
  private pool(step: number): Float64Array {
    let nearest = step
    while (nearest > 0 && this.counts[nearest]! < 3) nearest--
    const growth = Math.sqrt((step + 1) / (nearest + 1))
    let pooled = this.sortedOf(nearest)
    for (let near = Math.max(0, nearest - neighbours); near <= Math.min(this.errors.length - 1, nearest + neighbours); near++) {
      if (near !== nearest) pooled = merged(pooled, this.sortedOf(near))
    }
    return growth === 1 ? pooled : pooled.map((error) => growth * error)
  }

  /** Each is sorted once for all the steps that it informs. */
  private sortedOf(step: number): Float64Array {
    return (this.sorted[step] ??= this.errors[step]!.slice(0, this.counts[step]).sort())
  }
}

/** Of ascending values, of which the i-th of n is at (i + ½)/n; linear between them, constant beyond. */
function quantileOf(sorted: Float64Array, level: number): number {
  const place = Math.max(0, Math.min(sorted.length - 1, level * sorted.length - 0.5))
  const below = Math.floor(place)
  const low = sorted[below]!
  return below + 1 < sorted.length ? low + (place - below) * (sorted[below + 1]! - low) : low
}

function merged(a: Float64Array, b: Float64Array): Float64Array {
  const both = new Float64Array(a.length + b.length)
  let [fromA, fromB] = [0, 0]
  for (let at = 0; at < both.length; at++) both[at] = fromB >= b.length || (fromA < a.length && a[fromA]! <= b[fromB]!) ? a[fromA++]! : b[fromB++]!
  return both
}
