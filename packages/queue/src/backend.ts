import type { Secret } from '@understudy/core'
import { Queue, Worker, createPostgresBackend, withBackend } from 'bullmq'
import type { Processor, QueueOptions, WorkerOptions } from 'bullmq'
import { Redis } from 'ioredis'

/** Where the bell hangs: Redis when there is one, otherwise the Postgres that holds everything else. */
export type QueueBackend = { readonly kind: 'redis'; readonly url: Secret } | { readonly kind: 'postgres'; readonly url: Secret }

/** Schema of BullMQ's own tables, beside ours. */
const schema = 'bullmq'

export interface BackendConnection {
  readonly kind: QueueBackend['kind']
  queue(name: string, options: Omit<QueueOptions, 'connection'>): Queue
  worker(name: string, processor: Processor, options: Omit<WorkerOptions, 'connection'>): Worker
  close(): Promise<void>
}

export function connect(backend: QueueBackend, onError: (error: unknown) => void): BackendConnection {
  return backend.kind === 'redis' ? connectRedis(backend.url, onError) : connectPostgres(backend.url)
}

function connectRedis(url: Secret, onError: (error: unknown) => void): BackendConnection {
  // BullMQ's workers block on the connection and must never give up on a request while Redis restarts.
  const connection = new Redis(url.reveal(), { maxRetriesPerRequest: null, enableReadyCheck: true })
  // The queue passes on most of these, but not every refusal of a password.
  connection.on('error', onError)
  return {
    kind: 'redis',
    queue: (name, options) => new Queue(name, { ...options, connection }),
    worker: (name, processor, options) => new Worker(name, processor, { ...options, connection }),
    close: async () => {
      connection.disconnect()
      await Promise.resolve()
    },
  }
}

function connectPostgres(url: Secret): BackendConnection {
  const bound = withBackend(createPostgresBackend)
  const connection = { connectionString: url.reveal(), schema, migrate: true, max: 4 }
  return {
    kind: 'postgres',
    // The classes are the same ones; only the type of their backend differs.
    queue: (name, options) => new bound.Queue(name, { ...options, connection }) as unknown as Queue,
    worker: (name, processor, options) => new bound.Worker(name, processor, { ...options, connection }) as unknown as Worker,
    close: () => Promise.resolve(),
  }
}
