import type { Clock, Ids } from '@understudy/core'
import type { Logger } from '@understudy/telemetry'
import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { RequestMetrics } from '../deps.ts'

declare module 'fastify' {
  interface FastifyRequest {
    startedMs: number
    /** For the log line; never the key itself. */
    keyId: string | undefined
    projectId: string | undefined
  }
}

/** A caller's own request id is kept when it is harmless to log. */
export const requestIds =
  (ids: Ids) =>
  (request: IncomingMessage): string => {
    const given = request.headers['x-request-id']
    return typeof given === 'string' && /^[\w.-]{1,100}$/.test(given) ? given : ids.next('request')
  }

/** Gives each request an id, headers that keep browsers careful, one log line and one measurement. */
export function requestContext(
  app: FastifyInstance,
  options: { readonly clock: Clock; readonly metrics: RequestMetrics; readonly logger: Logger },
): void {
  app.decorateRequest('startedMs', 0)
  app.decorateRequest('keyId', undefined)
  app.decorateRequest('projectId', undefined)
  app.addHook('onRequest', (request, reply, next) => {
    request.startedMs = options.clock.nowMs()
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    })
    next()
  })
  app.addHook('onResponse', (request, reply, next) => {
    const ms = options.clock.nowMs() - request.startedMs
    const route = request.routeOptions.config.contract?.url ?? 'unknown'
    const { method, keyId, projectId } = request
    options.metrics.observe({ method, route, status: reply.statusCode, seconds: ms / 1000 })
    options.logger.info('request', { requestId: request.id, method, route, status: reply.statusCode, ms, keyId, projectId })
    next()
  })
}
