import { gridLevels } from './distribution.ts'
import { widenedByFewErrors } from './few-errors.ts'
import { RecentErrors } from './recent-errors.ts'
import { SortedUnion } from './sorted-union.ts'

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
  private readonly errors: readonly RecentErrors[]
  private adaptation = 1

  constructor(horizon: number, size: number) {
    this.errors = Array.from({ length: horizon }, () => new RecentErrors(size))
  }

  /** @param step steps ahead, the first being 0 */
  add(step: number, error: number): void {
    this.errors[step]!.add(error)
  }

  /** An outcome, and whether the central 80 % that were told held it: misses widen, hits narrow, in balance at one miss in five. */
  adapt(isCovered: boolean): void {
    const change = 0.01 * ((isCovered ? 0 : 1) - 0.2)
    this.adaptation = Math.max(0.5, Math.min(4, this.adaptation * Math.exp(change)))
  }

  /** Scores at each of `gridLevels` for every step: times the scale of a place, distances from the point. Never falling. */
  offsets(): Float64Array[] {
    const window = new Window(this.errors)
    return this.errors.map((_, step) => {
      const nearest = this.nearest(step)
      window.moveTo(nearest)
      return this.offsetsOf(step, nearest, window.union)
    })
  }

  private offsetsOf(step: number, nearest: number, { values, count }: SortedUnion): Float64Array {
    const offsets = new Float64Array(gridLevels.length)
    if (count === 0) return offsets
    // A step without errors of its own takes those of the nearest, wider by the root of the time.
    const growth = Math.sqrt((step + 1) / (nearest + 1))
    const factor = growth * widening * this.adaptation
    const unseen = widenedByFewErrors(this.errors[step]!.inTime())
    const bias = quantileOf(values, count, 0.5)
    for (let index = 0; index < offsets.length; index++) {
      offsets[index] = growth * believedBias * bias + factor * unseen[index]! * (quantileOf(values, count, gridLevels[index]!) - bias)
    }
    return offsets
  }

  /** The last step up to this one that has a few errors: a short history leaves none to the far ones. */
  private nearest(step: number): number {
    let nearest = step
    while (nearest > 0 && this.errors[nearest]!.count < 3) nearest--
    return nearest
  }
}

/** The errors of a step and of its neighbours, as one goes from step to step. */
class Window {
  readonly union = sharedUnion
  private readonly errors: readonly RecentErrors[]
  /** The steps that are in it. */
  private first = 0
  private after = 0

  constructor(errors: readonly RecentErrors[]) {
    this.errors = errors
    this.union.clear()
  }

  /** @param step not before the one that it was moved to last */
  moveTo(step: number): void {
    const first = Math.max(0, step - neighbours)
    const after = Math.min(this.errors.length, step + neighbours + 1)
    while (this.first < first || this.after < after) {
      const gone = this.first < first && this.first < this.after ? this.errors[this.first++]!.bySize() : nothing
      const come = this.after < after ? this.errors[this.after++]!.bySize() : nothing
      this.union.change(gone, come)
    }
  }
}

const nothing = new Float64Array(0)
/** Kept for its room: each forecaster asks for its offsets at once. */
const sharedUnion = new SortedUnion()

/** Of the first `count` of ascending values, of which the i-th of n is at (i + ½)/n; linear between them, constant beyond. */
function quantileOf(sorted: Float64Array, count: number, level: number): number {
  const place = Math.max(0, Math.min(count - 1, level * count - 0.5))
  const below = Math.floor(place)
  const low = sorted[below]!
  return below + 1 < count ? low + (place - below) * (sorted[below + 1]! - low) : low
}
