import type { RouteContract } from '@understudy/contract'
import type { Control, IdempotencyRecord, SealedSecret } from '@understudy/control'
import { AppError, contentHash, now } from '@understudy/core'
import type { FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    idempotency: { readonly projectId: string; readonly key: string; readonly sealed: boolean } | undefined
  }
}

/** A first request that has not answered for so long has died with its process: no handler may take this long. */
const abandonedMs = 120_000
const rememberedHeaders = ['content-type', 'location', 'retry-after', 'etag'] as const

/**
 * The key of the request, or `undefined` where none is demanded. A dry run changes nothing and needs none.
 */
export function idempotencyKey(contract: RouteContract, request: FastifyRequest): string | undefined {
  if (contract.access.idempotent === undefined) return undefined
  const dryRun = (request.query as { validateOnly?: string }).validateOnly === 'true'
  if (dryRun) return undefined
  const key = request.headers['idempotency-key']
  if (key === undefined || key === '') {
    throw new AppError(
      'idempotency_key_required',
      'Send an Idempotency-Key of your own, for instance a UUID, so that a repetition changes nothing twice.',
    )
  }
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new AppError('invalid_request', 'Idempotency-Key must be 1 to 255 printable characters without spaces.', {
    errors: [{ pointer: '/headers/idempotency-key', message: 'must be 1 to 255 printable characters' }],
  })
}

/** Remembers that the request has begun, or answers what it was answered the first time. `true`: answered. */
export async function beginOrReplay(
  control: Control,
  request: FastifyRequest,
  reply: FastifyReply,
  options: { readonly projectId: string; readonly key: string; readonly sealed: boolean },
): Promise<boolean> {
  const record: IdempotencyRecord = {
    projectId: options.projectId,
    key: options.key,
    fingerprint: contentHash([request.method, request.url, request.body ?? null]),
    status: undefined,
    body: undefined,
    headers: undefined,
    createdAt: now(control.clock),
  }
  const first = await begin(control, record)
  if (first === undefined) {
    request.idempotency = options
    return false
  }
  if (first.fingerprint !== record.fingerprint) {
    throw new AppError('idempotency_key_reused', 'This Idempotency-Key was used for a request with another path or body. Use a new key.')
  }
  if (first.status === undefined) {
    throw new AppError('idempotency_in_progress', 'The first request with this Idempotency-Key is still running. Repeat this one shortly.')
  }
  const body = options.sealed ? openBody(control, first) : first.body
  reply.headers({ ...first.headers, 'idempotency-replayed': 'true' })
  await reply.code(first.status).send(body ?? '')
  return true
}

async function begin(control: Control, record: IdempotencyRecord): Promise<IdempotencyRecord | undefined> {
  const { idempotency } = control.database.stores
  const ago = (ms: number): Date => new Date(record.createdAt.getTime() - ms)
  const first = await idempotency.begin(record, ago(control.settings.idempotencyTtlMs))
  if (first === undefined || first.status !== undefined || first.createdAt > ago(abandonedMs)) return first
  return idempotency.begin(record, ago(abandonedMs))
}

/** Keeps the answer, or forgets the key when the same request may be answered otherwise later. */
export async function remember(control: Control, request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<void> {
  const begun = request.idempotency
  if (begun === undefined) return
  request.idempotency = undefined
  const { idempotency } = control.database.stores
  const body = typeof payload === 'string' ? payload : ''
  // Whatever invites a repetition carries Retry-After without being an accepted operation.
  const mayChange = reply.statusCode >= 500 || (reply.statusCode >= 400 && reply.hasHeader('retry-after'))
  if (mayChange) {
    await idempotency.forget(begun.projectId, begun.key)
    return
  }
  const headers: Record<string, string> = {}
  for (const name of rememberedHeaders) {
    const value = reply.getHeader(name)
    if (value !== undefined) headers[name] = String(value)
  }
  const stored = begun.sealed ? JSON.stringify(control.vault.seal(body, sealContext(begun.projectId, begun.key))) : body
  await idempotency.complete(begun.projectId, begun.key, { status: reply.statusCode, body: stored, headers })
}

function openBody(control: Control, record: IdempotencyRecord): string {
  return control.vault.open(JSON.parse(record.body ?? '{}') as SealedSecret, sealContext(record.projectId, record.key))
}

const sealContext = (projectId: string, key: string): string => `idempotency:${projectId}:${key}`
