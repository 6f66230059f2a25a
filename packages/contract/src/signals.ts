import { z } from 'zod'
import { anyJson, idOf, idParams, nativeId, pageOf, pageQuery, text, time, timeInput } from './common.ts'
import { defineRoute, json } from './route.ts'

export const signalId = idOf('signal', 'signal')
export const signalKind = z.enum(['interruption', 'rebalance', 'maintenance', 'failure', 'risk'])
export const signalEffect = z.enum(['terminate', 'stop', 'hibernate', 'reboot', 'freeze', 'redeploy', 'unknown'])
export const changePhase = z.enum(['announced', 'started', 'completed', 'cancelled'])
const confidence = z.enum(['certain', 'likely'])
const cause = z.enum(['platform', 'user', 'us', 'unknown'])

export const Signal = z
  .object({
    id: signalId,
    accountId: z.string(),
    kind: signalKind.meta({
      description: 'interruption: it goes, traffic is moved · rebalance: it may go, shadows are armed · the others are recorded',
    }),
    effect: signalEffect,
    phase: changePhase.meta({
      description:
        'Of maintenance: how far the change is. started: it has begun · completed: it has happened, or was settled otherwise · cancelled: it was taken back',
    }),
    nativeId: z.string(),
    resourceId: z.string().optional(),
    shadowId: z.string().optional(),
    deadline: time.optional().meta({ description: "The cloud's own." }),
    confidence,
    cause: cause.meta({ description: 'platform: the cloud decided · user: a person or another program · us · unknown: nobody has said' }),
    canPostponeUntil: time.optional().meta({ description: 'Until when it could be put off, where the cloud lets itself be asked.' }),
    canExpedite: z.boolean().meta({ description: 'Whether it could be had at once, at a time of our choice, instead of at its deadline.' }),
    source: z.enum(['push', 'queue', 'agent', 'api', 'poll']),
    observedAt: time.meta({ description: 'When the cloud noticed.' }),
    receivedAt: time.meta({ description: 'When we were told.' }),
    outcome: z.enum(['accepted', 'armed', 'unmatched', 'late', 'ignored', 'recorded', 'malformed']).meta({
      description:
        'accepted: started or joined `operationId` · armed: shadows prepared · unmatched: no resource of ours · late: its deadline had passed',
    }),
    reason: z.string().optional(),
    operationId: z.string().optional(),
    endedBy: z.string().optional().meta({ description: 'Of an announcement: the signal that has taken it back, or said that it is over.' }),
    duplicates: z.number().int().optional().meta({ description: 'How often the same was said again.' }),
    raw: anyJson.optional().meta({ description: 'As it came. Left out in lists.' }),
  })
  .meta({ id: 'Signal' })

export const CreateSignal = z
  .strictObject({
    resourceId: idOf('resource', 'resource').optional(),
    nativeId: nativeId.optional(),
    accountId: idOf('account', 'account').optional(),
    kind: signalKind.optional(),
    effect: signalEffect.optional(),
    phase: changePhase
      .optional()
      .meta({ description: 'Of maintenance only. cancelled: what was said of this kind, effect and deadline is taken back.' }),
    observedAt: timeInput.optional().meta({ description: 'When the document was read, where that is not now: an older one takes nothing back.' }),
    uptimeSeconds: z.number().min(0).max(1e9).optional().meta({
      description:
        'Of a document: how long the machine was up that has read it. A restart that is no longer named, of a machine that has booted since it was announced, has happened, however early.',
    }),
    deadline: timeInput.optional(),
    confidence: confidence.optional(),
    cause: cause.exclude(['us']).optional().meta({ description: 'Whose doing it is. Left out: unknown.' }),
    canPostponeUntil: timeInput.optional(),
    canExpedite: z.boolean().optional(),
    document: anyJson
      .optional()
      .meta({ description: "The cloud's own notice, as the instance's metadata service or its guest gave it. Instead of `kind`." }),
    documentKind: text(100)
      .optional()
      .meta({
        description: 'Which document it is, where that is not plain from its shape.',
        examples: ['spot/instance-action', 'events/maintenance/scheduled', 'scheduledevents', 'gcp-preempted', 'gcp-maintenance-event'],
      }),
  })
  .refine(
    (body) => body.resourceId !== undefined || (body.accountId !== undefined && body.nativeId !== undefined),
    'give resourceId, or accountId and nativeId',
  )
  .refine((body) => body.kind !== undefined || body.document !== undefined, { path: ['kind'], message: 'give kind, or a document' })
  .meta({ id: 'CreateSignal' })

const tags = ['signals'] as const

export const createSignal = defineRoute({
  method: 'POST',
  url: '/v1/signals',
  access: { role: 'operator' },
  schema: {
    operationId: 'createSignal',
    tags,
    summary: 'Say something about a resource',
    description:
      'For agents and people. Saying the same twice counts the repetition and changes nothing, so no Idempotency-Key is needed. Answered when the signal, and the operation it starts, are stored.',
    body: CreateSignal,
    response: { 201: json('The signal and what it led to.', Signal) },
  },
})

export const listSignals = defineRoute({
  method: 'GET',
  url: '/v1/signals',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listSignals',
    tags,
    summary: 'List signals',
    description: 'Newest first.',
    querystring: z.strictObject({ ...pageQuery, resourceId: idOf('resource', 'resource').optional(), kind: signalKind.optional() }),
    response: { 200: json('One page.', pageOf('SignalPage', Signal)) },
  },
})

export const getSignal = defineRoute({
  method: 'GET',
  url: '/v1/signals/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getSignal',
    tags,
    summary: 'Read a signal',
    description: 'With the document it came from.',
    params: idParams(signalId),
    response: { 200: json('The signal.', Signal) },
  },
})
