import { expect, it } from 'vitest'
import { blockToken, checkBlockToken, pageToken, readPageToken } from './tokens.ts'

const dayMs = 86_400_000
const nowMs = 20_000 * dayMs + 5

it('tokens of blocks are good for their block and for seven days', () => {
  const token = blockToken('snap-1', 3, nowMs)
  expect(() => checkBlockToken(token, 'snap-1', 3, nowMs + 6 * dayMs)).not.toThrow()
  for (const [snapshot, index, atMs] of [
    ['snap-1', 3, nowMs + 7 * dayMs],
    ['snap-1', 4, nowMs],
    ['snap-2', 3, nowMs],
  ] as const)
    expect(() => checkBlockToken(token, snapshot, index, atMs)).toThrow(expect.objectContaining({ reason: 'INVALID_BLOCK_TOKEN' }))
})

it('tokens of pages are good for their list and for an hour', () => {
  const token = pageToken('snap-1', 700, nowMs)
  expect(readPageToken(token, 'snap-1', nowMs + 3_500_000)).toBe(700)
  for (const [of, atMs] of [
    ['snap-1', nowMs + 3_700_000],
    ['snap-2', nowMs],
  ] as const)
    expect(() => readPageToken(token, of, atMs)).toThrow(expect.objectContaining({ reason: 'INVALID_PAGE_TOKEN' }))
  expect(() => readPageToken('nonsense', 'snap-1', nowMs)).toThrow(expect.objectContaining({ reason: 'INVALID_PAGE_TOKEN' }))
})
