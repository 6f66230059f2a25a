import { describe, expect, test } from 'vitest'
import { isOpen, lastOccurrence, scheduleFault } from './schedule.ts'

const berlin = { timeZone: 'Europe/Berlin' } as const
const occurrencesFrom = (cron: string, from: string, to: string): string[] => {
  const found = new Set<string>()
  for (let ms = Date.parse(from); ms <= Date.parse(to); ms += 900_000) {
    const last = lastOccurrence({ ...berlin, cron }, new Date(ms))?.toISOString()
    if (last !== undefined && last >= new Date(from).toISOString()) found.add(last)
  }
  return [...found]
}

test('an occurrence has come about at its very moment, and not a second before', () => {
  const schedule = { ...berlin, cron: '30 2 * * *' }
  expect(lastOccurrence(schedule, new Date('2026-06-02T00:30:00.000Z'))).toEqual(new Date('2026-06-02T00:30:00Z'))
  expect(lastOccurrence(schedule, new Date('2026-06-02T00:30:00.999Z'))).toEqual(new Date('2026-06-02T00:30:00Z'))
  expect(lastOccurrence(schedule, new Date('2026-06-02T00:29:59.999Z'))).toEqual(new Date('2026-06-01T00:30:00Z'))
})

describe('where clocks are changed', () => {
  test('a local time that spring leaves out is made up for right after', () =>
    expect(occurrencesFrom('30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]))
  test('a local time that comes twice in autumn is taken once', () =>
    expect(occurrencesFrom('30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z')).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]))
  test('every hour stays every hour, both ways', () => {
    expect(occurrencesFrom('0 * * * *', '2026-03-29T00:00:00Z', '2026-03-29T03:00:00Z')).toHaveLength(4)
    expect(occurrencesFrom('0 * * * *', '2026-10-25T00:00:00Z', '2026-10-25T03:00:00Z')).toHaveLength(4)
  })
  test('a window keeps to the local clock', () => {
    const night = { ...berlin, cron: '* * * * *', window: { from: '02:00', to: '04:00' } }
    // Spring: from two to three does not exist, and the window is an hour short.
    expect(['00:59', '01:00', '01:59', '02:00'].map((time) => isOpen(night, new Date(`2026-03-29T${time}:00Z`)))).toEqual([false, true, true, false])
    // Autumn: from two to three comes twice, and the window is an hour longer.
    expect(
      ['23:59', '00:00', '01:30', '02:59', '03:00'].map((time, i) => isOpen(night, new Date(`2026-10-${i === 0 ? 24 : 25}T${time}:00Z`))),
    ).toEqual([false, true, true, true, false])
  })
})

test('a window past midnight belongs to the day on which it opened', () => {
  const weekend = { timeZone: 'UTC', cron: '* * * * *', window: { from: '22:00', to: '06:00', days: [6] } }
  const open = (at: string): boolean => isOpen(weekend, new Date(at))
  // 2026-06-06 is a Saturday.
  expect([open('2026-06-06T21:59:00Z'), open('2026-06-06T22:00:00Z'), open('2026-06-07T05:59:00Z'), open('2026-06-07T06:00:00Z')]).toEqual([
    false,
    true,
    true,
    false,
  ])
  expect(open('2026-06-06T02:00:00Z')).toBe(false)
  expect(open('2026-06-08T02:00:00Z')).toBe(false)
})

test.each([
  ['cron', { ...berlin, cron: 'now and then' }],
  ['cron', { ...berlin, cron: '61 * * * *' }],
  ['cron', { ...berlin, cron: '0 0 30 2 *' }],
  ['timeZone', { timeZone: 'Mars/Olympus', cron: '0 * * * *' }],
  ['window', { ...berlin, cron: '0 * * * *', window: { from: '02:00', to: '02:00' } }],
])('what is wrong is named: %s', (field, schedule) => expect(scheduleFault(schedule)).toMatchObject({ field }))

test('a schedule that can be kept has no fault', () => {
  expect(scheduleFault({ ...berlin, cron: '30 2 * * 1-5', window: { from: '22:00', to: '06:00' } })).toBeUndefined()
})
