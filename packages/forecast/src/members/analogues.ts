import type { FittedMember, Member } from './member.ts'
import { History } from './member.ts'

/** So many past situations most like the present one are followed. */
const followed = 8
/** How far back they are looked for, in cycles. */
const reach = 21
/** The last so many values count this often: what has just happened says most. */
const [justNow, countsAs] = [3, 3]
/** What a step away from the hour of the day, and what a different level of the last cycle, make a situation less alike. */
const [otherHour, otherLevel] = [0.1, 0.3]
/** The share of the difference of levels that is still there later. */
const keptLevel = 0.7

/**
 * What followed when the last cycle looked most like the present one: the method of analogues (Lorenz 1969), nearest neighbours in the
 * space of the last values. It knows no model, so it errs where others do not.
 */
export const analogues: Member = {
  name: 'analogues',
  fit(values, { periods, horizon }) {
    const period = periods[0]
    if (period === undefined || period < 6 || values.length < 4 * period) return undefined
    return new Analogues(values, period, horizon)
  },
}

class Analogues implements FittedMember {
  private readonly history: History
  private readonly period: number
  private readonly width: number
  private readonly horizon: number
  /** The nearest, in order: how unlike, so many steps before now, and its level. */
  private readonly nearest = { unlike: new Float64Array(followed), back: new Int32Array(followed), level: new Float64Array(followed) }
  /** By how much another hour of the day makes a situation less alike: by the steps back, within a cycle. */
  private readonly factors: Float64Array
  /** How many there were when it was found, and after how many values. */
  private kept = 0
  private keptAt = 0

  constructor(values: Float64Array, period: number, horizon: number) {
    this.history = new History(values)
    this.period = period
    this.width = Math.min(period, 24)
    this.horizon = horizon
    this.factors = Float64Array.from({ length: period }, (_, hours) => 1 + otherHour * Math.min(hours, period - hours))
  }

  update(value: number): void {
    this.history.push(value)
  }

  predict(into: Float64Array): void {
    const { history, period } = this
    const level = this.levelAt(0)
    const count = this.find(level)
    for (let step = 0; step < into.length; step++) {
      let sum = 0
      for (let which = 0; which < count; which++) {
        let back = this.nearest.back[which]! - step
        // What has not come yet is taken from a cycle before.
        if (back < 1) back += period * Math.ceil((1 - back) / period)
        sum += history.back(back) + keptLevel * (level - this.nearest.level[which]!)
      }
      into[step] = sum / count
    }
  }

  /** Fills `nearest`, and says how many there are. */
  private find(level: number): number {
    const enough = this.enough(level)
    const count = this.findWithin(level, enough)
    // Rounding of large values only.
    return count < followed && enough < Infinity ? this.findWithin(level, Infinity) : count
  }

  /** How unlike situations may be to count, as far as is known: those that followed the ones that counted last are as likely to count again. */
  private enough(level: number): number {
    if (this.kept < followed) return Infinity
    const last = this.last()
    let farthest = 0
    for (const before of this.nearest.back) {
      const back = before + this.history.length - this.keptAt
      if (back > last) return Infinity
      const factor = this.factors[back % this.period]!
      farthest = Math.max(farthest, factor * this.unlike(back, this.levelAt(back) - level, Infinity, factor))
    }
    return farthest * (1 + 1e-9) + 1e-9
  }

  /** @param enough what is less alike does not count */
  private findWithin(level: number, enough: number): number {
    const { history, width, nearest } = this
    const { values, length } = history
    const first = Math.min(this.horizon, this.period)
    const last = this.last()
    let count = 0
    let levelThere = this.levelAt(first)
    for (let back = first, hour = first % this.period; back <= last; back++, hour++) {
      const there = length - back
      if (back > first) levelThere += (values[there - width]! - values[there]!) / width
      if (hour === this.period) hour = 0
      const factor = this.factors[hour]!
      const limit = (count < followed ? enough : Math.min(enough, nearest.unlike[followed - 1]!)) / factor
      const unlike = this.unlike(back, levelThere - level, limit, factor)
      if (unlike < limit) count = this.keep(count, unlike * factor, back, levelThere)
    }
    this.kept = count
    this.keptAt = length
    return count
  }

  private last(): number {
    return Math.min(this.history.length - this.width, reach * this.period)
  }

  /** How unlike the values before a point are to the last ones, at the same hour; exact only where it is below `limit`. */
  private unlike(back: number, offset: number, limit: number, factor: number): number {
    const { width } = this
    const { values, length } = this.history
    const there = length - back
    let unlike = (width * otherLevel * Math.abs(offset)) / factor
    if (unlike >= limit) return unlike
    for (let lag = 1; lag <= justNow; lag++) unlike += countsAs * Math.abs(values[there - lag]! - values[length - lag]! - offset)
    for (let lag = justNow + 1; lag <= width && unlike < limit; lag++) unlike += Math.abs(values[there - lag]! - values[length - lag]! - offset)
    return unlike
  }

  /** By insertion, since there are few. */
  private keep(count: number, unlike: number, back: number, level: number): number {
    const { nearest } = this
    let place = Math.min(count, followed - 1)
    while (place > 0 && nearest.unlike[place - 1]! > unlike) {
      nearest.unlike[place] = nearest.unlike[place - 1]!
      nearest.back[place] = nearest.back[place - 1]!
      nearest.level[place] = nearest.level[place - 1]!
      place--
    }
    nearest.unlike[place] = unlike
    nearest.back[place] = back
    nearest.level[place] = level
    return Math.min(count + 1, followed)
  }

  /** Mean of the `width` values before the point that is `back` steps before now. */
  private levelAt(back: number): number {
    let sum = 0
    for (let lag = 1; lag <= this.width; lag++) sum += this.history.back(back + lag) / this.width
    return sum
  }
}
