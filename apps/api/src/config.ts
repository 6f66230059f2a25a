import { count, installationEnvironment, port, readEnvironment } from '@understudy/config'
import { Secret, sha256 } from '@understudy/core'
import { z } from 'zod'
import type { ApiSettings } from './deps.ts'

/** What the API reads from its environment. The descriptions are the comments in `.env.example`. */
export const environment = z.object({
  ...installationEnvironment,
  API_HOST: z.string().min(1).default('127.0.0.1').meta({ description: 'Address to listen on.' }),
  API_PORT: port(7070).meta({ description: 'Port to listen on; 0 takes a free one.' }),
  ERRORS_URL: z.url().default('https://understudy.dev/errors').meta({ description: 'Page that explains problems, under #kind.' }),
  DATABASE_POOL_MAX: count(16).meta({ description: 'Connections of this process for reads and changes.' }),
  REQUEST_TIMEOUT_MS: count(30_000).meta({ description: 'A request must have come in whole by then.' }),
  RATE_PER_SECOND: count(50).meta({ description: 'Requests of one key, sustained.' }),
  RATE_BURST: count(200).meta({ description: 'Requests of one key, at once.' }),
  INGEST_RATE_PER_SECOND: count(2000).meta({ description: 'Pushes of one cloud account, sustained.' }),
  INGEST_RATE_BURST: count(20_000).meta({ description: 'Pushes of one cloud account, at once.' }),
  STREAMS_PER_KEY_MAX: count(20).meta({ description: 'Event streams that one key may hold open.' }),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').meta({ description: 'What is logged.' }),
})
export type Config = Readonly<z.output<typeof environment>>

/** Throws a `ConfigError` that names every problem. */
export const loadConfig = (env: Readonly<Record<string, string | undefined>> = process.env): Config => readEnvironment(environment, env)

export const apiSettings = (config: Config): ApiSettings => ({
  errorsUrl: config.ERRORS_URL,
  // Page tokens live for minutes: a change of the master key only ends those that are under way.
  tokenKey: new Secret(sha256(`page-tokens:${config.UNDERSTUDY_MASTER_KEY.reveal()}`)),
  bodyLimitBytes: 1024 * 1024,
  ingestBodyLimitBytes: 256 * 1024,
  requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
  rate: { burst: config.RATE_BURST, perSecond: config.RATE_PER_SECOND },
  ingestRate: { burst: config.INGEST_RATE_BURST, perSecond: config.INGEST_RATE_PER_SECOND },
  strangerRate: { burst: 100, perSecond: 5 },
  streamPollMs: 200,
  streamHeartbeatMs: 15_000,
  streamsPerKeyMax: config.STREAMS_PER_KEY_MAX,
})
