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

  constructor(values: Float64Array, period: number, horizon: number) {
    this.history = new History(values)
    this.period = period
    this.width = Math.min(period, 24)
    this.horizon = horizon
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
    const { history, width, period, nearest } = this
    const { values, length } = history
    const first = Math.min(this.horizon, period)
    const last = Math.min(history.length - width, reach * period)
    let count = 0
    let levelThere = this.levelAt(first)
    for (let back = first; back <= last; back++) {
      const there = length - back
      if (back > first) levelThere += (values[there - width]! - values[there]!) / width
      const offset = levelThere - level
      const bound = count < followed ? Infinity : nearest.unlike[followed - 1]!
      const hours = Math.min(back % period, period - (back % period))
      const factor = 1 + otherHour * hours
      let unlike = (width * otherLevel * Math.abs(offset)) / factor
      const limit = bound / factor
      for (let lag = 1; lag <= width && unlike < limit; lag++) {
        const distance = Math.abs(values[there - lag]! - values[length - lag]! - offset)
        unlike += lag <= justNow ? countsAs * distance : distance
      }
      if (unlike < limit) count = this.keep(count, unlike * factor, back, levelThere)
    }
    return count
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
