import * as core from '@understudy/core'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { expect, test } from 'vitest'
import * as forecast from './index.ts'

const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8')
const examples = [...readme.matchAll(/```ts\n(.+?)```\n\n```text\n(.+?)```/gs)].map(([, code, output]) => ({ code: code!, output: output! }))

test('the README has its examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(3)
})

test.each(examples)('example $# of the README prints what it says', ({ code, output }) => {
  const body = code.replaceAll(/import (\{.+\}) from '@understudy\/(\w+)'/g, 'const $1 = $2')
  const lines: string[] = []
  const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  const log = (...values: unknown[]): void => void lines.push(values.map(shown).join(' '))
  const run = runInThisContext(`(core, forecast, console) => {${body}}`) as (...given: unknown[]) => void
  run(core, forecast, { log })
  expect(`${lines.join('\n')}\n`).toBe(output)
})
