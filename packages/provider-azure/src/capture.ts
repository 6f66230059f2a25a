import type { PipelinePolicy } from '@azure/core-rest-pipeline'
import { AsyncLocalStorage } from 'node:async_hooks'

/** What the last answer of one call said, as far as the SDK would lose it. */
export interface Captured {
  status?: number
  requestId?: string
  retryAfterMs?: number
  /** Why an address was not connected to: on its way through the credentials the SDK makes its own error of it. */
  refused?: string
  /** What could not be reached, and the network's word for it: the credentials make a failure of their own of it. */
  unreachable?: { readonly host: string; readonly code: string }
  error?: { readonly code: string; readonly message: string; readonly details: readonly { readonly code: string; readonly message: string }[] }
}

const current = new AsyncLocalStorage<Captured>()

/** Runs one call of the SDK; what its refusals said is in the second argument of `failed`. */
export async function capturing<T>(call: () => Promise<T>, failed: (error: unknown, captured: Captured) => Error): Promise<T> {
  const captured: Captured = {}
  return await current.run(captured, async () => {
    try {
      return await call()
    } catch (error) {
      throw failed(error, captured)
    }
  })
}

export function noteRefusal(reason: string): void {
  const store = current.getStore()
  if (store !== undefined) store.refused = reason
}

export function noteUnreachable(host: string, code: string): void {
  const store = current.getStore()
  if (store !== undefined) store.unreachable = { host, code }
}

/** `Retry-After` of the last answer, in milliseconds; for pacing polls. */
export const lastRetryAfterMs = (): number | undefined => current.getStore()?.retryAfterMs

/**
 * Reads every answer on its way to the SDK. A failed operation is an HTTP 200 whose body has `status: Failed`; the SDK makes
 * an `Error` without a code of it. `details` of refusals are dropped by the generated clients.
 */
export const capturePolicy: PipelinePolicy = {
  name: 'understudyCapture',
  async sendRequest(request, next) {
    const response = await next(request)
    const store = current.getStore()
    if (store === undefined) return response
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
    if (Number.isFinite(seconds)) store.retryAfterMs = seconds * 1000
    else delete store.retryAfterMs
    const requestId = response.headers.get('x-ms-request-id')
    if (requestId !== undefined) store.requestId = requestId
    const error = errorIn(response.bodyAsText)
    const failed = response.status >= 400 || error?.failedOperation === true
    if (!failed) return response
    if (response.status >= 400) store.status = response.status
    if (error !== undefined) store.error = error
    return response
  },
}

function errorIn(text: string | null | undefined) {
  if (text === undefined || text === null || !text.includes('"error"')) return undefined
  const body = parsed(text)
  const error = objectIn(body?.['error'])
  if (body === undefined || error === undefined) return undefined
  const details = Array.isArray(error['details']) ? error['details'].map(objectIn).filter((detail) => detail !== undefined) : []
  return {
    failedOperation: body['status'] === 'Failed' || body['status'] === 'Canceled',
    code: String(error['code']),
    message: String(error['message']),
    details: details.map((detail) => ({ code: String(detail['code']), message: String(detail['message']) })),
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return objectIn(JSON.parse(text))
  } catch {
    return undefined
  }
}

const objectIn = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined // as just checked
