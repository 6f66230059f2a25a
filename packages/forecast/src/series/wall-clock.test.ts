import { expect, test } from 'vitest'
import { ForecastError } from '../errors.ts'
import { regularSeries } from './series.ts'
import { WallClock } from './wall-clock.ts'

const [halfHour, hour] = [1_800_000, 3_600_000]
const cells = (timeZone: string, start: string, stepMs: number, count: number): readonly number[] => {
  const clock = new WallClock({ startMs: Date.parse(start), stepMs, timeZone })
  return Array.from({ length: count }, (_, index) => clock.cellOf(index))
}

test.each([
  ['go forward and skip a cell', 'Europe/Berlin', '2026-03-28T23:00Z', hour, [0, 1, 3, 4]],
  ['go back and show one twice', 'Europe/Berlin', '2026-10-24T23:00Z', hour, [0, 1, 1, 2]],
  ['go back and show four quarters twice', 'America/New_York', '2026-11-01T05:00Z', hour / 4, [0, 1, 2, 3, 0, 1, 2, 3, 4]],
  ['are moved by half an hour', 'Australia/Lord_Howe', '2026-10-03T14:30Z', halfHour, [0, 1, 3, 4]],
  ['leave a whole day out', 'Pacific/Apia', '2011-12-30T08:00Z', hour, [0, 1, 26, 27]],
  ['stand half an hour off and are not moved', 'Asia/Kolkata', '2026-03-28T23:00Z', hour, [0, 1, 2, 3]],
  ['move by less than half a step', 'Europe/Berlin', '2026-03-28T00:00Z', 24 * hour, [0, 1, 2, 3]],
])('clocks that %s', (_name, timeZone, start, stepMs, expected) => {
  expect(cells(timeZone, start, stepMs, expected.length)).toEqual(expected)
})

test('a step in the middle of a day of change is where the clock shows it, whatever was asked for before', () => {
  const clock = new WallClock({ startMs: Date.parse('2026-03-01T00:00Z'), stepMs: hour, timeZone: 'Europe/Berlin' })
  const inApril = 40 * 24
  expect(clock.cellOf(inApril)).toBe(inApril + 1)
  expect(clock.cellOf(28 * 24)).toBe(28 * 24)
  expect(clock.cellOf(28 * 24 + 1)).toBe(28 * 24 + 2)
})

test.each([
  ['timeZone', { startMs: 0, timeZone: 'Atlantis/Capital' }],
  ['startMs', { timeZone: 'Europe/Berlin' }],
  ['startMs', { startMs: 1e16, timeZone: 'Europe/Berlin' }],
])('a series refuses a bad %s', (argument, input) => {
  const act = (): unknown => regularSeries({ values: [1, 2], ...input })
  expect(act).toThrow(ForecastError)
  expect(act).toThrow(expect.objectContaining({ argument }))
})
