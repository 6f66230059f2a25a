import { z } from 'zod'
import { join } from 'node:path'
import type { CloudOptions } from './clouds/cloud.ts'
import type { SimServerOptions } from './server.ts'

const flag = z.enum(['0', '1', 'true', 'false', 'yes', 'no']).transform((text) => text === '1' || text === 'true' || text === 'yes')

/** The environment of a simulated region that runs as a process of its own. */
const environment = z.object({
  /** Loopback port of the API; 0 for any free one. */
  SIM_PORT: z.coerce.number().int().min(0).max(65_535).default(4566),
  SIM_REGION: z
    .string()
    .regex(/^[a-z]{2,}(-[a-z]+)+-\d$/)
    .optional(),
  /** Where state and volumes are kept; empty or absent: in memory. */
  SIM_STATE_DIR: z.string().optional(),
  SIM_SEED: z.coerce.number().int().default(1),
  /** Nothing but the API listens; holds ten thousand instances. */
  SIM_SCALE: flag.default(false),
  /** How fast the simulated clock runs. */
  SIM_SPEED: z.coerce.number().positive().max(10_000).default(1),
  /** Other clouds beside it, each on a port of its own: `gcp`, `azure`, or both with a comma. */
  SIM_CLOUDS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((name) => name !== ''))
    .pipe(z.array(z.enum(['gcp', 'azure']))),
  SIM_GCP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  SIM_AZURE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  /** Token buckets like EC2's. */
  SIM_RATE_LIMITS: flag.default(false),
})

export interface CloudConfig extends Omit<CloudOptions, 'onInternalError'> {
  readonly name: 'gcp' | 'azure'
}
export type ConfigResult =
  | { readonly ok: true; readonly options: SimServerOptions; readonly clouds: readonly CloudConfig[] }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads the environment, or says everything that is wrong with it. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env): ConfigResult {
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name.startsWith('SIM_') && value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) }
  const { SIM_PORT, SIM_REGION, SIM_STATE_DIR, SIM_SEED, SIM_SCALE, SIM_SPEED, SIM_RATE_LIMITS } = parsed.data
  const ports = { gcp: parsed.data.SIM_GCP_PORT, azure: parsed.data.SIM_AZURE_PORT }
  return {
    ok: true,
    clouds: parsed.data.SIM_CLOUDS.map((name) => ({
      name,
      port: ports[name],
      seed: SIM_SEED,
      speed: SIM_SPEED,
      ...(SIM_STATE_DIR === undefined ? {} : { stateDirectory: join(SIM_STATE_DIR, name) }),
    })),
    options: Object.freeze({
      port: SIM_PORT,
      seed: SIM_SEED,
      listeners: !SIM_SCALE,
      speed: SIM_SPEED,
      rateLimits: SIM_RATE_LIMITS,
      ...(SIM_REGION === undefined ? {} : { region: SIM_REGION }),
      ...(SIM_STATE_DIR === undefined ? {} : { stateDirectory: SIM_STATE_DIR }),
    }),
  }
}
