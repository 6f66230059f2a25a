import { z } from 'zod'
import { etag, idOf, idParams, noBody, pageOf, pageQuery, text, time } from './common.ts'
import { acceptedOperation } from './operations.ts'
import { DataLag, purchase, readiness } from './resources.ts'
import { defineRoute, json } from './route.ts'

export const shadowId = idOf('shadow', 'shadow')
export const shadowStatus = z.enum([
  'planned',
  'provisioning',
  'unproven',
  'proving',
  'ready',
  'reserved',
  'failed',
  'retiring',
  'promoted',
  'retired',
])

export const Shadow = z
  .object({
    id: shadowId,
    resourceId: z.string(),
    accountId: z.string(),
    status: shadowStatus,
    nativeId: z.string().optional(),
    snapshotSetId: z.string().optional().meta({ description: 'Of a cold shadow: the kept disks of the primary.' }),
    zone: z.string(),
    instanceType: z.string(),
    purchase,
    readiness,
    hosts: z
      .object({
        rule: z.enum(['same-group', 'separate']),
        group: z.string().optional().meta({ description: 'That the primary was bound to when the shadow was planned.' }),
      })
      .optional()
      .meta({ description: 'How it stands to the hosts of its primary; left out where nothing was asked for.' }),
    proof: z
      .object({ at: time, method: z.enum(['health', 'running', 'start', 'snapshot']), seconds: z.number(), operationId: z.string().optional() })
      .optional()
      .meta({ description: 'When and how it was last seen to be able to take over.' }),
    dataLag: DataLag,
    armedUntil: time.optional().meta({ description: 'Prepared because of a warning; stands down at this time.' }),
    operationId: z.string().optional(),
    failures: z.number().int(),
    lastError: z.string().optional(),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'Shadow' })

const tags = ['shadows'] as const
const params = idParams(shadowId)

export const listShadows = defineRoute({
  method: 'GET',
  url: '/v1/shadows',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listShadows',
    tags,
    summary: 'List shadows',
    description: 'The shadows of the project, former ones included.',
    querystring: z.strictObject({ ...pageQuery, resourceId: idOf('resource', 'resource').optional(), status: shadowStatus.optional() }),
    response: { 200: json('One page.', pageOf('ShadowPage', Shadow)) },
  },
})

export const getShadow = defineRoute({
  method: 'GET',
  url: '/v1/shadows/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getShadow',
    tags,
    summary: 'Read a shadow',
    description: 'With the proof of its readiness.',
    params,
    response: { 200: json('The shadow.', Shadow) },
  },
})

export const drillShadow = defineRoute({
  method: 'POST',
  url: '/v1/shadows/{id}:drill',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'drillShadow',
    tags,
    summary: 'Prove that a shadow can take over',
    description: 'No traffic is moved.',
    params,
    body: noBody,
    response: { 202: acceptedOperation },
  },
})

export const promoteShadow = defineRoute({
  method: 'POST',
  url: '/v1/shadows/{id}:promote',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'promoteShadow',
    tags,
    summary: 'Make this shadow the primary',
    description: 'A failover of its resource to this very shadow.',
    params,
    body: z
      .strictObject({ planHash: text(64).optional() })
      .optional()
      .meta({ id: 'PromoteShadow' }),
    response: { 202: acceptedOperation },
  },
})

export const armShadow = defineRoute({
  method: 'POST',
  url: '/v1/shadows/{id}:arm',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'armShadow',
    tags,
    summary: 'Prepare a shadow without moving traffic',
    description: 'It stands down by itself after a while.',
    params,
    body: noBody,
    response: { 202: acceptedOperation },
  },
})

export const disarmShadow = defineRoute({
  method: 'POST',
  url: '/v1/shadows/{id}:disarm',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'disarmShadow',
    tags,
    summary: 'Stand a shadow down',
    description: 'It goes back to the readiness of its tier.',
    params,
    body: noBody,
    response: { 202: acceptedOperation },
  },
})
