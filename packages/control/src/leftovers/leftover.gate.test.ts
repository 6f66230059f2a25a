import { expect, test } from 'vitest'
import { isNobodys } from './leftover.gate.ts'

const of = (tags: Readonly<Record<string, string>>) => ({ kind: 'address', nativeId: 'a', tags }) as const

test.each([
  ['its resource has nothing under way', { 'understudy:resource': 'res_1' }, ['res_2', undefined], true],
  ['its resource has something under way', { 'understudy:resource': 'res_1' }, ['res_1'], false],
  ['it does not say whose it was made for', {}, [], false],
] as const)('%s', (_when, tags, busy, expected) => {
  expect(isNobodys(of(tags), new Set(busy))).toBe(expected)
})
