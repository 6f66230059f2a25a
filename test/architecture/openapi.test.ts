import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { buildDocument } from '@understudy/api'
import { routes } from '@understudy/contract'
import { errorKinds } from '@understudy/core'
import { expect, test } from 'vitest'
import { documentText, typesText } from '../../tools/openapi-client/generate.ts'

const root = path.join(import.meta.dirname, '../..')
const file = (name: string): string => readFileSync(path.join(root, name), 'utf8')

test('openapi.yaml is what the contract says; npm run openapi writes it', async () => {
  expect(documentText(await buildDocument())).toBe(file('openapi.yaml'))
})

test('the types of the client are those of openapi.yaml', async () => {
  expect(await typesText(file('openapi.yaml'))).toBe(file('packages/contract/src/client/generated/openapi.ts'))
})

/** Findings of the recommended rules that stay, each with its reason. */
const accepted: readonly { readonly rule: string; readonly pointer: RegExp; readonly reason: string }[] = [
  {
    rule: 'operation-4xx-response',
    pointer: /^#\/paths\/~1(healthz|readyz|metrics|openapi\.json)\//,
    reason: 'They take neither a key nor parameters, so that nothing about the request can be wrong.',
  },
]

test('openapi.yaml passes the recommended rules of a linter', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const problems = await lintFromString({ source: file('openapi.yaml'), absoluteRef: path.join(root, 'openapi.yaml'), config })
  const found = problems.map(({ ruleId, message, location }) => ({ rule: ruleId, pointer: location[0]?.pointer ?? '', message }))
  expect(found.filter(({ rule, pointer }) => !accepted.some((allowed) => allowed.rule === rule && allowed.pointer.test(pointer)))).toEqual([])
})

test('every route of the contract is in the document', () => {
  const document = file('openapi.yaml')
  expect(routes.length).toBeGreaterThan(50)
  for (const { schema } of routes) expect(document).toContain(`operationId: ${schema.operationId}\n`)
})

test('docs/errors.md explains every kind of problem', () => {
  const headings = [...file('docs/errors.md').matchAll(/^## (\w+)$/gm)].map(([, kind]) => kind)
  expect(headings).toEqual([...errorKinds])
})
