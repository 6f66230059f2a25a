import { gridLevels, interpolate } from './distribution.ts'
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
    pooled.sort()
    const places = Float64Array.from(pooled, (_, index) => (index + 0.5) / pooled.length)
    const factor = widening * this.adaptation
    const unseen = widenedByFewErrors(this.errors[step]!, this.counts[step]!)
    const bias = interpolate(places, pooled, 0.5)
    return gridLevels.map((level, index) => believedBias * bias + factor * unseen[index]! * (interpolate(places, pooled, level) - bias))
  }

  /** A step without errors of its own, which a short history leaves, takes the nearest that has some, wider by the root of the time. */
  private pool(step: number): Float64Array {
    let nearest = step
    while (nearest > 0 && this.counts[nearest]! < 3) nearest--
    const growth = Math.sqrt((step + 1) / (nearest + 1))
    const from = Math.max(0, nearest - neighbours)
    const to = Math.min(this.errors.length - 1, nearest + neighbours)
    let size = 0
    for (let near = from; near <= to; near++) size += this.counts[near]!
    const pooled = new Float64Array(size)
    let at = 0
    for (let near = from; near <= to; near++) {
      const count = this.counts[near]!
      for (let index = 0; index < count; index++) pooled[at++] = growth * this.errors[near]![index]!
    }
    return pooled
  }
}
