import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorKinds, errorTable } from '@understudy/core'
import { expect, test } from 'vitest'
import { root } from './sources.ts'

const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8')

/** Heading to the text below it. */
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...body] = section.split('\n')
      return [heading.trim().replaceAll('`', ''), body.join('\n').trim()] as const
    }),
)

test('every error kind has its section in docs/errors.md, because the `type` of a problem points there', () => {
  expect(errorKinds.filter((kind) => !sections.has(kind))).toEqual([])
})

test.each(errorKinds)('the section of %s says more than its title', (kind) => {
  expect(sections.get(kind)?.length ?? 0).toBeGreaterThan(40)
  expect(sections.get(kind)).not.toBe(errorTable[kind].title)
})

test('docs/errors.md has no section for a kind that does not exist', () => {
  const kinds: readonly string[] = errorKinds
  expect([...sections.keys()].filter((heading) => /^[a-z_]+$/.test(heading) && !kinds.includes(heading))).toEqual([])
})
