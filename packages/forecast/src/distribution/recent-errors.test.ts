import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentErrors } from './recent-errors.ts'

test('whatever comes and is pushed out, the newest are there by size', () => {
  const errors = fc.array(fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.integer({ min: -2, max: 2 })), { maxLength: 40 })
  fc.assert(
    fc.property(errors, errors, fc.integer({ min: 1, max: 9 }), (first, later, size) => {
      const recent = new RecentErrors(size)
      const come: number[] = []
      // Zeros of either sign are alike.
      const add = (error: number): void => {
        recent.add(error + 0)
        come.push(error + 0)
      }
      first.forEach(add)
      // From here on the order is kept, and not made anew.
      recent.bySize()
      for (const error of later) {
        add(error)
        const newest = come.slice(-size)
        expect(recent.count).toBe(newest.length)
        expect(Array.from(recent.bySize())).toEqual(newest.toSorted((a, b) => a - b))
        expect(Array.from(recent.inTime()).sort((a, b) => a - b)).toEqual(newest.toSorted((a, b) => a - b))
      }
    }),
  )
})
