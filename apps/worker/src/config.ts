import { Secret } from '@understudy/core'
import { z } from 'zod'

const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback)

/** `id:base64` pairs, comma separated; the first one seals, the others only open. */
const masterKeys = z.string().transform((text, context) => {
  const keys = new Map<string, Uint8Array>()
  for (const part of text.split(',')) {
    const [id, encoded] = [part.slice(0, part.indexOf(':')).trim(), part.slice(part.indexOf(':') + 1).trim()]
    const key = Buffer.from(encoded, 'base64')
    if (!part.includes(':') || id === '' || key.byteLength !== 32) {
      context.addIssue({
        code: 'custom',
        message: 'must be id:base64 pairs of 32 bytes, separated by commas (make one with: openssl rand -base64 32)',
      })
      return z.NEVER
    }
    keys.set(id, new Uint8Array(key))
  }
  return keys
})

export const workerEnvironment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).transform((url) => new Secret(url)),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .transform((url) => new Secret(url))
    .optional(),
  UNDERSTUDY_MASTER_KEYS: masterKeys,
  UNDERSTUDY_INSTALLATION: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .default('default'),
  UNDERSTUDY_ARM_TTL_SECONDS: seconds(600),
  WEBHOOK_ALLOWED_NETWORKS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  WORKER_HOST: z.string().default('127.0.0.1'),
  WORKER_PORT: z.coerce.number().int().min(0).max(65_535).default(7072),
  WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(5000).default(512),
  WORKER_LEASE_SECONDS: seconds(30),
  WORKER_SIGNAL_POLLERS: z.coerce.number().int().min(1).max(64).default(4),
  DATABASE_POOL_MAX: z.coerce.number().int().min(2).max(200).default(16),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  LOG_FORMAT: z.enum(['json', 'pretty']).default('json'),
})
export type WorkerConfig = z.output<typeof workerEnvironment>

/** Reads the environment, or says everything that is wrong with it at once. */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): { readonly ok: true; readonly config: WorkerConfig } | { readonly ok: false; readonly problems: readonly string[] } {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = workerEnvironment.safeParse(given)
  if (parsed.success) return { ok: true, config: Object.freeze(parsed.data) }
  return { ok: false, problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) }
}
