import { z } from 'zod'
import { anyJson, idOf, idParams, noBody, pageOf, pageQuery, text, time } from './common.ts'
import { defineRoute, json } from './route.ts'

export const operationId = idOf('operation', 'operation')
export const operationStatus = z.enum(['pending', 'running', 'undoing', 'succeeded', 'failed', 'cancelled', 'stuck'])

export const OperationStep = z
  .object({
    name: z.string(),
    title: z.string().meta({ description: 'What the step does, for people.' }),
    status: z.enum(['pending', 'running', 'succeeded', 'failed', 'undoing', 'undone', 'undo-failed', 'skipped']),
    attempts: z.number().int(),
    startedAt: time.optional(),
    finishedAt: time.optional(),
  })
  .meta({ id: 'OperationStep' })

export const OperationError = z
  .object({ code: z.string(), message: z.string(), transient: z.boolean(), remedy: z.string().optional() })
  .meta({ id: 'OperationError' })

export const TimelineEntry = z
  .object({
    at: time,
    type: z.enum(['step_started', 'step_succeeded', 'step_failed', 'undo_started', 'undo_finished', 'undo_failed', 'note']),
    step: z.string(),
    title: z.string().optional(),
    attempt: z.number().int().optional(),
    message: z.string().optional(),
    data: anyJson.optional(),
    error: OperationError.optional(),
  })
  .meta({ id: 'TimelineEntry' })

export const Operation = z
  .object({
    id: operationId,
    kind: z.string().meta({ description: 'Name of the procedure.', examples: ['failover'] }),
    done: z.boolean(),
    status: operationStatus.meta({ description: '`stuck` needs a person: retry or skip the failed step.' }),
    resourceId: z.string().optional(),
    shadowId: z.string().optional(),
    metadata: z.object({
      reason: z.string(),
      requestedBy: z.string(),
      priority: z.number().int().meta({ description: '1 is the most urgent.' }),
      deadline: time.optional(),
      cancelRequestedAt: time.optional(),
      plan: anyJson.optional(),
      planHash: z.string().optional(),
      step: z.string().optional().meta({ description: 'The step that is at work, or that failed.' }),
      percent: z.number().int().optional(),
      steps: z.array(OperationStep).optional().meta({ description: 'All planned steps. Left out in lists.' }),
    }),
    response: anyJson.optional().meta({ description: 'What it led to, once it has succeeded.' }),
    error: OperationError.optional(),
    createdAt: time,
    startedAt: time.optional(),
    finishedAt: time.optional(),
    updatedAt: time,
    timeline: z.array(TimelineEntry).optional().meta({ description: 'What happened, oldest first. Left out in lists.' }),
  })
  .meta({ id: 'Operation' })

/** The answer of everything that touches a cloud. */
export const acceptedOperation = json('Accepted. `Location` names the operation; `Retry-After` says when to look.', Operation)

export const OperationStreamEvent = z
  .object({
    entry: TimelineEntry.optional(),
    operation: Operation.optional(),
  })
  .meta({
    id: 'OperationStreamEvent',
    description:
      'The data of one server-sent event: `entry` in `event: timeline`, `operation` in `event: operation` and in the last one, `event: done`.',
  })

const tags = ['operations'] as const
const params = idParams(operationId)

export const listOperations = defineRoute({
  method: 'GET',
  url: '/v1/operations',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listOperations',
    tags,
    summary: 'List operations',
    description: 'Newest first.',
    querystring: z.strictObject({
      ...pageQuery,
      status: operationStatus.optional(),
      kind: text(100).optional(),
      resourceId: idOf('resource', 'resource').optional(),
    }),
    response: { 200: json('One page.', pageOf('OperationPage', Operation)) },
  },
})

export const getOperation = defineRoute({
  method: 'GET',
  url: '/v1/operations/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getOperation',
    tags,
    summary: 'Read an operation',
    description: 'With its steps and its timeline.',
    params,
    response: { 200: json('The operation.', Operation) },
  },
})

export const cancelOperation = defineRoute({
  method: 'POST',
  url: '/v1/operations/{id}:cancel',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'cancelOperation',
    tags,
    summary: 'Cancel an operation',
    description: 'Possible until its point of no return: what was done is undone, and the operation ends as `cancelled`.',
    params,
    body: noBody,
    response: { 200: json('The operation; it ends a little later.', Operation) },
  },
})

export const retryOperation = defineRoute({
  method: 'POST',
  url: '/v1/operations/{id}:retry',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'retryOperation',
    tags,
    summary: 'Retry a stuck operation',
    description: 'Continues from the step that failed.',
    params,
    body: noBody,
    response: { 200: json('The operation, running again.', Operation) },
  },
})

export const skipStep = defineRoute({
  method: 'POST',
  url: '/v1/operations/{id}:skip',
  access: { role: 'admin', idempotent: true },
  schema: {
    operationId: 'skipStep',
    tags,
    summary: 'Skip the failed step of a stuck operation',
    description: 'For a step that a person has done by hand. It is recorded who skipped it.',
    params,
    body: z
      .strictObject({ step: text(100).meta({ description: 'Name of the failed step, so that no other one is skipped by mistake.' }) })
      .meta({ id: 'SkipStep' }),
    response: { 200: json('The operation, running again.', Operation) },
  },
})

export const streamOperation = defineRoute({
  method: 'GET',
  url: '/v1/operations/{id}/events',
  access: { role: 'viewer' },
  schema: {
    operationId: 'streamOperation',
    tags,
    summary: 'Follow an operation',
    description: 'Server-sent events until the operation has ended. `Last-Event-ID` continues where a broken stream stopped.',
    params,
    headers: z.looseObject({ 'last-event-id': z.string().max(100).optional().meta({ description: 'Continue after this event.' }) }),
    response: { 200: { description: 'A stream of `OperationStreamEvent`s.', content: { 'text/event-stream': { schema: OperationStreamEvent } } } },
  },
})
