import { z } from 'zod'
import { accountId } from './accounts.ts'
import { anyJson, text } from './common.ts'
import { defineRoute, json } from './route.ts'

export const IngestResult = z
  .object({
    signals: z.array(
      z.object({
        id: z.string(),
        nativeId: z.string(),
        kind: z.string(),
        outcome: z.string().meta({ description: 'As in `Signal`, or `duplicate`.' }),
        operationId: z.string().optional(),
        duplicateOf: z.string().optional(),
        reason: z.string().optional(),
      }),
    ),
    ignored: z.array(z.object({ index: z.number().int(), reason: z.string() })),
  })
  .meta({ id: 'IngestResult', description: 'What became of each document. Unknown shapes are kept and named in `ignored`.' })

export const ingestEvents = defineRoute({
  method: 'POST',
  url: '/v1/ingest/{provider}/{accountId}',
  access: { role: 'ingest-key' },
  schema: {
    operationId: 'ingestEvents',
    tags: ['ingest'],
    summary: "Receive a cloud's own events",
    description:
      'One event, an array of events, or an SNS envelope. The key of the account is given in `x-understudy-ingest-key`, as a bearer token, or as the password of basic authentication. Answered when everything it leads to is stored; at most 256 KiB.',
    params: z.strictObject({ provider: text(40), accountId }),
    body: anyJson.refine((body) => body !== undefined, 'an event is required').meta({ description: 'As the cloud sends it.' }),
    response: { 202: json('Stored.', IngestResult) },
  },
})
