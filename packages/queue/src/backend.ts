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
  /** Whether a command would go out now. Where it would not, a command waits for as long as the backend is away. */
  isConnected(): boolean
  close(): Promise<void>
}

export function connect(backend: QueueBackend, onError: (error: unknown) => void): BackendConnection {
  return backend.kind === 'redis' ? connectRedis(backend.url, onError) : connectPostgres(backend.url)
}

function connectRedis(url: Secret, onError: (error: unknown) => void): BackendConnection {
  // BullMQ's workers block on theirs and must never give up on a request while Redis restarts. Whoever delivers wants to hear that
  // it has not: the outbox keeps the message, and the sweep needs none.
  const open = (maxRetriesPerRequest: number | null): Redis => {
    const connection = new Redis(url.reveal(), { maxRetriesPerRequest, enableReadyCheck: true })
    // The queue passes on most of these, but not every refusal of a password.
    connection.on('error', onError)
    return connection
  }
  const delivering = open(1)
  let consuming: Redis | undefined
  return {
    kind: 'redis',
    queue: (name, options) => new Queue(name, { ...options, connection: delivering }),
    worker: (name, processor, options) => new Worker(name, processor, { ...options, connection: (consuming ??= open(null)) }),
    isConnected: () => delivering.status === 'ready',
    close: async () => {
      delivering.disconnect()
      consuming?.disconnect()
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
    // Its pool opens connections as they are needed, and says so at once when it cannot.
    isConnected: () => true,
    close: () => Promise.resolve(),
  }
}
