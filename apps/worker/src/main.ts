import { ConfigError } from '@understudy/config'
import { isAppError } from '@understudy/core'
import { createLogger, createMetrics } from '@understudy/telemetry'
import { hostname } from 'node:os'
import { compose } from './compose.ts'
import type { Composition } from './compose.ts'
import { loadConfig } from './config.ts'
import type { Config } from './config.ts'
import { startHealthServer } from './health-server.ts'
import { logRunnerEvent } from './log-runner-event.ts'
import { countRunnerEvent, workerMetrics } from './metrics.ts'
import { createWebhookSender } from './webhook-sender.ts'
import { startWorker } from './worker.ts'

/** The composition root of a worker: reads the configuration, wires, runs, and stops when it is told to. */
async function run(config: Config): Promise<void> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'worker', pretty: config.LOG_FORMAT === 'pretty' })
  const metrics = createMetrics({ processMetrics: true })
  metrics.declare(...workerMetrics)
  const composition = await compose(config, { logger, metrics })
  const { control, queue } = composition
  const worker = await startWorker({
    control,
    queue,
    runnerId: `${hostname()}:${process.pid}`,
    concurrencyMax: config.WORKER_CONCURRENCY,
    leaseMs: config.WORKER_LEASE_SECONDS * 1000,
    sender: createWebhookSender({ clock: control.clock, allowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS }),
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
    ready: () => readiness(composition),
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
    await composition.close()
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

/** A worker is ready while it consumes, or its queue is empty, and its database answers. */
async function readiness({ control, queue }: Composition) {
  const health = await queue.health()
  const answers = await control.database.ping().then(
    () => true,
    () => false,
  )
  return { ok: health.ok && answers, checks: { queue: health, database: { ok: answers } } }
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
