import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { idOf, pageOf, pageQuery } from './page.ts'

const rows = Array.from({ length: 120 }, (_, index) => ({ id: String(index).padStart(4, '0') }))
const select = ({ after, limit }: { readonly after: string | undefined; readonly limit: number }) =>
  rows.filter((row) => after === undefined || row.id > after).slice(0, limit)

describe('pages', () => {
  test.each([
    [undefined, 50],
    [0, 1],
    [-3, 1],
    [7.9, 7],
    [1_000_000, 1000],
    [Number.NaN, 50],
  ])('a size of %s is brought to %s', (pageSize, size) => expect(pageQuery({ pageSize }).size).toBe(size))
  test('show every row once, in order, whatever their size, and end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 130 }), (pageSize) => {
        const seen: string[] = []
        let after: string | undefined
        for (let pages = 0; pages <= 120; pages++) {
          const { size, query } = pageQuery({ pageSize, after })
          const page = pageOf(select(query), size, idOf)
          seen.push(...page.items.map(idOf))
          after = page.nextAfter
          if (after === undefined) break
        }
        expect(seen).toEqual(rows.map(idOf))
      }),
    )
  })
  test('a last page that is exactly full has no next one', () => expect(pageOf(rows.slice(0, 50), 50, idOf)).not.toHaveProperty('nextAfter'))
})
