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

export const Verification = z
  .strictObject({
    probes: z.array(Probe).max(10).optional(),
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
    check: z.string().meta({ description: '`boot`, `cloud`, or a probe in words.', examples: ['http 8080 /healthz'] }),
    outcome: z.enum(['passed', 'failed', 'skipped']),
    detail: z.string(),
    afterSeconds: z.number(),
  })
  .meta({ id: 'CheckResult' })
