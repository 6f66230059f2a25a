import { routes } from '@understudy/contract'
import { AppError, errorTable } from '@understudy/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '@understudy/telemetry'
import { pathPattern } from '../http/fastify-url.ts'
import { problemOf, publicError } from '../http/problem.ts'

const patterns = routes.map((contract) => ({ method: contract.method, pattern: pathPattern(contract.url) }))

export interface ProblemOptions {
  readonly errorsUrl: string
  readonly logger: Logger
}

/** Everything that goes wrong leaves as `application/problem+json`, and only our own faults are logged as errors. */
export function problemDetails(app: FastifyInstance, options: ProblemOptions): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, options))
  app.setNotFoundHandler((request, reply) => sendProblem(unknownRoute(request, reply), request, reply, options))
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, options: ProblemOptions): FastifyReply {
  const shown = publicError(error)
  const { status, retry } = errorTable[shown.kind]
  if (status >= 500) options.logger.error('request_failed', { requestId: request.id, kind: shown.kind, error: shown.cause ?? error })
  const { retryAfterSeconds } = shown.details
  if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds))
  else if (retry === 'later') reply.header('retry-after', '1')
  if (shown.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="understudy"')
  // Before routing no hook has run.
  reply.header('x-request-id', request.id)
  // A string is sent as it is: no schema of the route can get in the way of an error.
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(shown, request, options.errorsUrl)))
}

function unknownRoute(request: FastifyRequest, reply: FastifyReply): AppError {
  const path = request.url.split('?', 1)[0] ?? ''
  const allowed = [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))]
  // A path that looks right and was not routed all the same holds something that no id can, such as an encoded slash.
  if (allowed.length === 0 || allowed.some((method) => method === request.method))
    return new AppError('route_not_found', 'There is no such route. The routes are listed in /openapi.json.')
  reply.header('allow', allowed.join(', '))
  return new AppError('method_not_allowed', `This path answers ${allowed.join(', ')}.`)
}
