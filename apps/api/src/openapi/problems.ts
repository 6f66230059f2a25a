import type { RouteContract } from '@understudy/contract'

interface ProblemAnswer {
  readonly status: number
  readonly description: string
  readonly appliesTo: (contract: RouteContract) => boolean
}

const takesKey = ({ access }: RouteContract): boolean => access.role !== 'none'
const changes = ({ method }: RouteContract): boolean => method !== 'GET'

/** What may go wrong, by what a route demands. One list for all routes, so that none of them forgets one. */
const answers: readonly ProblemAnswer[] = [
  { status: 400, description: 'The request is not valid; `errors` says where.', appliesTo: takesKey },
  { status: 401, description: 'No key, or not a valid one.', appliesTo: takesKey },
  {
    status: 403,
    description: 'The role of the key does not allow this.',
    appliesTo: ({ access }) => ['operator', 'admin', 'installation'].includes(access.role),
  },
  {
    status: 404,
    description: 'There is no such thing in the project of the key.',
    appliesTo: (contract) => takesKey(contract) && (contract.schema.params !== undefined || contract.schema.body !== undefined),
  },
  {
    status: 409,
    description: 'The present state does not allow this.',
    appliesTo: (contract) => takesKey(contract) && changes(contract) && contract.access.role !== 'ingest-key',
  },
  { status: 412, description: 'It has changed since it was read.', appliesTo: ({ access }) => access.ifMatch === true },
  { status: 413, description: 'The body is too large.', appliesTo: ({ schema }) => schema.body !== undefined },
  {
    status: 415,
    description: 'The body is not JSON by its content type.',
    appliesTo: ({ schema, access }) => schema.body !== undefined && access.role !== 'ingest-key',
  },
  {
    status: 422,
    description: 'The Idempotency-Key was used for another request, or the cloud refuses.',
    appliesTo: ({ access, schema }) => access.idempotent === true || schema.operationId === 'createSignal',
  },
  { status: 428, description: '`If-Match` is missing.', appliesTo: ({ access }) => access.ifMatch === true },
  { status: 429, description: 'Too many requests; `Retry-After` says when to go on.', appliesTo: takesKey },
  { status: 500, description: 'Our fault.', appliesTo: () => true },
  { status: 503, description: 'The service, or the cloud, cannot do it at the moment.', appliesTo: takesKey },
]

export const problemsOf = (contract: RouteContract): readonly Omit<ProblemAnswer, 'appliesTo'>[] =>
  answers.filter(({ appliesTo }) => appliesTo(contract)).map(({ status, description }) => ({ status, description }))
