import { Queue, createPostgresBackend, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'

export const floorQueueName = 'bench-floor'
/** Beside the schema of the installation's own queue. */
export const floorSchema = 'bench_floor_queue'

export interface FloorSettings {
  readonly databaseUrl: string
  readonly redisUrl: string | undefined
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly concurrency: number
}
/** Sets the weights of a listener: one call, nothing read before. */
export interface FloorJob {
  readonly listenerArn: string
  readonly groups: readonly { readonly arn: string; readonly weight: number }[]
}

export interface FloorQueue {
  add(jobs: readonly FloorJob[]): Promise<void>
  close(): Promise<void>
}

const jobsPerCall = 500

/** The sending side: a bare BullMQ queue, and the table for the one row of each job. */
export async function openFloorQueue({ databaseUrl, redisUrl }: Pick<FloorSettings, 'databaseUrl' | 'redisUrl'>): Promise<FloorQueue> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('create table if not exists bench_floor (id bigint generated always as identity primary key, entry text, at timestamptz)')
  await client.end()
  const redis = redisUrl === undefined ? undefined : new Redis(redisUrl, { maxRetriesPerRequest: null })
  const queue =
    redis === undefined
      ? (new (withBackend(createPostgresBackend).Queue)(floorQueueName, {
          connection: { connectionString: databaseUrl, schema: floorSchema, migrate: true, max: 4 },
        }) as unknown as Queue)
      : new Queue(floorQueueName, { connection: redis })
  await queue.waitUntilReady()
  return {
    async add(jobs) {
      for (let from = 0; from < jobs.length; from += jobsPerCall) {
        const part = jobs.slice(from, from + jobsPerCall)
        await queue.addBulk(part.map((data) => ({ name: 'floor', data, opts: { removeOnComplete: true } })))
      }
    },
    async close() {
      await queue.close()
      redis?.disconnect()
    },
  }
}
