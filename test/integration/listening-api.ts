import { buildApp } from '@understudy/api'
import type { Control } from '@understudy/control'
import { Secret } from '@understudy/core'
import { createLogger } from '@understudy/telemetry'
import { randomUUID } from 'node:crypto'

/** The product's own API over HTTP, for what people and agents of machines say. */
export interface ListeningApi {
  readonly url: string
  /** One request as a person makes it. Throws the problem document of what was refused. */
  ask<T>(key: string, method: 'GET' | 'POST', path: string, body?: object): Promise<T>
  close(): Promise<void>
}

export async function startApi(control: Control): Promise<ListeningApi> {
  const app = await buildApp({
    control,
    bell: { ring: () => undefined },
    logger: createLogger({ level: 'error', name: 'api', destination: { write: () => undefined } }),
    metrics: { observe: () => undefined, render: () => Promise.resolve({ contentType: 'text/plain', text: '' }) },
    health: { check: () => Promise.resolve({}) },
    procedures: () => undefined,
    settings: {
      errorsUrl: 'https://understudy.dev/errors',
      tokenKey: new Secret('a key for page tokens in tests'),
      ...{ bodyLimitBytes: 1_048_576, ingestBodyLimitBytes: 262_144, requestTimeoutMs: 30_000, streamPollMs: 200, streamHeartbeatMs: 15_000 },
      ...{ rate: { burst: 1000, perSecond: 1000 }, ingestRate: { burst: 1000, perSecond: 1000 }, strangerRate: { burst: 1000, perSecond: 1000 } },
      streamsPerKeyMax: 20,
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = app.listeningOrigin
  return {
    url,
    async ask<T>(key: string, method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const said: unknown = await answer.json()
      if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(said)}`)
      return said as T // as the contract has it
    },
    close: () => app.close(),
  }
}
