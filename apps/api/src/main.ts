import { adapters, createProviders } from '@understudy/adapters'
import { ConfigError, masterKeys } from '@understudy/config'
import { aesGcmVault, refusedForEndpoint, sagaDefinitions } from '@understudy/control'
import type { Control } from '@understudy/control'
import { isAppError, randomIds, systemClock, systemRandom } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { openQueue } from '@understudy/queue'
import { createLogger, createMetrics } from '@understudy/telemetry'
import type { Logger, Metrics } from '@understudy/telemetry'
import { buildApp } from './app.ts'
import { apiSettings, loadConfig } from './config.ts'
import type { Config } from './config.ts'
import { healthChecks } from './health-checks.ts'
import { apiMetrics, databaseRetries, databaseSeconds, requestSeconds } from './metrics.ts'

/** The composition root of the API: reads the configuration, wires, listens, and stops when it is told to. */
async function run(config: Config): Promise<void> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'api', pretty: config.LOG_FORMAT === 'pretty' })
  const metrics = createMetrics({ processMetrics: true })
  metrics.declare(...apiMetrics)
  const clock = systemClock({ keepAlive: true })
  const database = openObserved(config, metrics, logger)
  await database.ping()
  const vault = aesGcmVault(masterKeys(config))
  const accounts = () => database.stores.accounts
  const providers = createProviders({
    guard: refusedForEndpoint,
    adapters,
    accounts,
    vault,
    installation: config.INSTALLATION,
    clock,
    random: systemRandom,
  })
  const control: Control = {
    database,
    clock,
    ids: randomIds,
    random: systemRandom,
    vault,
    providers,
    settings: {
      installation: config.INSTALLATION,
      publicUrl: config.PUBLIC_URL,
      armTtlMs: config.ARM_TTL_SECONDS * 1000,
      webhookAllowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS,
      idempotencyTtlMs: 24 * 60 * 60 * 1000,
    },
  }
  const backend =
    config.REDIS_URL === undefined ? ({ kind: 'postgres', url: config.DATABASE_URL } as const) : ({ kind: 'redis', url: config.REDIS_URL } as const)
  const queue = await openQueue({ backend, clock, prefix: config.INSTALLATION, onError: (error) => logger.warn('queue_error', { error }) })
  const app = await buildApp({
    control,
    logger,
    bell: queue.bell,
    health: healthChecks({ database, queue, clock }),
    procedures: (kind, version) => sagaDefinitions.find((saga) => saga.name === kind && saga.version === version)?.steps,
    metrics: {
      observe: ({ method, route, status, seconds }) => metrics.observe(requestSeconds, { method, route, status }, seconds),
      render: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    },
    settings: apiSettings(config),
  })
  const url = await app.listen({ host: config.API_HOST, port: config.API_PORT })
  logger.info('ready', { url, queue: queue.backend })

  stopOnSignals(logger, async () => {
    await app.close()
    await queue.close()
    await providers.close()
    await database.close()
  })
}

function openObserved(config: Config, metrics: Metrics, logger: Logger) {
  return openDatabase({
    url: config.DATABASE_URL.reveal(),
    poolMax: config.DATABASE_POOL_MAX,
    clock: systemClock(),
    observe: (seen) => {
      if (seen.type === 'call') metrics.observe(databaseSeconds, { call: seen.name, outcome: seen.failed ? 'failed' : 'ok' }, seen.durationMs / 1000)
      if (seen.type === 'retry') metrics.count(databaseRetries, {})
      if (seen.type === 'connection_lost') logger.warn('database_connection_lost', { error: seen.error })
    },
  })
}

function stopOnSignals(logger: Logger, close: () => Promise<void>): void {
  let stopping = false
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return
    stopping = true
    logger.info('stopping', { signal })
    await close()
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
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) }
  const taken = code === 'EADDRINUSE' ? `${message}. Stop the program that has it, or set API_PORT to another port.` : undefined
  const expected = error instanceof ConfigError || isAppError(error) ? message : undefined
  process.stderr.write(`The API cannot start. ${taken ?? expected ?? (error instanceof Error ? (error.stack ?? message) : message)}\n`)
  process.exit(1)
}
