import createClient from 'openapi-fetch'
import type { Client } from 'openapi-fetch'
import type { paths } from './generated/openapi.ts'
import { problemFrom } from './problem-error.ts'

export interface ClientOptions {
  /** For instance `http://localhost:8080`. */
  readonly baseUrl: string
  readonly apiKey: string
  readonly fetch?: (request: Request) => Promise<Response>
}

/** Every route of the API, typed: `client.GET('/v1/resources/{id}', { params: { path: { id } } })`. */
export interface UnderstudyClient extends Client<paths> {
  /** For streams, which are read as they come. */
  readonly open: (path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal) => Promise<Response>
}

/**
 * A client of the API. It sends the key, adds an `Idempotency-Key` to what changes something (give your own to repeat a call
 * safely after a lost answer), and throws a `ProblemError` for every answer that is not a success.
 */
export function createUnderstudyClient(options: ClientOptions): UnderstudyClient {
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  const send = options.fetch ?? ((request: Request) => fetch(request))
  const client = createClient<paths>({ baseUrl, fetch: send })
  client.use({
    onRequest({ request }) {
      request.headers.set('authorization', `Bearer ${options.apiKey}`)
      const changes = request.method === 'POST' || request.method === 'PATCH'
      if (changes && !request.headers.has('idempotency-key')) request.headers.set('idempotency-key', crypto.randomUUID())
      return request
    },
    async onResponse({ response }) {
      // 503 of `/readyz` is an answer too, and has no problem in it.
      if (!response.ok && !(response.headers.get('content-type') ?? '').startsWith('application/json')) throw await problemFrom(response)
      return response
    },
  })
  const open: UnderstudyClient['open'] = async (path, headers, signal) => {
    const request = new Request(baseUrl + path, {
      headers: { ...headers, authorization: `Bearer ${options.apiKey}` },
      ...(signal === undefined ? {} : { signal }),
    })
    const response = await send(request)
    if (!response.ok) throw await problemFrom(response)
    return response
  }
  return Object.assign(client, { open })
}

/** The body of an answer. Refusals have been thrown already, so only an answer without a body has none. */
export async function dataOf<Data>(answer: Promise<{ readonly data?: Data }>): Promise<NonNullable<Data>> {
  const { data } = await answer
  if (data === undefined || data === null) throw new Error('the answer has no body')
  return data
}
