import type { FastifyRequest } from 'fastify'

/**
 * The key of a pushed event: a header of our own, a bearer token, or the password of basic authentication, for senders that can only
 * put it into a URL.
 */
export function ingestKeyOf(request: Pick<FastifyRequest, 'headers'>): string | undefined {
  const own = request.headers['x-understudy-ingest-key']
  if (typeof own === 'string' && own !== '') return own
  const { authorization } = request.headers
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  const basic = authorization === undefined ? undefined : /^Basic +([\w+/=-]+) *$/i.exec(authorization)?.[1]
  if (basic === undefined) return undefined
  const pair = Buffer.from(basic, 'base64').toString()
  const colon = pair.indexOf(':')
  return colon === -1 ? undefined : pair.slice(colon + 1)
}
