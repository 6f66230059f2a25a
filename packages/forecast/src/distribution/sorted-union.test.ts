import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SortedUnion } from './sorted-union.ts'

// Few values, so that lists share many of them.
const list = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 30 }).map((values) => Float64Array.from(values).sort())

test('as a window moves along lists, their values are in order, and none is lost or twice there', () => {
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (lists, width) => {
      const union = new SortedUnion()
      const nothing = new Float64Array(0)
      lists.forEach((come, index) => {
        union.change(lists[index - width] ?? nothing, come)
        const within = lists.slice(Math.max(0, index - width + 1), index + 1).flatMap((values) => [...values])
        expect(Array.from(union.values.subarray(0, union.count))).toEqual(within.sort((a, b) => a - b))
      })
      union.clear()
      union.change(nothing, lists[0]!)
      expect(union.count).toBe(lists[0]!.length)
    }),
  )
})

test('lists may be longer than there was room for', () => {
  const union = new SortedUnion()
  const long = Float64Array.from({ length: 1500 }, (_, index) => index)
  union.change(new Float64Array(0), long)
  union.change(new Float64Array(0), long)
  expect(union.count).toBe(3000)
  expect(Array.from(union.values.subarray(2996, 3000))).toEqual([1498, 1498, 1499, 1499])
})
