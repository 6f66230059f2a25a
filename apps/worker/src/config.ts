import { count, installationEnvironment, port, readEnvironment } from '@understudy/config'
import { z } from 'zod'

/** What a worker reads from its environment. */
export const environment = z.object({
  ...installationEnvironment,
  WORKER_HOST: z.string().min(1).default('127.0.0.1').meta({ description: 'Address of /healthz, /readyz and /metrics.' }),
  WORKER_PORT: port(8081).meta({ description: 'Port of /healthz, /readyz and /metrics; 0 takes a free one.' }),
  WORKER_CONCURRENCY: count(512).meta({ description: 'Operations at a time. Most of them wait for a cloud.' }),
  WORKER_LEASE_SECONDS: count(30).meta({ description: 'After this long without a sign of life another worker takes over.' }),
  WORKER_SIGNAL_POLLERS: count(4).meta({ description: 'Long polls at a time for the event queue of one account.' }),
  DATABASE_POOL_MAX: count(16).meta({ description: 'Connections of this process for reads and changes.' }),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').meta({ description: 'What is logged.' }),
})
export type Config = Readonly<z.output<typeof environment>>

/** Throws a `ConfigError` that names every problem. */
export const loadConfig = (env: Readonly<Record<string, string | undefined>> = process.env): Config => readEnvironment(environment, env)
