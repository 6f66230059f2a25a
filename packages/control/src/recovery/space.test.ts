import { expect, test } from 'vitest'
import { resourceSpace } from './space.ts'

const sum = (known: number, bytes: number) => ({ known, bytes })

test('a sum is known when it is known of every point, and otherwise it is said of how many it is not', () => {
  expect(resourceSpace({ points: 2, used: sum(2, 30), full: sum(2, 100), saved: sum(2, 70) })).toEqual({
    ...{ points: 2, usedBytes: 30, fullBytes: 100, savedBytes: 70, reason: undefined },
  })
  expect(resourceSpace({ points: 3, used: sum(3, 30), full: sum(1, 100), saved: sum(1, 90) })).toEqual({
    ...{ points: 3, usedBytes: 30, fullBytes: undefined, savedBytes: undefined },
    reason: 'What a full copy would take is unknown of 2 of 3 points.',
  })
  expect(resourceSpace({ points: 1, used: sum(0, 0), full: sum(0, 0), saved: sum(0, 0) })).toEqual({
    ...{ points: 1, usedBytes: undefined, fullBytes: undefined, savedBytes: undefined },
    reason: 'What the cloud keeps is unknown of 1 of 1 points; what a full copy would take is unknown of 1 of 1 points.',
  })
})

test('of no points it is nothing, which is known', () => {
  expect(resourceSpace({ points: 0, used: sum(0, 0), full: sum(0, 0), saved: sum(0, 0) })).toEqual({
    ...{ points: 0, usedBytes: 0, fullBytes: 0, savedBytes: 0, reason: undefined },
  })
})
