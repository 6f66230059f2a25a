import { noBody } from '@understudy/contract'
import type { RouteContract } from '@understudy/contract'
import type { FastifySchema } from 'fastify'

const idempotencyKey = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description:
    'Made by you, for instance a UUID. Repeating the request with the same key gives the same answer for 24 hours and changes nothing twice.',
}
const ifMatch = { type: 'string', description: 'The ETag of the state you have seen.', examples: ['"3"'] }
const location = { description: 'Where the thing is.', type: 'string' }
const retryAfter = { description: 'Seconds to wait before looking.', type: 'integer' }
const etag = { description: 'The tag of this state.', type: 'string' }

/** Adds to a route's schema what its access says: security, demanded headers, and the headers of its answers. */
export function describeOperation(contract: RouteContract, schema: FastifySchema | undefined): FastifySchema {
  const { access } = contract
  const described = { ...schema } as FastifySchema & Record<string, unknown>
  described['security'] = securityOf(access.role)
  if (access.role !== 'none') described['x-required-role'] = access.role
  const properties = {
    ...(access.idempotent ? { 'Idempotency-Key': idempotencyKey } : {}),
    ...(access.ifMatch ? { 'If-Match': ifMatch } : {}),
    ...headersOf(schema?.headers),
  }
  const dryRun = contract.schema.operationId === 'startFailover'
  const demanded = (schema?.headers as { readonly required?: readonly string[] } | undefined)?.required ?? []
  const required = Object.keys(properties).filter(
    (name) => name === 'If-Match' || (name === 'Idempotency-Key' && !dryRun) || demanded.includes(name.toLowerCase()),
  )
  if (contract.schema.body === noBody) delete described.body
  if (Object.keys(properties).length > 0) described.headers = { type: 'object', properties, required }
  else delete described.headers
  described.response = Object.fromEntries(
    Object.entries((schema?.response ?? {}) as Record<string, object>).map(([status, answer]) => [status, withHeaders(status, answer)]),
  )
  return described
}

/** Headers of the contract, in the spelling that people know. */
function headersOf(schema: unknown): Readonly<Record<string, unknown>> {
  const { properties = {} } = (schema ?? {}) as { readonly properties?: Readonly<Record<string, unknown>> }
  return Object.fromEntries(Object.entries(properties).map(([name, described]) => [spelt(name), described]))
}
const spelt = (name: string): string => name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()).replace(/-Id$/, '-ID')

function securityOf(role: RouteContract['access']['role']): readonly Record<string, string[]>[] {
  if (role === 'none') return []
  return role === 'ingest-key' ? [{ ingestKey: [] }, { apiKey: [] }, { ingestBasic: [] }, { ingestQuery: [] }] : [{ apiKey: [] }]
}

const hasNoBody = (answer: object): boolean => 'content' in answer && Object.keys(answer.content as object).length === 0

function withHeaders(status: string, answer: object): object {
  if ('description' in answer && hasNoBody(answer)) return { description: answer.description, type: 'null' }
  if (status === '201') return { ...answer, headers: { Location: location } }
  if (status === '202') return { ...answer, headers: { Location: location, 'Retry-After': retryAfter } }
  if (status === '429') return { ...answer, headers: { 'Retry-After': retryAfter } }
  return status === '200' ? { ...answer, headers: { ETag: etag } } : answer
}
