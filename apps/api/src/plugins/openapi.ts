import swagger from '@fastify/swagger'
import { Problem, tags } from '@understudy/contract'
import type { RouteContract } from '@understudy/contract'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { tidyComponents } from '../openapi/components.ts'
import { describeOperation } from '../openapi/describe-operation.ts'
import { problemsOf } from '../openapi/problems.ts'
import { zodToJsonConfig } from '../openapi/zod-to-json.ts'

const transform = createJsonSchemaTransform({ zodToJsonConfig })
const transformObject = createJsonSchemaTransformObject({ zodToJsonConfig })

const description = `Understudy keeps a stand-in ready for every cloud resource a team cannot afford to lose, and moves traffic to it inside the
cloud's interruption notice.

- Whatever touches a cloud answers 202 with an operation: follow it at its \`Location\`.
- Errors are \`application/problem+json\`; \`type\` is a page that explains them.
- Everything that changes something takes an \`Idempotency-Key\`; a change of something that exists takes its ETag in \`If-Match\`.
- Lists have \`pageSize\` and \`pageToken\`. Times are RFC 3339 in UTC.
- Fields and values of enumerations may be added at any time: ignore what you do not know.`

/** Builds the OpenAPI document from the routes as they are registered. */
export async function openapi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Understudy',
        version: '1',
        description,
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: '/', description: 'Where this document came from' }],
      tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `usk_…`.' },
          ingestKey: { type: 'apiKey', in: 'header', name: 'x-understudy-ingest-key', description: 'The ingest key of the account.' },
          ingestQuery: { type: 'apiKey', in: 'query', name: 'key', description: 'The ingest key of the account, where nothing else can be set.' },
          ingestBasic: { type: 'http', scheme: 'basic', description: 'The ingest key of the account as the password, with any user name.' },
        },
      },
    },
    transform: (document) => {
      const transformed = transform(document)
      const { contract } = (document.route.config ?? {}) as { contract?: RouteContract }
      return contract === undefined ? transformed : { ...transformed, schema: describeOperation(contract, transformed.schema) }
    },
    transformObject: (document) => tidyComponents(transformObject(document)),
  })
  app.addHook('onRoute', (route) => {
    const { contract } = (route.config ?? {}) as { contract?: RouteContract }
    if (contract === undefined) return
    route.schema = { ...route.schema, response: { ...ownAnswers(contract), ...problemAnswers(contract) } } as FastifySchema
  })
}

const problemAnswers = (contract: RouteContract) =>
  Object.fromEntries(
    problemsOf(contract).map(({ status, description: text }) => [
      status,
      { description: text, content: { 'application/problem+json': { schema: Problem } } },
    ]),
  )

/** An answer without a body is one without content types, which the serialiser wants said. */
const ownAnswers = (contract: RouteContract) =>
  Object.fromEntries(Object.entries(contract.schema.response).map(([status, answer]) => [status, { content: {}, ...answer }]))
