import { resolve } from 'node:path'
import { z } from 'zod'

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)

const environment = z.object({
  /** Where the embedded database, the keys, the logs and the simulated region keep their files. */
  UNDERSTUDY_HOME: z.string().default('.understudy'),
  /** A PostgreSQL of one's own; without it an embedded one is started. */
  DATABASE_URL: z.string().optional(),
  /** A Redis for the queue; without it the queue is in PostgreSQL. */
  REDIS_URL: z.string().optional(),
  UNDERSTUDY_MASTER_KEY: z.string().optional(),
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: port(7070),
  SIM_PORT: port(7071),
  WORKER_PORT: port(7072),
})
export type CliConfig = Omit<z.output<typeof environment>, 'UNDERSTUDY_HOME'> & { readonly home: string; readonly env: NodeJS.ProcessEnv }

/** Throws one line that names every variable that is wrong. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): CliConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success)
    throw new Error(`The environment is not valid. ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`)
  const { UNDERSTUDY_HOME, ...rest } = parsed.data
  return { ...rest, home: resolve(UNDERSTUDY_HOME), env }
}
