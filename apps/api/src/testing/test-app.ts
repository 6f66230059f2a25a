import { adapters, createProviders } from '@understudy/adapters'
import { aesGcmVault, bootstrap, sagaDefinitions } from '@understudy/control'
import type { Bell, Control } from '@understudy/control'
import { Secret, VirtualClock, randomIds, seededRandom } from '@understudy/core'
import type { Clock, Json } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { createLogger } from '@understudy/telemetry'
import { createTestDatabase } from '@understudy/testing'
import { azureAdapter } from '@understudy/provider-azure'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { buildApp } from '../app.ts'
import { simulatedCloud } from './simulated-adapter.ts'
import type { SimulatedCloud } from './simulated-adapter.ts'
import type { ApiSettings, AppDeps } from '../deps.ts'

/** The API over a database of its own, as production wires it, except that time stands still and the bell is heard here. */
export interface TestApp {
  readonly app: FastifyInstance
  readonly control: Control
  readonly clock: Clock
  readonly cloud: SimulatedCloud
  readonly rung: readonly { readonly topic: string; readonly key: string }[]
  readonly logLines: readonly string[]
  /** Key of the installation, in the first project. */
  readonly rootKey: string
  readonly rootProjectId: string
  inject(options: InjectOptions & { readonly key?: string }): Promise<TestAnswer>
  close(): Promise<void>
}
export interface TestAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly text: string
  /** The body as JSON. */
  readonly json: JsonBody
}
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of any shape
export type JsonBody = any

export const testSettings: ApiSettings = {
  errorsUrl: 'https://understudy.dev/errors',
  tokenKey: new Secret('a key for page tokens in tests'),
  bodyLimitBytes: 1024 * 1024,
  ingestBodyLimitBytes: 256 * 1024,
  requestTimeoutMs: 30_000,
  rate: { burst: 1_000_000, perSecond: 1_000_000 },
  ingestRate: { burst: 1_000_000, perSecond: 1_000_000 },
  strangerRate: { burst: 1_000_000, perSecond: 1_000_000 },
  streamPollMs: 200,
  streamHeartbeatMs: 15_000,
  streamsPerKeyMax: 20,
}

/** Every adapter there is, also those that are not offered yet. */
const allAdapters = [...adapters.filter(({ name }) => name !== azureAdapter.name), azureAdapter]

export async function startTestApp(options: { readonly clock?: Clock; readonly settings?: Partial<ApiSettings> } = {}): Promise<TestApp> {
  const clock = options.clock ?? new VirtualClock(Date.UTC(2026, 2, 1, 12))
  const testDatabase = await createTestDatabase()
  const database = openDatabase({ url: testDatabase.url, clock, connectTimeoutMs: 60_000 })
  const vault = aesGcmVault({ keys: new Map([['test', new Uint8Array(32).fill(7)]]), current: 'test' })
  const random = seededRandom(1)
  const cloud = simulatedCloud()
  const providers = createProviders({
    adapters: [...allAdapters, cloud.adapter],
    accounts: () => database.stores.accounts,
    vault,
    installation: 'test',
    clock,
    random,
  })
  const control: Control = {
    database,
    clock,
    ids: randomIds,
    random,
    vault,
    providers,
    settings: { installation: 'test', armTtlMs: 900_000, webhookAllowedNetworks: [], idempotencyTtlMs: 86_400_000 },
  }
  const first = await bootstrap(database, clock, randomIds)
  if (first === undefined) throw new Error('a new database has no keys')
  const rung: { topic: string; key: string }[] = []
  const bell: Bell = { ring: (topic, { key }) => void rung.push({ topic, key }) }
  const logLines: string[] = []
  const deps: AppDeps = {
    control,
    bell,
    logger: createLogger({ level: 'info', name: 'api', destination: { write: (line: string) => void logLines.push(line) } }),
    metrics: { observe: () => undefined, render: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }) },
    health: {
      check: async () => {
        await database.ping()
        return { database: { ok: true } }
      },
    },
    procedures: (kind, version) => sagaDefinitions.find((saga) => saga.name === kind && saga.version === version)?.steps,
    settings: { ...testSettings, ...options.settings },
  }
  const app = await buildApp(deps)
  return {
    app,
    control,
    clock,
    cloud,
    rung,
    logLines,
    rootKey: first.secret,
    rootProjectId: first.projectId,
    inject: (request) => inject(app, request),
    async close() {
      await app.close()
      await providers.close()
      await database.close()
      await testDatabase.drop()
      cloud.close()
    },
  }
}

async function inject(app: FastifyInstance, { key, ...request }: InjectOptions & { readonly key?: string }): Promise<TestAnswer> {
  const headers = { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...request.headers }
  const answer = await app.inject({ ...request, headers })
  const isJson = String(answer.headers['content-type'] ?? '').includes('json')
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.payload,
    json: isJson && answer.payload !== '' ? (JSON.parse(answer.payload) as Json) : undefined,
  }
}
