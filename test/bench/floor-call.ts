import { Worker, createPostgresBackend, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Agent, request } from 'undici'
import { floorQueueName, floorSchema, openFloorQueue } from './floor-queue.ts'
import type { Installation } from './installation.ts'
import { monotonicMs } from './protocol.ts'
import type { MeasuredCloud } from './protocol.ts'

export interface FloorCall {
  /** Milliseconds from the job's being sent until its call was answered. */
  once(): Promise<number>
  close(): Promise<void>
}

interface Target {
  readonly cloud: MeasuredCloud
  readonly nativeAccount: string
  readonly settings: Readonly<Record<string, string>>
  readonly credentials: Readonly<Record<string, string>>
  readonly native: Readonly<Record<string, unknown>>
}

/** The least that could be done on another cloud: a bare job, one row, and one bare HTTP call that writes what is there already. */
export async function openFloorCall({ databaseUrl, backend }: Installation, target: Target): Promise<FloorCall> {
  const agent = new Agent({ connect: { ca: target.settings['certificateAuthority'] } })
  const write = await writeOf(target, agent)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  const queue = await openFloorQueue({ databaseUrl, redisUrl: backend.redisUrl })
  let onDone: { resolve: (atMs: number) => void; reject: (error: unknown) => void } | undefined
  const work = async (): Promise<void> => {
    await pool.query('insert into bench_floor (entry, at) values ($1, now())', [target.cloud])
    await write()
    onDone?.resolve(monotonicMs())
  }
  const redis = backend.redisUrl === undefined ? undefined : new Redis(backend.redisUrl, { maxRetriesPerRequest: null })
  const worker =
    redis === undefined
      ? new (withBackend(createPostgresBackend).Worker)(floorQueueName, work, {
          connection: { connectionString: databaseUrl, schema: floorSchema, migrate: true, max: 4 },
        })
      : new Worker(floorQueueName, work, { connection: redis })
  worker.on('failed', (_job: unknown, error: Error) => onDone?.reject(error))
  worker.on('error', (error: Error) => onDone?.reject(error))
  await worker.waitUntilReady()
  return {
    async once() {
      const done = Promise.withResolvers<number>()
      onDone = done
      const startedMs = monotonicMs()
      await queue.add([{ listenerArn: target.cloud, groups: [] }])
      return (await done.promise) - startedMs
    },
    async close() {
      await worker.close()
      await queue.close()
      redis?.disconnect()
      await pool.end()
      await agent.close()
    },
  }
}

/** Reads what the load balancer of the floor's own service says now, and answers what writes the same again. */
async function writeOf(target: Target, agent: Agent): Promise<() => Promise<void>> {
  const { url, token, method } = target.cloud === 'gcp' ? googleCall(target) : await azureCall(target, agent)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const read = await request(url, { headers, dispatcher: agent })
  const body = await read.body.text()
  if (read.statusCode !== 200) throw new Error(`the floor's load balancer answered ${read.statusCode}: ${body}`)
  return async () => {
    const answer = await request(url, { method, headers, body, dispatcher: agent })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`the floor's call was answered ${answer.statusCode}: ${text}`)
  }
}

interface Call {
  readonly url: string
  readonly token: string
  readonly method: 'PATCH' | 'PUT'
}

const googleCall = ({ nativeAccount, settings, credentials, native }: Target): Call => ({
  url: `${settings['endpoint']}/compute/v1/projects/${nativeAccount}/global/backendServices/${String(native['backendService'])}`,
  token: credentials['accessToken'] ?? '',
  method: 'PATCH',
})

async function azureCall({ settings, credentials, native }: Target, agent: Agent): Promise<Call> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: credentials['clientId'] ?? '',
    client_secret: credentials['clientSecret'] ?? '',
    scope: 'https://management.azure.com/.default',
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const url = `${settings['authority']}/${credentials['tenantId']}/oauth2/v2.0/token`
  const answer = await request(url, { method: 'POST', headers, body: form.toString(), dispatcher: agent })
  const { access_token: token } = (await answer.body.json()) as { readonly access_token: string } // as OAuth 2 has it
  return { url: `${settings['endpoint']}${String(native['backendPoolId'])}?api-version=2025-05-01`, token, method: 'PUT' }
}
