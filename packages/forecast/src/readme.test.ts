import * as core from '@understudy/core'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { expect, test } from 'vitest'
import * as deviation from './deviation/index.ts'
import * as forecast from './index.ts'
import * as pool from './pool/index.ts'
import * as risk from './risk/index.ts'
import * as sizing from './sizing/index.ts'

const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8')
const examples = [...readme.matchAll(/```ts\n(.+?)```\n\n```text\n(.+?)```/gs)].map(([, code, output]) => ({ code: code!, output: output! }))

const packages: Readonly<Record<string, unknown>> = {
  core,
  forecast,
  'forecast/deviation': deviation,
  'forecast/pool': pool,
  'forecast/risk': risk,
  'forecast/sizing': sizing,
}

test('the README has an example of each capability, and each says what it prints', () => {
  expect(readme.match(/```ts\n/g)).toHaveLength(examples.length)
  const imported = new Set(examples.flatMap(({ code }) => [...code.matchAll(/from '@understudy\/(.+?)'/g)].map(([, name]) => name)))
  expect([...imported].sort()).toEqual(Object.keys(packages).sort())
})

test.each(examples)('example %# of the README prints what it says', { timeout: 120_000 }, async ({ code, output }) => {
  const body = code.replaceAll(
    /import (\{[^}]+\}) from '@understudy\/(.+?)'/g,
    (_import, names: string, from: string) => `const ${names} = packages['${from}']`,
  )
  const lines: string[] = []
  const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  const log = (...values: unknown[]): void => void lines.push(values.map(shown).join(' '))
  const run = runInThisContext(`async (packages, console) => {${body}}`) as (...given: unknown[]) => Promise<void>
  await run(packages, { log })
  expect(`${lines.join('\n')}\n`).toBe(output)
})
