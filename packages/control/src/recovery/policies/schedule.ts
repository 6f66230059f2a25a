import { Cron } from 'croner'
import type { Schedule, Window } from './policy.ts'

const minutesOfDay = 24 * 60

/** Why it cannot be used, or `undefined`. */
export function scheduleFault({
  cron,
  timeZone,
  window,
}: Schedule): { readonly field: 'cron' | 'timeZone' | 'window'; readonly message: string } | undefined {
  if (!isTimeZone(timeZone)) return { field: 'timeZone', message: 'must be a time zone of the IANA database, such as Europe/Berlin' }
  try {
    if (parse(cron, timeZone).nextRun() === null) return { field: 'cron', message: 'never comes about' }
  } catch {
    return { field: 'cron', message: 'must be a cron expression of five fields, or six with seconds, such as 30 2 * * *' }
  }
  if (window !== undefined && window.from === window.to) return { field: 'window', message: 'must open: from and to are equal' }
  return undefined
}

/**
 * The last moment up to `at` at which the schedule asked for a capture, or `undefined` when it never did. A local time that the change
 * to summer time leaves out is taken as the first one after it; one that comes twice in autumn is taken once, unless the hour is `*`.
 */
export function lastOccurrence({ cron, timeZone }: Schedule, at: Date): Date | undefined {
  // Croner looks before the moment it is given, and in whole seconds.
  const after = new Date((Math.floor(at.getTime() / 1000) + 1) * 1000)
  return parse(cron, timeZone).previousRuns(1, after)[0]
}

/** The next moment after `at`, for people. */
export const nextOccurrence = ({ cron, timeZone }: Schedule, at: Date): Date | undefined => parse(cron, timeZone).nextRun(at) ?? undefined

/** Whether a capture may begin, by the local clock: while an hour comes twice it is open, or closed, both times. */
export function isOpen({ timeZone, window }: Schedule, at: Date): boolean {
  if (window === undefined) return true
  const { minute, day } = localTime(at, timeZone)
  const from = minuteOf(window.from)
  const length = (minuteOf(window.to) - from + minutesOfDay) % minutesOfDay
  const since = (minute - from + minutesOfDay) % minutesOfDay
  // After midnight it is still the window of the day before.
  const openedOn = minute < from ? (day === 1 ? 7 : day - 1) : day
  return since < length && isDay(window, openedOn)
}

const isDay = ({ days }: Window, day: number): boolean => days === undefined || days.includes(day)
const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

function localTime(at: Date, timeZone: string): { readonly minute: number; readonly day: number } {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return { minute: Number(parts['hour']) * 60 + Number(parts['minute']), day: weekdays.indexOf(parts['weekday'] ?? '') + 1 }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** `paused`: it is a calculator here, and starts no timer. */
const parse = (cron: string, timezone: string): Cron => new Cron(cron, { timezone, paused: true })
