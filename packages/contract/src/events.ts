import { z } from 'zod'
import { anyJson, pageQuery, text, time } from './common.ts'
import { defineRoute } from './route.ts'

export const CloudEvent = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string(),
    source: z.string(),
    type: z.string().meta({ examples: ['io.understudy.operations.started.v1'] }),
    subject: z.string().optional(),
    time,
    recordedtime: time.optional(),
    expirytime: time.optional().meta({ description: 'A deadline that the event speaks of.' }),
    sequence: z.string().meta({ description: 'Grows with every event; `Last-Event-ID` of the stream.' }),
    datacontenttype: z.string().optional(),
    datatruncated: z.boolean().optional().meta({ description: 'Part of `data` was too large for a webhook.' }),
    data: anyJson.optional(),
  })
  .meta({ id: 'CloudEvent' })

export const CloudEventPage = z
  .object({
    items: z.array(CloudEvent),
    nextPageToken: z.string().optional(),
    lastSequence: z.string().meta({ description: 'Continue from here with `afterSequence` when there is no next page yet.' }),
  })
  .meta({ id: 'CloudEventPage' })

export const listEvents = defineRoute({
  method: 'GET',
  url: '/v1/events',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listEvents',
    tags: ['events'],
    summary: 'Read or follow events',
    description:
      'With `Accept: text/event-stream` a stream that starts now, or after `Last-Event-ID` or `afterSequence`; otherwise a page of JSON that starts at the beginning, or after `afterSequence`.',
    querystring: z.strictObject({
      ...pageQuery,
      afterSequence: z.coerce.number().int().min(0).optional(),
      types: text(1000).optional().meta({ description: 'Types, or prefixes that end in `.`, separated by commas.' }),
    }),
    headers: z.looseObject({ 'last-event-id': z.string().max(100).optional().meta({ description: 'Continue after this event.' }) }),
    response: {
      200: {
        description: 'CloudEvents.',
        content: { 'application/json': { schema: CloudEventPage }, 'text/event-stream': { schema: CloudEvent } },
      },
    },
  },
})
