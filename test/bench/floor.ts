import { ElasticLoadBalancingV2Client, ModifyListenerCommand } from '@aws-sdk/client-elastic-load-balancing-v2'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Worker, createPostgresBackend, withBackend } from 'bullmq'
import type { Job } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { FloorJob, FloorSettings } from './floor-queue.ts'
import { floorQueueName, floorSchema } from './floor-queue.ts'

/*
 * A process of its own with the least that could be done: it takes a job, commits one row, and makes one call to the cloud. No saga, no
 * checks, no log, nothing read. What the measured path takes beyond this is what durability, order and safety cost.
 */

const settings = JSON.parse(process.argv[2] ?? '{}') as FloorSettings
const sockets = { keepAlive: true, maxSockets: 100 }
const elb = new ElasticLoadBalancingV2Client({
  ...{ region: settings.region, endpoint: settings.endpoint, credentials: settings.credentials },
  requestHandler: new NodeHttpHandler({ httpAgent: sockets }),
})
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 16 })

async function work({ data }: Job<FloorJob>): Promise<void> {
  await pool.query('insert into bench_floor (entry, at) values ($1, now())', [data.listenerArn])
  const { listenerArn: ListenerArn, groups } = data
  const TargetGroups = groups.map(({ arn: TargetGroupArn, weight: Weight }) => ({ TargetGroupArn, Weight }))
  await elb.send(new ModifyListenerCommand({ ListenerArn, DefaultActions: [{ Type: 'forward', ForwardConfig: { TargetGroups } }] }))
}

const options = { concurrency: settings.concurrency }
const worker =
  settings.redisUrl === undefined
    ? new (withBackend(createPostgresBackend).Worker)(floorQueueName, work, {
        ...options,
        connection: { connectionString: settings.databaseUrl, schema: floorSchema, migrate: true, max: 4 },
      })
    : new Worker(floorQueueName, work, { ...options, connection: new Redis(settings.redisUrl, { maxRetriesPerRequest: null }) })
worker.on('error', (error: Error) => process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`))
worker.on('failed', (_job: unknown, error: Error) =>
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
)
await worker.waitUntilReady()
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
