import { installationEnvironment, readEnvironment } from '@understudy/config'
import type { MasterKeySettings } from '@understudy/config'
import { resolve } from 'node:path'
import { z } from 'zod'

const port = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, notAPort)
    .transform(Number)
    .pipe(z.number().max(65_535, notAPort))
    .default(fallback)
const notAPort = 'must be a port number, at most 65535; 0 takes a free one'

/** A URL of one of these protocols, kept as it was written. */
const url = (protocols: readonly string[], mistake: string) =>
  z.string().refine((text) => protocols.includes(URL.parse(text)?.protocol ?? '') && URL.parse(text)?.host !== '', mistake)

const environment = z.object({
  /** Where the embedded database, the keys, the logs and the simulated region keep their files. */
  UNDERSTUDY_HOME: z.string().default('.understudy'),
  /** A PostgreSQL of one's own; without it an embedded one is started. */
  DATABASE_URL: url(['postgresql:', 'postgres:'], 'is not a PostgreSQL URL. It looks like postgresql://user:password@host:5432/database').optional(),
  /** A Redis for the queue; without it the queue is in PostgreSQL. */
  REDIS_URL: url(['redis:', 'rediss:'], 'is not a Redis URL. It looks like redis://host:6379, or rediss:// with TLS').optional(),
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: port(7070),
  SIM_PORT: port(7071),
  /** Of the simulated Google Cloud and the simulated Azure; left out, 7073 and 7074, or any free ones beside `SIM_PORT=0`. */
  SIM_GCP_PORT: port(7073).removeDefault().optional(),
  SIM_AZURE_PORT: port(7074).removeDefault().optional(),
  WORKER_HOST: z.string().default('127.0.0.1'),
  WORKER_PORT: port(7072),
  PUBLIC_URL: installationEnvironment.PUBLIC_URL.removeDefault().optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  UNDERSTUDY_MASTER_KEY: installationEnvironment.UNDERSTUDY_MASTER_KEY.optional(),
  UNDERSTUDY_MASTER_KEYS_OLD: installationEnvironment.UNDERSTUDY_MASTER_KEYS_OLD,
})
export type CliConfig = Omit<z.output<typeof environment>, 'UNDERSTUDY_HOME' | 'SIM_GCP_PORT' | 'SIM_AZURE_PORT'> & {
  readonly SIM_GCP_PORT: number
  readonly SIM_AZURE_PORT: number
  /** `UNDERSTUDY_HOME`, absolute. */
  readonly home: string
  /** Everything else that was set: it is for the services. */
  readonly env: NodeJS.ProcessEnv
}

/** Throws a `ConfigError` that names every variable that is wrong. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): CliConfig {
  const { UNDERSTUDY_HOME, ...rest } = readEnvironment(environment, env)
  const beside = (usual: number): number => (rest.SIM_PORT === 0 ? 0 : usual)
  const ports = { SIM_GCP_PORT: rest.SIM_GCP_PORT ?? beside(7073), SIM_AZURE_PORT: rest.SIM_AZURE_PORT ?? beside(7074) }
  return { ...rest, ...ports, home: resolve(UNDERSTUDY_HOME), env }
}

const masterKeyEnvironment = z.object({
  UNDERSTUDY_MASTER_KEY: installationEnvironment.UNDERSTUDY_MASTER_KEY,
  UNDERSTUDY_MASTER_KEYS_OLD: installationEnvironment.UNDERSTUDY_MASTER_KEYS_OLD,
})

/** The master keys with the one from the installation's file. Throws a `ConfigError` when that file was damaged. */
export const withMasterKey = (config: CliConfig, key: string): MasterKeySettings =>
  readEnvironment(masterKeyEnvironment, { ...config.env, UNDERSTUDY_MASTER_KEY: key })
