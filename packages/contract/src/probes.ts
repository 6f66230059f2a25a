import { z } from 'zod'
import { text } from './common.ts'

const port = z.number().int().min(1).max(65_535)

export const Probe = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('tcp'), port }).meta({ title: 'It accepts connections' }),
    z
      .strictObject({
        kind: z.literal('http'),
        port,
        scheme: z
          .enum(['http', 'https'])
          .optional()
          .meta({ description: 'Default: http. Certificates are not checked: an address is asked, not a name.' }),
        path: z
          .string()
          .max(1000)
          .regex(/^\/[!-~]*$/)
          .optional()
          .meta({ description: 'Default: /', examples: ['/healthz'] }),
        status: z.number().int().min(100).max(599).optional().meta({ description: 'Left out: any from 200 to 299.' }),
        contains: text(500).optional().meta({ description: 'Has to be in the first 64 KiB of the answer.' }),
      })
      .meta({ title: 'It answers requests' }),
  ])
  .meta({
    id: 'Probe',
    description:
      "Asked of the instance itself, at the address that the cloud says is its own; through the account's `probeProxy` where there is one.",
  })

const timeoutSeconds = z.number().int().min(1).max(600).optional().meta({ description: 'Default: 60.' })
const oneLine = (max: number) => text(max).regex(/^[^\0\r\n]*$/, 'must be one line')

export const GuestCheck = z
  .discriminatedUnion('kind', [
    z
      .strictObject({
        kind: z.literal('command'),
        name: oneLine(100),
        script: text(4000).meta({
          description: 'For `sh` (PowerShell on Windows), as the superuser. The cloud keeps it where people can read it: no secrets.',
        }),
        exitCode: z.number().int().min(0).max(255).optional().meta({ description: 'Default: 0.' }),
        contains: text(500).optional().meta({ description: 'Has to be in the last 4,096 characters of what it says.' }),
        timeoutSeconds,
      })
      .meta({ title: 'A command ends well' }),
    z
      .strictObject({
        kind: z.literal('checksum'),
        path: oneLine(500).regex(/^\//, 'must begin with /'),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        timeoutSeconds,
      })
      .meta({ title: 'A file has this SHA-256' }),
    z
      .strictObject({
        kind: z.literal('query'),
        name: oneLine(100),
        engine: z.enum(['postgresql', 'mysql']),
        database: oneLine(100).regex(/^[^-]/, 'must not begin with -'),
        sql: oneLine(1000),
        expects: z.string().max(500).meta({ description: 'What it has to answer, without headings and without white space around it.' }),
        timeoutSeconds,
      })
      .meta({ title: 'A database answers this' }),
  ])
  .meta({
    id: 'GuestCheck',
    description:
      "Asked inside of the instance, through the cloud's channel for commands, maybe more than once. Where there is none, and on the isolated clone of a test rollback, it is skipped, with the reason.",
  })

export const Verification = z
  .strictObject({
    probes: z.array(Probe).max(10).optional(),
    checks: z.array(GuestCheck).max(10).optional(),
    withinSeconds: z
      .number()
      .int()
      .min(1)
      .max(3600)
      .optional()
      .meta({ description: 'Until when everything has to pass, from when it runs. Default: 300.' }),
  })
  .meta({ id: 'RestoreChecks', description: "What has to be true of what came back, beside that it runs and passes the cloud's own checks." })

export const CheckResult = z
  .object({
    check: z.string().meta({ description: '`boot`, `cloud`, or a probe or check in words.', examples: ['http 8080 /healthz'] }),
    outcome: z.enum(['passed', 'failed', 'skipped']),
    detail: z.string(),
    afterSeconds: z.number(),
  })
  .meta({ id: 'CheckResult' })
