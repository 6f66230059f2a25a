import { refusedForEndpoint } from '@understudy/control'
import Fastify, { LogController } from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { AppDeps } from './deps.ts'
import { fastifyLogger } from './http/fastify-logger.ts'
import { guardedKeySets } from './http/fetch-key-set.ts'
import { keySets } from './http/key-sets.ts'
import { createPageTokens } from './http/page-tokens.ts'
import { tokenVerifier } from './http/verify-token.ts'
import { zodValidator } from './http/validate.ts'
import { jsonBodies, jsonWhateverItSays } from './plugins/body-parsers.ts'
import { openapi } from './plugins/openapi.ts'
import { problemDetails, sendProblem } from './plugins/problem-details.ts'
import { rateLimits } from './plugins/rate-limit.ts'
import { requestContext, requestIds } from './plugins/request-context.ts'
import { serve } from './plugins/routing.ts'
import { refuseBrokenRequest } from './plugins/broken-requests.ts'
import { unreadBodies } from './plugins/unread-bodies.ts'
import { routes } from './routes/index.ts'
import { createStreams } from './streams/streams.ts'
import { serializerCompiler } from 'fastify-type-provider-zod'

/** The whole API, ready to be injected into or to listen. Nothing outside is touched until a request comes. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { control, settings, logger } = deps
  const problems = { errorsUrl: settings.errorsUrl, logger }
  const app: FastifyInstance = Fastify({
    loggerInstance: fastifyLogger(deps.logger),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIds(control.ids),
    requestIdHeader: false,
    bodyLimit: settings.bodyLimitBytes,
    requestTimeout: settings.requestTimeoutMs,
    // Of an idle socket; streams keep theirs alive with heartbeats.
    connectionTimeout: settings.requestTimeoutMs + settings.streamHeartbeatMs * 2,
    keepAliveTimeout: 65_000,
    http: { headersTimeout: 15_000, maxHeaderSize: 16_384 },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    exposeHeadRoutes: false,
    clientErrorHandler: refuseBrokenRequest(control.ids, settings.errorsUrl),
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply, problems),
  })
  app.setValidatorCompiler(zodValidator as never)
  app.setSerializerCompiler(serializerCompiler as never)
  problemDetails(app, problems)
  requestContext(app, { clock: control.clock, metrics: deps.metrics, logger })
  unreadBodies(app)
  app.decorateRequest('principal', undefined)
  app.decorateRequest('idempotency', undefined)
  jsonBodies(app)
  await openapi(app)

  const streams = createStreams(control, logger, settings)
  app.addHook('preClose', (next) => {
    streams.close()
    next()
  })
  const routing = {
    deps,
    streams,
    tokens: createPageTokens(settings.tokenKey),
    limits: rateLimits(control.clock, settings),
    verifyToken: tokenVerifier(control.clock, keySets(control.clock, guardedKeySets(refusedForEndpoint))),
  }
  const isIngest = (role: string): boolean => role === 'ingest-key'
  await app.register(async (scope) => {
    for (const route of routes) if (!isIngest(route.contract.access.role)) serve(scope, route, routing)
  })
  await app.register(async (scope) => {
    jsonWhateverItSays(scope)
    for (const route of routes) if (isIngest(route.contract.access.role)) serve(scope, route, routing)
  })
  await app.ready()
  return app
}
