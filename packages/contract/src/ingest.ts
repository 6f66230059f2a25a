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

export const Handshake = z
  .record(z.string(), z.unknown())
  .meta({ id: 'Handshake', description: 'What the cloud wants to hear before it pushes, for instance `validationResponse`.' })

const params = z.strictObject({ provider: text(40), accountId })
/** Senders add parameters of their own. */
const querystring = z.looseObject({
  key: text(200)
    .optional()
    .meta({ description: 'The key of the account, for senders that can only put it into a URL. Programs between may log it.' }),
})
const tags = ['ingest'] as const

export const ingestEvents = defineRoute({
  method: 'POST',
  url: '/v1/ingest/{provider}/{accountId}',
  access: { role: 'ingest-key' },
  schema: {
    operationId: 'ingestEvents',
    tags,
    summary: "Receive a cloud's own events",
    description:
      'One event, an array of events, or an envelope around one (SNS, Pub/Sub). The key of the account is given in `x-understudy-ingest-key`, as a bearer token, as the password of basic authentication, or as `key` in the query; where the settings of the account say what its cloud signs (`push`), such a token counts too. Answered when everything it leads to is stored; at most 256 KiB.',
    params,
    querystring,
    body: anyJson.refine((body) => body !== undefined, 'an event is required').meta({ description: 'As the cloud sends it.' }),
    response: { 200: json('The cloud asked whether it may push: the answer it wants.', Handshake), 202: json('Stored.', IngestResult) },
  },
})

export const allowEvents = defineRoute({
  method: 'OPTIONS',
  url: '/v1/ingest/{provider}/{accountId}',
  access: { role: 'ingest-key' },
  schema: {
    operationId: 'allowEvents',
    tags,
    summary: 'Say that a cloud may push events',
    description:
      'The handshake of the CloudEvents HTTP webhook specification, with the same credentials as the events. The answer allows the origin and says how many requests a minute are taken.',
    params,
    querystring,
    headers: z.looseObject({
      'webhook-request-origin': text(300).meta({ description: 'Who wants to push. Given back as `WebHook-Allowed-Origin`.' }),
      'webhook-request-rate': z.coerce.number().int().min(1).optional().meta({ description: 'How many requests a minute it wants to send.' }),
    }),
    response: { 200: { description: 'It may: `WebHook-Allowed-Origin` and `WebHook-Allowed-Rate` say so.' } },
  },
})
