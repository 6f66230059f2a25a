import { z } from 'zod'
import { masterKey, oldMasterKeys } from './master-keys.ts'
import { count, list, secret } from './values.ts'

/** What every process of an installation reads alike. The description is the comment in `.env.example`. */
export const installationEnvironment = {
  DATABASE_URL: secret(/^postgres(ql)?:\/\/\S+$/, 'must be a URL such as postgresql://user:password@host:5432/understudy').meta({
    description: 'PostgreSQL 15 or newer, where everything is kept.',
  }),
  REDIS_URL: secret(/^rediss?:\/\/\S+$/, 'must be a URL such as redis://host:6379')
    .optional()
    .meta({
      description: 'Redis for the queue (noeviction). Not set: the queue is in PostgreSQL.',
    }),
  UNDERSTUDY_MASTER_KEY: masterKey.meta({
    description: 'Seals credentials: 32 bytes in base64 (openssl rand -base64 32), or a name, a colon and the key.',
  }),
  UNDERSTUDY_MASTER_KEYS_OLD: oldMasterKeys.meta({
    description: 'Former master keys, separated by commas, until everything is sealed with the present one.',
  }),
  INSTALLATION: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,38}$/, 'must be lowercase letters, digits and dashes')
    .default('default')
    .meta({ description: 'Written on everything made in a cloud: installations that share an account leave each other alone.' }),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:7070')
    .meta({ description: 'Where callers reach the API: the source of events.' }),
  WEBHOOK_ALLOWED_NETWORKS: list()
    .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()])))
    .meta({ description: 'Private networks that webhooks may reach, as CIDR, separated by commas.' }),
  ARM_TTL_SECONDS: count(900).meta({ description: 'How long an armed shadow waits for the confirmation.' }),
  LOG_FORMAT: z.enum(['json', 'pretty']).default('json').meta({ description: 'json: one object per line · pretty: for people.' }),
}
