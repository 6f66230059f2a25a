import type { Json } from '@understudy/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { useDatabase } from './testing/fixtures.ts'
import { jsonText, storable } from './stored-json.ts'

const connection = useDatabase()

test('any JSON can be stored, and what is read back is what was said it would be', async () => {
  const client = await connection.client()
  const anyJson = fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }) as fc.Arbitrary<Json>
  const odd = fc.constantFrom<Json>('\0', 'a\uD800', '\uDC00b', '\\u0000', { '\0': 1, k: ['\uDFFF'] }, null, -0)
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyJson, odd), async (value) => {
      const { rows } = await client.query('select $1::jsonb as stored', [jsonText(value)])
      expect(JSON.stringify(rows[0].stored)).toEqual(JSON.stringify(sortedLikePostgres(JSON.parse(JSON.stringify(storable(value))))))
    }),
    { numRuns: 200 },
  )
})

/** PostgreSQL keeps an object's keys by their length and then by their bytes. */
function sortedLikePostgres(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sortedLikePostgres(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, member]) => [key, Buffer.from(key), sortedLikePostgres(member ?? null)] as const)
  entries.sort(([, a], [, b]) => a.length - b.length || Buffer.compare(a, b))
  return Object.fromEntries(entries.map(([key, , member]) => [key, member]))
}

test('what can be stored is left as it is', () => {
  const value = { text: 'spelt out: \\u0000', emoji: '\u{1F600}' }
  expect(storable(value)).toEqual(value)
  expect(storable('plain')).toBe('plain')
})
