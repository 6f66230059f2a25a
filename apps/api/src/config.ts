import { Secret, sha256 } from '@understudy/core'
import { z } from 'zod'
import type { ApiSettings } from './deps.ts'

/** A count, a size or a time: whole and above zero. */
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback)
const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value))

const masterKey = z
  .string()
  .regex(/^([\w.-]{1,40}:)?[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64, made with: openssl rand -base64 32')
  .transform((value) => new Secret(value))

/** What the API reads from its environment. The description is the comment in `.env.example`. */
export const environment = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/\S+$/, 'must be a URL such as postgresql://user:password@host:5432/understudy')
    .transform((value) => new Secret(value))
    .meta({ description: 'PostgreSQL 15 or newer, where everything is kept.' }),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/\S+$/, 'must be a URL such as redis://host:6379')
    .transform((value) => new Secret(value))
    .optional()
    .meta({ description: 'Redis for the queue (noeviction). Not set: the queue is in PostgreSQL.' }),
  API_HOST: z.string().min(1).default('127.0.0.1').meta({ description: 'Address to listen on.' }),
  API_PORT: z.coerce.number().int().min(0).max(65_535).default(8080).meta({ description: 'Port to listen on; 0 takes a free one.' }),
  PUBLIC_URL: z.url().default('http://localhost:8080').meta({ description: 'Where callers reach the API. The source of events.' }),
  UNDERSTUDY_MASTER_KEY: masterKey.meta({
    description: 'Seals credentials: 32 bytes in base64 (openssl rand -base64 32), or a name, a colon and the key.',
  }),
  UNDERSTUDY_MASTER_KEYS_OLD: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .pipe(z.array(masterKey))
    .meta({ description: 'Former master keys, separated by commas, until everything is sealed with the present one.' }),
  INSTALLATION: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,38}$/, 'must be lowercase letters, digits and dashes')
    .default('default')
    .meta({ description: 'Written on everything made in a cloud: installations that share an account leave each other alone.' }),
  WEBHOOK_ALLOWED_NETWORKS: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()])))
    .meta({ description: 'Private networks that webhooks may reach, as CIDR, separated by commas.' }),
  ARM_TTL_SECONDS: count(900).meta({ description: 'How long an armed shadow waits for the confirmation.' }),
  ERRORS_URL: z.url().default('https://understudy.dev/errors').meta({ description: 'Page that explains problems, under #kind.' }),
  DATABASE_POOL_MAX: count(10).meta({ description: 'Connections of this process for requests.' }),
  REQUEST_TIMEOUT_MS: count(30_000).meta({ description: 'A request must have come in whole by then.' }),
  RATE_PER_SECOND: count(50).meta({ description: 'Requests of one key, sustained.' }),
  RATE_BURST: count(200).meta({ description: 'Requests of one key, at once.' }),
  INGEST_RATE_PER_SECOND: count(2000).meta({ description: 'Pushes of one cloud account, sustained.' }),
  INGEST_RATE_BURST: count(20_000).meta({ description: 'Pushes of one cloud account, at once.' }),
  STREAMS_PER_KEY_MAX: count(20).meta({ description: 'Event streams that one key may hold open.' }),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info').meta({ description: 'What is logged.' }),
  LOG_FORMAT: z.enum(['json', 'pretty']).default('json').meta({ description: 'json: one object per line · pretty: for people.' }),
})
export type Config = Readonly<z.output<typeof environment>>

/** Thrown with every problem of the environment at once. Values are never repeated: they may be secrets. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Empty variables count as not set, as in most shells and compose files. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = environment.safeParse(given)
  if (result.success) return Object.freeze(result.data)
  throw new ConfigError(result.error.issues.map((issue) => `${issue.path[0]?.toString() ?? 'environment'}: ${problemText(issue)}`))
}

const problemText = (issue: z.core.$ZodIssue): string => (issue.message.endsWith('received undefined') ? 'is required' : issue.message)

/** Master keys by id; the id is given before the colon, or follows from the key. */
export function masterKeys(config: Pick<Config, 'UNDERSTUDY_MASTER_KEY' | 'UNDERSTUDY_MASTER_KEYS_OLD'>): {
  readonly keys: ReadonlyMap<string, Uint8Array>
  readonly current: string
} {
  const [current, ...old] = [config.UNDERSTUDY_MASTER_KEY, ...config.UNDERSTUDY_MASTER_KEYS_OLD].map((value) => readKey(value))
  if (current === undefined) throw new Error('a configuration always has a master key')
  return { keys: new Map([...old, current]), current: current[0] }
}

function readKey(value: Secret): readonly [string, Uint8Array] {
  const text = value.reveal()
  const colon = text.indexOf(':')
  const key = Buffer.from(text.slice(colon + 1), 'base64')
  return [colon === -1 ? `k${sha256(key).slice(0, 12)}` : text.slice(0, colon), key]
}

export function apiSettings(config: Config): ApiSettings {
  return {
    errorsUrl: config.ERRORS_URL,
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
  }
}
