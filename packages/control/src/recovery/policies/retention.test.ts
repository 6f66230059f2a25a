import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Retention } from './policy.ts'
import { expired } from './retention.ts'

const at = new Date('2026-06-15T12:00:00Z')
const dayMs = 86_400_000
type Point = Parameters<typeof expired>[0][number]
const point = (ageDays: number, overrides: Partial<Point> = {}): Point => ({
  ...{ id: `rp-${ageDays}`, status: 'usable', capturedAt: new Date(at.getTime() - ageDays * dayMs), requestedBy: 'system:recovery-policies' },
  ...{ lockedUntil: undefined, deleteTime: undefined },
  ...overrides,
})
const days = (count: number): Point[] => Array.from({ length: count }, (_, index) => point(index))
const staying = (points: readonly Point[], retention: Retention): string[] => {
  const going = new Set(expired(points, retention, at).map(({ id }) => id))
  return points.filter(({ id }) => !going.has(id)).map(({ id }) => id)
}

test('by count: the newest ones stay', () => expect(staying(days(10), { count: 3 })).toEqual(['rp-0', 'rp-1', 'rp-2']))
test('by age: the younger ones stay', () => expect(staying(days(10), { maxAgeSeconds: 2.5 * 86_400 })).toEqual(['rp-0', 'rp-1', 'rp-2']))
test('several rules: what any of them wants stays', () =>
  expect(staying([point(0), point(1), point(2), point(40)], { count: 1, maxAgeSeconds: 86_400 * 1.5 })).toEqual(['rp-0', 'rp-1']))
test('grandfather, father, son: the last point of each period stays', () => {
  // 2026-06-15 is a Monday: the weeks before end on ages 1, 8, 15; the month before on age 15 (31 May), the one before on 46 (30 April).
  const generations = { daily: 3, weekly: 3, monthly: 3, yearly: 1 }
  expect(staying(days(60), { generations })).toEqual(['rp-0', 'rp-1', 'rp-2', 'rp-8', 'rp-15', 'rp-46'])
})
test('a day with several points keeps its last', () =>
  expect(staying([point(0.1), point(0.2), point(1.1), point(1.2)], { generations: { daily: 5 } })).toEqual(['rp-0.1', 'rp-1.1']))
test('what a person asked for stays, unless the rule takes it in', () => {
  const asked = [point(0), point(5, { requestedBy: 'key:key_1' }), point(6)]
  expect(staying(asked, { count: 1 })).toEqual(['rp-0', 'rp-5'])
  expect(staying(asked, { count: 1, includeRequested: true })).toEqual(['rp-0'])
})
test('no rule: everything stays', () => expect(staying(days(100), {})).toHaveLength(100))

const anyRetention = fc.record(
  {
    count: fc.integer({ min: 1, max: 20 }),
    maxAgeSeconds: fc.integer({ min: 60, max: 90 * 86_400 }),
    generations: fc.record({ daily: fc.integer({ min: 1, max: 9 }), weekly: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] }),
    includeRequested: fc.boolean(),
  },
  { requiredKeys: [] },
)
const anyPoints = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 60 }).chain((ages) =>
  fc.tuple(
    ...ages.map((age) =>
      fc.record({ locked: fc.boolean(), asked: fc.boolean() }).map(({ locked, asked }) =>
        point(age, {
          ...(locked ? { lockedUntil: new Date(at.getTime() + 1) } : {}),
          ...(asked ? { requestedBy: 'key:key_1' } : {}),
        }),
      ),
    ),
  ),
)

test('whatever the rules: locked ones stay, the newest stays, and what stays is not taken by a second look', () => {
  fc.assert(
    fc.property(anyPoints, anyRetention, (points, retention) => {
      const going = expired(points, retention, at)
      expect(going.some(({ lockedUntil }) => lockedUntil !== undefined)).toBe(false)
      const newest = points.toSorted((a, b) => b.capturedAt!.getTime() - a.capturedAt!.getTime())[0]
      expect(going.includes(newest!)).toBe(false)
      expect(
        expired(
          points.filter((kept) => !going.includes(kept)),
          retention,
          at,
        ),
      ).toEqual([])
    }),
    { numRuns: 100 },
  )
})
