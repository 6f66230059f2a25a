import { z } from 'zod'
import { etag, idOf, idParams, noBody, pageOf, pageQuery, text, time, timeInput } from './common.ts'
import { acceptedOperation } from './operations.ts'
import { DatabasePosition } from './recovery-points.ts'
import { resourceId } from './resources.ts'
import { defineRoute, json } from './route.ts'
import { signalEffect } from './signals.ts'
import { StartTestRollback } from './test-rollbacks.ts'

export const transitionId = idOf('transition', 'transition')

export const Transition = z
  .object({
    id: transitionId,
    resourceId: z.string(),
    accountId: z.string(),
    nativeId: z.string().meta({ description: 'The instance that was the primary when it was announced.' }),
    source: z.enum(['cloud', 'caller']),
    effect: signalEffect,
    reason: z.string(),
    requestedBy: z.string(),
    startsAt: time,
    estimatedSeconds: z.number().int().optional(),
    postponeUntil: time.optional().meta({ description: 'Until when it can be put off, where anything says so.' }),
    canExpedite: z.boolean(),
    status: z.enum(['announced', 'prepared', 'started', 'verified', 'damaged', 'avoided', 'cancelled']).meta({
      description:
        'prepared: it is near, a recovery point is kept and shadows are looked after · verified: over, and the resource is whole · damaged: over, and it is not · avoided: the primary has moved away · cancelled: whoever announced it has taken it back',
    }),
    recoveryPointId: z.string().optional().meta({ description: 'Kept because it is near, or by `:preserve`: what to go back to.' }),
    check: z
      .object({
        at: time,
        findings: z.array(
          z.object({ kind: z.enum(['instance_gone', 'not_running', 'disk_missing', 'disk_changed', 'not_healthy']), message: z.string() }),
        ),
        recommendedPointId: z.string().optional().meta({ description: 'Roll back to this one.' }),
        rollbackOperationId: z.string().optional().meta({ description: 'Started by the policy.' }),
        personCalled: z.string().optional().meta({ description: 'Why nothing was done, and a person is needed.' }),
      })
      .optional()
      .meta({ description: 'What was found afterwards.' }),
    operationId: z.string().optional(),
    options: z
      .array(
        z.object({
          action: z.enum(['postpone', 'move-to-shadow', 'start-early', 'keep-recovery-point', 'test-rollback', 'cancel']),
          possible: z.boolean(),
          how: z.string().meta({ description: 'How, or why not.' }),
          until: time.optional(),
        }),
      )
      .optional()
      .meta({ description: 'What can really be done about it. Left out in lists.' }),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'Transition' })

const tags = ['transitions'] as const
const params = idParams(transitionId)

export const announceTransition = defineRoute({
  method: 'POST',
  url: '/v1/transitions',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'announceTransition',
    tags,
    summary: 'Announce a change of a resource',
    description: 'It is told to webhooks and streams, the resource is preserved before it starts, and looked at when it is over.',
    body: z
      .strictObject({
        resourceId,
        reason: text(500),
        startsAt: timeInput,
        estimatedSeconds: z
          .number()
          .int()
          .min(1)
          .max(30 * 86_400),
        latestStart: timeInput.optional().meta({ description: 'The last moment at which it may start: until then it can be postponed.' }),
        effect: signalEffect.optional(),
      })
      .meta({ id: 'AnnounceTransition' }),
    response: { 201: json('The transition.', Transition) },
  },
})

export const listTransitions = defineRoute({
  method: 'GET',
  url: '/v1/transitions',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listTransitions',
    tags,
    summary: 'List transitions',
    description: 'In the order of their starts.',
    querystring: z.strictObject({ ...pageQuery, resourceId: resourceId.optional(), status: Transition.shape.status.optional() }),
    response: { 200: json('One page.', pageOf('TransitionPage', Transition)) },
  },
})

export const getTransition = defineRoute({
  method: 'GET',
  url: '/v1/transitions/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getTransition',
    tags,
    summary: 'Read a transition',
    description: 'With what can be done about it.',
    params,
    response: { 200: json('The transition.', Transition) },
  },
})

export const postponeTransition = defineRoute({
  method: 'POST',
  url: '/v1/transitions/{id}:postpone',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'postponeTransition',
    tags,
    summary: 'Put a transition off',
    description:
      "A caller's is put off at once. A cloud's is moved by an operation, where the cloud lets it; otherwise 409, with what can be done instead in `alternatives`.",
    params,
    body: z.strictObject({ until: timeInput }).meta({ id: 'PostponeTransition' }),
    response: { 200: json('The transition as it is now.', Transition), 202: acceptedOperation },
  },
})

export const preserveTransition = defineRoute({
  method: 'POST',
  url: '/v1/transitions/{id}:preserve',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'preserveTransition',
    tags,
    summary: 'Keep the resource now, before a transition',
    description:
      'As the point to go back to after it, without waiting for it to be near. When it is near another one is kept, which takes its place. 409 when it has started.',
    params,
    body: z.strictObject({ database: DatabasePosition.optional() }).meta({ id: 'PreserveTransition' }),
    response: { 202: acceptedOperation },
  },
})

export const rehearseTransition = defineRoute({
  method: 'POST',
  url: '/v1/transitions/{id}:testRollback',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'rehearseTransition',
    tags,
    summary: 'Rehearse going back to what is kept for a transition',
    description: 'As `POST /v1/recovery-points/{id}:testRollback` of its recovery point. 409 while nothing is kept for it.',
    params,
    body: StartTestRollback,
    response: { 202: acceptedOperation },
  },
})

export const cancelTransition = defineRoute({
  method: 'POST',
  url: '/v1/transitions/{id}:cancel',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'cancelTransition',
    tags,
    summary: "Take a caller's announcement back",
    description: 'What was kept for it stays. Only the cloud can take back what it has announced.',
    params,
    body: noBody,
    response: { 200: json('The transition as it is now.', Transition) },
  },
})
