import { expect, test } from 'vitest'
import { staticCapacityAt, staticPools } from './static-pools.ts'
import { Tallies } from './tally.ts'

test('a static pool that is short as often lies between the two that are short more and less often', () => {
  const past = Float64Array.from({ length: 200 }, (_, hour) => hour + 1)
  const pools = staticPools(past)
  expect(pools).toMatchObject({
    'static: p97 of 14 days': 194,
    'static: p99 of 14 days': 198,
    'static: highest of 14 days + 10 %': expect.closeTo(220),
  })
  const tallies = new Tallies()
  for (let demand = 101; demand <= 300; demand++) for (const [name, capacity] of Object.entries(pools)) tallies.of(name).add(capacity, demand)
  tallies.endSeries()
  const mean = 200.5
  // 102 of 200 hours are above 198, and 100 above 200.
  expect(staticCapacityAt(tallies, 51)).toBeCloseTo(198 / mean)
  expect(staticCapacityAt(tallies, 45)).toBeCloseTo(210 / mean)
  expect(staticCapacityAt(tallies, 90)).toBeUndefined()
  expect(staticCapacityAt(tallies, 10)).toBeUndefined()
})
