/** `npm run openapi`: writes openapi.yaml and the types of the client from the contract. A test says when it was forgotten. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { buildDocument } from '@understudy/api'
import { documentText, typesText } from '../tools/openapi-client/generate.ts'

const root = path.join(import.meta.dirname, '..')
const types = path.join(root, 'packages/contract/src/client/generated/openapi.ts')
const yaml = documentText(await buildDocument())
mkdirSync(path.dirname(types), { recursive: true })
writeFileSync(path.join(root, 'openapi.yaml'), yaml)
writeFileSync(types, await typesText(yaml))
process.stdout.write('wrote openapi.yaml and packages/contract/src/client/generated/openapi.ts\n')
