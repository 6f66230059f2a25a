import type { FastifyRequest } from 'fastify'

/**
 * What a pushed event proves itself with, the account's key or a signed token: a header of our own, a bearer token, the password of
 * basic authentication, or `?key=`, for senders that can only put it into a URL. A query is never logged here; the two headers come
 * first because other programs between may log it.
 */
export function ingestKeyOf(request: Pick<FastifyRequest, 'headers' | 'query'>): string | undefined {
  const own = request.headers['x-understudy-ingest-key']
  if (typeof own === 'string' && own !== '') return own
  const { authorization } = request.headers
  if (authorization === undefined) return keyIn(request.query)
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  const basic = /^Basic +([\w+/=-]+) *$/i.exec(authorization)?.[1]
  if (basic === undefined) return undefined
  const pair = Buffer.from(basic, 'base64').toString()
  const colon = pair.indexOf(':')
  return colon === -1 ? undefined : pair.slice(colon + 1)
}

function keyIn(query: unknown): string | undefined {
  const key = typeof query === 'object' && query !== null && 'key' in query ? query.key : undefined
  return typeof key === 'string' && key !== '' ? key : undefined
}
