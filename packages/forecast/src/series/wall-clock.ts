import { ForecastError } from '../errors.ts'

const dayMs = 86_400_000
/** The times that a `Date` can hold. */
const latestMs = 8.64e15

/**
 * Where the steps of a series lie on the clocks of its time zone. People keep to those: with daylight saving the same habit is an hour
 * earlier in universal time. A cell is one step of the clock, 0 that of the first step; when clocks go forward a cell has no step, and
 * when they go back the cells of an hour have two. The zone's rules are those of the platform's time zone database (ECMA-402).
 */
export class WallClock {
  private readonly startMs: number
  private readonly stepMs: number
  private readonly format: Intl.DateTimeFormat
  private readonly first: number
  private readonly atDays = new Map<number, number>()

  /** @throws ForecastError naming `timeZone` when it is not in the database, `startMs` when no calendar reaches it */
  constructor({ startMs, stepMs, timeZone }: { readonly startMs: number; readonly stepMs: number; readonly timeZone: string }) {
    if (Math.abs(startMs) > latestMs) throw new ForecastError('startMs', `is ${startMs}, which no calendar reaches`)
    this.startMs = startMs
    this.stepMs = stepMs
    try {
      this.format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    } catch {
      throw new ForecastError('timeZone', `${timeZone} is not known`)
    }
    this.first = this.offsetMs(startMs)
  }

  /** The cell of a step of the series, which may lie beyond its end. A move of the clocks by less than half a step is none. */
  cellOf(index: number): number {
    const time = this.startMs + index * this.stepMs
    return index + Math.round((this.offsetMs(Math.max(-latestMs, Math.min(latestMs, time))) - this.first) / this.stepMs)
  }

  /** What local clocks are ahead of universal time, in milliseconds. Clocks move at most once a day, so that its ends are asked for first. */
  private offsetMs(time: number): number {
    const day = Math.floor(time / dayMs)
    const [before, after] = [this.atDay(day), this.atDay(day + 1)]
    return before === after ? before : this.askedOffsetMs(time)
  }

  private atDay(day: number): number {
    const known = this.atDays.get(day)
    if (known !== undefined) return known
    const offset = this.askedOffsetMs(Math.max(-latestMs, Math.min(latestMs, day * dayMs)))
    this.atDays.set(day, offset)
    return offset
  }

  private askedOffsetMs(time: number): number {
    const name = this.format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    // 'GMT', 'GMT-03:30', and in the nineteenth century 'GMT+00:53:28'.
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = /([+-])(\d+):(\d+)(?::(\d+))?/.exec(name) ?? []
    return (sign === '-' ? -1000 : 1000) * (3600 * Number(hours) + 60 * Number(minutes) + Number(seconds))
  }
}
