import type { RouteContract } from '@understudy/contract'
import type { Principal, VerifyToken } from '@understudy/control'
import { assert } from '@understudy/core'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { z } from 'zod'
import type { AppDeps } from '../deps.ts'
import { answerEtag, seenVersion } from '../http/etag.ts'
import { fastifyUrl } from '../http/fastify-url.ts'
import type { PageScope, PageTokens } from '../http/page-tokens.ts'
import type { Answer, Call, Route } from '../http/route.ts'
import type { Streams } from '../streams/streams.ts'
import { authorise } from './authentication.ts'
import { beginOrReplay, idempotencyKey, remember } from './idempotency.ts'
import type { RateLimits } from './rate-limit.ts'

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | undefined
    idempotencyKey: string | undefined
  }
  interface FastifyContextConfig {
    contract?: RouteContract
  }
}

/** More is taken as this. */
const pageSizeMax = 1000

export interface Routing {
  readonly deps: AppDeps
  readonly tokens: PageTokens
  readonly limits: RateLimits
  readonly streams: Streams
  readonly verifyToken: VerifyToken
}

/**
 * Serves one route of the contract. The order is the order of what may be learnt: who asks, whether the route is for them, whether
 * they ask too often, what they ask, whether they asked it before; only then the handler.
 */
export function serve(app: FastifyInstance, { contract, handle }: Route, routing: Routing): void {
  const { deps, limits } = routing
  const { control } = deps
  app.route({
    method: contract.method,
    url: fastifyUrl(contract.url),
    schema: schemaOf(contract),
    config: { contract },
    bodyLimit: contract.access.role === 'ingest-key' ? deps.settings.ingestBodyLimitBytes : deps.settings.bodyLimitBytes,
    onRequest: async (request, reply) => {
      const principal = await limits.stranger(request, reply, () => authorise(control, request, contract.access.role))
      if (principal === undefined) return
      limits.key(principal.keyId, reply)
      request.principal = principal
      request.keyId = principal.keyId
      request.projectId = principal.projectId
    },
    preHandler: async (request, reply) => {
      const key = idempotencyKey(contract, request)
      if (contract.access.ifMatch) seenVersion(request.headers['if-match'])
      if (key === undefined) return
      const { projectId } = principalOf(request)
      if (await beginOrReplay(control, request, reply, { projectId, key, sealed: contract.access.secret === true })) return reply
    },
    handler: async (request, reply) => send(request, reply, await handle(callOf(contract, request, reply, routing))),
    onSend: async (request, reply, payload) => {
      await remember(control, request, reply, payload)
      return payload
    },
  })
}

/** Routes that have no parameters refuse any, so that a misspelt one is noticed; clouds and probes may send what they like. */
function schemaOf({ schema, access }: RouteContract): FastifySchema {
  const isStrict = access.role !== 'none' && access.role !== 'ingest-key'
  // The compilers that are set on the app know zod.
  return { ...schema, ...(isStrict ? { querystring: schema.querystring ?? noQuery } : {}) } as unknown as FastifySchema
}

const noQuery = z.strictObject({})

function callOf(contract: RouteContract, request: FastifyRequest, reply: FastifyReply, routing: Routing): Call {
  const { deps, tokens, streams, limits, verifyToken } = routing
  const query = (request.query ?? {}) as Record<string, unknown>
  const scope = (): PageScope => ({
    operationId: contract.schema.operationId,
    projectId: principalOf(request).projectId,
    query: { ...query, path: request.url.split('?', 1)[0] },
  })
  const page = {
    pageSize: typeof query['pageSize'] === 'number' ? Math.min(query['pageSize'], pageSizeMax) : 0,
    ...(typeof query['pageToken'] === 'string' ? { after: tokens.decode(scope(), query['pageToken']) } : {}),
  }
  return {
    control: deps.control,
    deps,
    // Routes without a key do not look at it; `principalOf` says so when one does.
    get principal() {
      return principalOf(request)
    },
    params: request.params,
    query,
    body: request.body,
    headers: request.headers,
    seenVersion: contract.access.ifMatch ? seenVersion(request.headers['if-match']) : 0,
    page,
    tokenFor: (after) => tokens.encode(scope(), after),
    streams,
    limits,
    verifyToken,
    request,
    reply,
  } as Call
}

function principalOf(request: FastifyRequest): Principal {
  assert(request.principal, 'a route that needs a principal demands a key')
  return request.principal
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status)
  if (answer.headers) reply.headers(answer.headers)
  if (answer.stream) {
    // A connection that has carried a stream is not used again: an idle one would hold up the end of the process.
    return reply.type('text/event-stream').headers({ 'x-accel-buffering': 'no', connection: 'close' }).send(answer.stream)
  }
  const etag = answer.status === 200 ? answerEtag(answer.body) : undefined
  if (etag !== undefined && !reply.hasHeader('etag')) reply.header('etag', etag)
  if (request.method === 'GET' && etag !== undefined && request.headers['if-none-match'] === etag) return reply.code(304).send()
  return reply.send(answer.body)
}
