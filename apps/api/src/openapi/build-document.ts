import { VirtualClock, Secret, randomIds, seededRandom } from '@understudy/core'
import { createLogger } from '@understudy/telemetry'
import { buildApp } from '../app.ts'
import type { AppDeps } from '../deps.ts'

/**
 * The OpenAPI document of this version, with neither a database nor a socket: nothing of the application is called while the routes
 * are described.
 */
export async function buildDocument(): Promise<object> {
  const app = await buildApp(nothing)
  try {
    return app.swagger()
  } finally {
    await app.close()
  }
}

const untouchable = <T extends object>(what: string): T =>
  new Proxy({} as T, {
    get: (_target, property) => {
      throw new Error(`describing the routes must not touch ${what}.${String(property)}`)
    },
  })

const nothing: AppDeps = {
  control: {
    database: untouchable('database'),
    clock: new VirtualClock(),
    ids: randomIds,
    random: seededRandom(1),
    vault: untouchable('vault'),
    providers: untouchable('providers'),
    settings: { installation: 'document', armTtlMs: 1, webhookAllowedNetworks: [], idempotencyTtlMs: 1 },
  },
  logger: createLogger({ level: 'silent', name: 'document' }),
  metrics: untouchable('metrics'),
  health: untouchable('health'),
  bell: untouchable('bell'),
  procedures: () => undefined,
  settings: {
    errorsUrl: 'https://understudy.dev/errors',
    tokenKey: new Secret('none'),
    bodyLimitBytes: 1024 * 1024,
    ingestBodyLimitBytes: 256 * 1024,
    requestTimeoutMs: 30_000,
    rate: { burst: 1, perSecond: 1 },
    ingestRate: { burst: 1, perSecond: 1 },
    strangerRate: { burst: 1, perSecond: 1 },
    streamPollMs: 200,
    streamHeartbeatMs: 15_000,
    streamsPerKeyMax: 1,
  },
}
