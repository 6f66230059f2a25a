import { adapters, createProviders } from '@understudy/adapters'
import { ConfigError, masterKeys } from '@understudy/config'
import { aesGcmVault, refusedForEndpoint } from '@understudy/control'
import type { Control } from '@understudy/control'
import { isAppError, randomIds, systemClock, systemRandom } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { withCircuitBreaker, withMetrics, withRateLimit } from '@understudy/provider'
import { openQueue } from '@understudy/queue'
import { createLogger, createMetrics } from '@understudy/telemetry'
import { hostname } from 'node:os'
import { loadConfig } from './config.ts'
import type { Config } from './config.ts'
import { startHealthServer } from './health-server.ts'
import { logRunnerEvent } from './log-runner-event.ts'
import { countRunnerEvent, observeCall, workerMetrics } from './metrics.ts'
import { createWebhookSender } from './webhook-sender.ts'
import { startWorker } from './worker.ts'

/** The composition root of a worker: reads the configuration, wires, runs, and stops when it is told to. */
async function run(config: Config): Promise<void> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'worker', pretty: config.LOG_FORMAT === 'pretty' })
  const metrics = createMetrics({ processMetrics: true })
  metrics.declare(...workerMetrics)
  const clock = systemClock({ keepAlive: true })
  const random = systemRandom
  const database = openDatabase({ url: config.DATABASE_URL.reveal(), poolMax: config.DATABASE_POOL_MAX, clock })
  await database.ping()
  const vault = aesGcmVault(masterKeys(config))
  const providers = createProviders({
    guard: refusedForEndpoint,
    adapters,
    accounts: () => database.stores.accounts,
    vault,
    installation: config.INSTALLATION,
    clock,
    random,
    decorate: (provider) =>
      withMetrics(withCircuitBreaker(withRateLimit(provider, { clock }), { clock }), { clock, observe: (call) => observeCall(metrics, call) }),
  })
  const control: Control = {
    database,
    clock,
    ids: randomIds,
    random,
    vault,
    providers,
    settings: {
      installation: config.INSTALLATION,
      armTtlMs: config.ARM_TTL_SECONDS * 1000,
      webhookAllowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS,
      idempotencyTtlMs: 24 * 60 * 60 * 1000,
    },
  }
  const backend =
    config.REDIS_URL === undefined ? ({ kind: 'postgres', url: config.DATABASE_URL } as const) : ({ kind: 'redis', url: config.REDIS_URL } as const)
  const queue = await openQueue({ backend, clock, onError: (error) => logger.warn('queue_error', { error }) })
  const worker = await startWorker({
    control,
    queue,
    runnerId: `${hostname()}:${process.pid}`,
    concurrencyMax: config.WORKER_CONCURRENCY,
    leaseMs: config.WORKER_LEASE_SECONDS * 1000,
    sender: createWebhookSender({ clock, allowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS }),
    observe: (event) => {
      countRunnerEvent(metrics, event)
      logRunnerEvent(logger, event)
    },
    onError: (where, error) => logger.error('worker_error', { where, error }),
    pollers: { parallel: config.WORKER_SIGNAL_POLLERS, waitSeconds: 20, refreshMs: 2000 },
  })
  const health = await startHealthServer({
    host: config.WORKER_HOST,
    port: config.WORKER_PORT,
    ready: async () => {
      const queueHealth = await queue.health()
      const answers = await database.ping().then(
        () => true,
        () => false,
      )
      return { ok: queueHealth.ok && answers, checks: { queue: queueHealth, database: { ok: answers } } }
    },
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
  })
  logger.info('ready', { url: health.url, queue: queue.backend })

  let stopping = false
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return
    stopping = true
    logger.info('stopping', { signal })
    await worker.stop()
    await health.close()
    await queue.close()
    await providers.close()
    await database.close()
    logger.info('stopped')
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        logger.error('stop_failed', { error })
        process.exit(1)
      })
    })
  }
}

try {
  await run(loadConfig())
} catch (error) {
  const expected = error instanceof ConfigError || isAppError(error)
  process.stderr.write(
    `The worker cannot start. ${expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exit(1)
}
