import { expect, test } from 'vitest'
import type { Sent } from './load.ts'
import { printTraffic, reportTraffic } from './traffic-report.ts'

const answered = (atMs: number, instance: string, tookMs = 1): Sent => ({ atMs, tookMs, instance })

test('counts who answered what, before, around and after the switch, and every request that nobody answered', () => {
  const sent: Sent[] = [
    answered(900, 'i-a', 2),
    answered(1000, 'i-a', 4),
    { atMs: 1500, tookMs: 9, instance: undefined, failure: 'status 502' },
    answered(2000, 'i-b', 8),
    answered(7000, 'i-b', 1),
  ]
  const report = reportTraffic(sent.toReversed(), 1000, 2)
  expect(report).toMatchObject({ requests: 5, lost: 1, answeredPerSecond: 2, failures: ['status 502'] })
  expect(report.answeredBy).toEqual([
    { instance: 'i-a', requests: 2, firstMs: -100, lastMs: 0 },
    { instance: 'i-b', requests: 2, firstMs: 1000, lastMs: 6000 },
  ])
  expect(report.phases.map(({ requests, lost, slowestMs }) => [requests, lost, slowestMs])).toEqual([
    [1, 0, 2],
    [3, 1, 9],
    [1, 0, 1],
  ])
  const lines: string[] = []
  printTraffic(report, new Map([['i-a', 'former primary']]), (line) => lines.push(line))
  expect(lines).toContain('  1 failed request')
  expect(lines).toContain('    status 502')
  expect(lines.find((line) => line.includes('i-a'))).toMatch(/^ {2}i-a {2}former primary +2 +-0\.10 +0\.00$/)
})
