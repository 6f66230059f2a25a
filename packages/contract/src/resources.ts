import { z } from 'zod'
import { etag, idOf, idParams, jsonObject, labels, nativeId, noBody, pageOf, pageQuery, text, time, timeInput } from './common.ts'
import { accountId } from './accounts.ts'
import { acceptedOperation, Operation } from './operations.ts'
import { defineRoute, json, noContent } from './route.ts'
import { Signal } from './signals.ts'

export const resourceId = idOf('resource', 'resource')

export const Traffic = z
  .strictObject({
    mechanism: z.enum(['lb-weight', 'lb-target', 'address-move', 'dns-weight']),
    native: jsonObject.meta({ description: 'Names the entry point in the terms of the cloud: a listener and its groups, an address.' }),
    accountId: accountId
      .optional()
      .meta({ description: "The account the entry point is in, where it is another than the primary's: that of a DNS zone, for instance." }),
  })
  .meta({ id: 'Traffic' })

export const purchase = z.enum(['on-demand', 'spot', 'reserved'])
export const readiness = z
  .enum(['cold', 'parked', 'warm', 'hot'])
  .meta({ description: 'cold: recipe and snapshots · parked: stopped or hibernated · warm: running small · hot: running at full size' })

const bootData = z
  .union([
    z.strictObject({ from: z.literal('primary').meta({ description: "The primary's own, as it is when the shadow is made." }) }),
    z.strictObject({ text: z.string().min(1).max(16_384).meta({ description: 'Written only: it is sealed, and reads show its hash.' }) }),
    z
      .strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) })
      .meta({ description: 'Of the text that is kept; written back, it stays as it is.' }),
  ])
  .meta({ id: 'BootData', description: 'What an instance is given at its first boot: cloud-init, a script.' })

export const Elsewhere = z
  .strictObject({
    accountId: accountId.meta({
      description:
        'An account of the project: of another region, or of another cloud. That of the primary itself counts once the primary has left it.',
    }),
    readiness: z.enum(['parked', 'warm', 'hot']).default('hot').meta({
      description: 'hot: at least the size of the primary · warm: smaller, and stays so when it takes over · parked: stopped',
    }),
    purchase: purchase.exclude(['reserved']).default('on-demand'),
    zones: z.union([z.literal('any'), z.array(text(60)).min(1).max(20)]).default('any'),
    definition: z
      .strictObject({
        image: nativeId.meta({ description: "The cloud's own id of the image that you keep there.", examples: ['ami-0a11c0de0000000a1'] }),
        arch: z.enum(['x86_64', 'arm64']).default('x86_64'),
        vcpus: z.number().int().min(1).max(1024).meta({ description: 'The closest type that has at least this much of both is taken.' }),
        memoryMiB: z.number().int().min(256).max(33_554_432),
        bootData: bootData.optional(),
        subnet: nativeId,
        securityGroups: z.array(nativeId).max(20).default([]).meta({ description: 'In the terms of the cloud; on Google Cloud, network tags.' }),
        publicAddress: z.boolean().default(true).meta({ description: 'Traffic is led there by this address.' }),
        identity: nativeId.optional().meta({ description: 'Instance profile, service account.' }),
      })
      .meta({
        id: 'PortableDefinition',
        description: 'Nothing is copied from the primary: what the instance is made of, in the terms of that account.',
      }),
  })
  .meta({ id: 'Elsewhere', description: 'One shadow in another account.' })

export const Tier = z
  .strictObject({
    readiness,
    shadows: z.number().int().min(0).max(10).default(1).meta({ description: "In the primary's own account. 0 only beside `elsewhere`." }),
    zones: z
      .union([z.enum(['other', 'any']), z.array(text(60)).min(1).max(20)])
      .default('other')
      .meta({ description: "`other`: never the primary's zone · `any` · or a list of zones, in order of preference." }),
    hosts: z.enum(['any', 'same-group', 'separate']).optional().meta({
      description:
        '`same-group`: on the group of hosts that the primary is bound to, in its zone (so with `zones` `any`, or a list that names it) · `separate`: never on the hosts of the primary: in another zone, or in its zone where its group keeps members apart · left out, or `any`: nothing is certain but what `zones` says.',
    }),
    instanceType: text(60).optional().meta({ description: "Of the shadow. Left out: the primary's own. `warm` needs a smaller one." }),
    purchase: purchase.default('on-demand'),
    holdMemory: z.boolean().default(false).meta({ description: 'A parked shadow keeps its memory where the cloud can.' }),
    proofMaxAgeSeconds: z
      .number()
      .int()
      .min(60)
      .max(31_536_000)
      .default(86_400)
      .meta({ description: 'A proof of readiness older than this no longer counts.' }),
    formerPrimary: z.enum(['terminate', 'standby']).default('terminate').meta({ description: 'What becomes of a primary that survived a failover.' }),
    elsewhere: z.array(Elsewhere).min(1).max(5).optional().meta({ description: 'Beside them one shadow in each of these accounts.' }),
  })
  .meta({ id: 'Tier' })

export const Resource = z
  .object({
    id: resourceId,
    accountId,
    name: z.string(),
    nativeId: z.string().meta({ description: 'The present primary. Changes with every failover; `id` stays.' }),
    zone: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    status: z.enum(['unprotected', 'protected', 'degraded', 'failing-over', 'lost']),
    tier: Tier.optional(),
    traffic: Traffic.optional(),
    hold: z.object({ reason: z.string(), by: z.string(), until: time }).optional(),
    unplaced: z
      .array(
        z
          .object({
            accountId,
            code: z.enum(['zones', 'one-zone', 'hosts', 'refused', 'type']),
            reason: z.string(),
            since: time,
          })
          .meta({ id: 'Unplaced' }),
      )
      .optional()
      .meta({
        description:
          'Shadows that are promised and not being made, since no place for them was found: by account, with the reason. Events `io.understudy.shadows.unplaced.v1` say so when it becomes known.',
      }),
    dnaHash: z.string().meta({ description: 'Changes when the definition changes.' }),
    dnaAt: time,
    primaryEpoch: z.number().int().meta({ description: 'Raised by every promotion.' }),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'Resource' })

export const Dna = z.object({ hash: z.string(), at: time, definition: jsonObject }).meta({
  id: 'Dna',
  description: 'The definition from which an equal resource can be made. Boot data and secret-looking values are replaced by their hash.',
})

export const ImportResource = z
  .strictObject({
    accountId,
    nativeId: nativeId.optional().meta({ description: 'One instance.', examples: ['i-0b662ef9931388ba0'] }),
    tags: z.record(text(128), z.string().max(256)).optional().meta({ description: 'All instances that carry these tags, at most 500.' }),
    name: text(200).optional(),
    traffic: Traffic.optional(),
    labels: labels.optional(),
  })
  .refine((body) => (body.nativeId === undefined) !== (body.tags === undefined), 'give either nativeId or tags')
  .refine((body) => body.tags === undefined || Object.keys(body.tags).length > 0, { path: ['tags'], message: 'name at least one tag' })
  .meta({ id: 'ImportResource' })

export const UpdateResource = z
  .strictObject({ name: text(200).optional(), labels: labels.optional(), traffic: Traffic.optional() })
  .refine((body) => Object.keys(body).length > 0, 'name at least one thing to change')
  .meta({ id: 'UpdateResource' })

export const FailoverRequest = z
  .strictObject({
    shadowId: idOf('shadow', 'shadow').optional().meta({ description: 'Left out: the best one is chosen.' }),
    reason: text(500),
    deadline: timeInput.optional().meta({ description: 'For a dry run: whether the plan fits.' }),
    planHash: text(64).optional().meta({ description: 'Of a plan you have seen; refused when the world has moved since.' }),
  })
  .meta({ id: 'FailoverRequest' })

export const DataLag = z.object({ kind: z.enum(['boot-image-only', 'as-of']), at: time.optional() }).meta({
  id: 'DataLag',
  description:
    'How far the data of a shadow is behind: nothing is copied while it waits. `boot-image-only`: it has what its image and its boot data bring · `as-of`: its disks are as the primary was at that moment.',
})

export const FailoverPlan = z
  .object({
    resourceId,
    primary: z.string(),
    primaryEpoch: z.number().int(),
    kind: z.enum(['running-shadow', 'parked-shadow', 'replacement']),
    shadowId: z.string().optional(),
    steps: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        expectedSeconds: z.number(),
        elapsedSeconds: z.number().meta({ description: 'From the notice until this step is done.' }),
        withinNotice: z.boolean().optional().meta({ description: "Whether that is within the cloud's own notice; left out where it gives none." }),
      }),
    ),
    expectedSeconds: z.number(),
    secondsAvailable: z.number().optional(),
    fits: z.boolean(),
    notice: z
      .object({
        seconds: z.number(),
        bestEffort: z.boolean().meta({ description: 'Whether it may come late, or not at all.' }),
        fits: z.boolean().meta({ description: 'Whether the traffic is expected to be moved by then.' }),
      })
      .optional()
      .meta({ description: 'What this cloud gives before it takes an interruptible instance; left out where it gives none.' }),
    dataLag: DataLag.optional().meta({ description: 'Of the stand-in; left out where a replacement is launched.' }),
    clientsFollowSeconds: z.number().optional().meta({
      description: 'For so long clients may go on with the answer of a name that they have kept; left out where they keep none, or nobody knows.',
    }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'FailoverPlan' })
export const PlannedFailover = z.object({ plan: FailoverPlan, planHash: z.string() }).meta({ id: 'PlannedFailover' })

export const ResourceTimelineEntry = z
  .object({ at: time, operation: Operation.optional(), signal: Signal.optional() })
  .meta({ id: 'ResourceTimelineEntry', description: 'Either an operation or a signal.' })

const tags = ['resources'] as const
const params = idParams(resourceId)
const resourceNow = { 200: json('The resource as it is now.', Resource) } as const

export const importResource = defineRoute({
  method: 'POST',
  url: '/v1/resources:import',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'importResource',
    tags,
    summary: 'Import what exists in a cloud',
    description: 'By native id, or all that carry some tags. Nothing is changed in the cloud.',
    body: ImportResource,
    response: { 202: acceptedOperation },
  },
})

export const listResources = defineRoute({
  method: 'GET',
  url: '/v1/resources',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listResources',
    tags,
    summary: 'List resources',
    description: 'The resources of the project.',
    querystring: z.strictObject({
      ...pageQuery,
      accountId: accountId.optional(),
      status: Resource.shape.status.optional(),
    }),
    response: { 200: json('One page.', pageOf('ResourcePage', Resource)) },
  },
})

export const getResource = defineRoute({
  method: 'GET',
  url: '/v1/resources/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getResource',
    tags,
    summary: 'Read a resource',
    description: 'Its definition is at `/dna`.',
    params,
    response: { 200: json('The resource.', Resource) },
  },
})

export const updateResource = defineRoute({
  method: 'PATCH',
  url: '/v1/resources/{id}',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'updateResource',
    tags,
    summary: 'Change what we know of a resource',
    description: 'Name, labels, and where its traffic comes in. Nothing is changed in the cloud.',
    params,
    body: UpdateResource,
    response: resourceNow,
  },
})

export const deleteResource = defineRoute({
  method: 'DELETE',
  url: '/v1/resources/{id}',
  access: { role: 'operator', ifMatch: true },
  schema: {
    operationId: 'deleteResource',
    tags,
    summary: 'Forget a resource',
    description: 'Refused while it is protected or an operation works on it. Nothing is changed in the cloud.',
    params,
    response: { 204: noContent },
  },
})

export const refreshResource = defineRoute({
  method: 'POST',
  url: '/v1/resources/{id}:refresh',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'refreshResource',
    tags,
    summary: 'Read the definition from the cloud again',
    description: 'Shadows that no longer equal the primary are repaired afterwards.',
    params,
    body: noBody,
    response: { 202: acceptedOperation },
  },
})

export const protectResource = defineRoute({
  method: 'POST',
  url: '/v1/resources/{id}:protect',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'protectResource',
    tags,
    summary: 'Protect a resource',
    description: 'Sets the tier. The promised shadows come into existence shortly after, and are kept in existence.',
    params,
    body: z.strictObject({ tier: Tier }).meta({ id: 'ProtectResource' }),
    response: resourceNow,
  },
})

export const unprotectResource = defineRoute({
  method: 'POST',
  url: '/v1/resources/{id}:unprotect',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'unprotectResource',
    tags,
    summary: 'Stop protecting a resource',
    description: 'Its shadows are deleted in the cloud shortly after.',
    params,
    body: noBody,
    response: resourceNow,
  },
})

export const holdResource = defineRoute({
  method: 'POST',
  url: '/v1/resources/{id}:hold',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'holdResource',
    tags,
    summary: 'Keep all automation away from a resource',
    description: 'Until it expires or is released, nothing touches the resource: no failover either.',
    params,
    body: z
      .strictObject({
        reason: text(500),
        untilSeconds: z.number().int().min(60).max(604_800).meta({ description: 'How long from now: a minute to a week.' }),
      })
      .meta({ id: 'HoldResource' }),
    response: resourceNow,
  },
})

export const releaseHold = defineRoute({
  method: 'POST',
  url: '/v1/resources/{id}:release',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'releaseHold',
    tags,
    summary: 'Release a hold',
    description: 'Automation may touch the resource again.',
    params,
    body: noBody,
    response: resourceNow,
  },
})

export const startFailover = defineRoute({
  method: 'POST',
  url: '/v1/resources/{id}:failover',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'startFailover',
    tags,
    summary: 'Move a resource to a shadow',
    description: 'With `validateOnly=true` nothing happens: the answer is the plan and its hash, which a later call can name in `planHash`.',
    params,
    querystring: z.strictObject({ validateOnly: z.enum(['true', 'false']).optional() }),
    body: FailoverRequest,
    response: { 200: json('The plan; nothing was started.', PlannedFailover), 202: acceptedOperation },
  },
})

export const getDna = defineRoute({
  method: 'GET',
  url: '/v1/resources/{id}/dna',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getDna',
    tags,
    summary: 'Read the definition of a resource',
    description: 'Secrets are replaced by their hash.',
    params,
    response: { 200: json('The definition.', Dna) },
  },
})

export const getResourceTimeline = defineRoute({
  method: 'GET',
  url: '/v1/resources/{id}/timeline',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getResourceTimeline',
    tags,
    summary: 'What happened to a resource',
    description: 'Its operations and signals, newest first.',
    params,
    querystring: z.strictObject(pageQuery),
    response: { 200: json('One page.', pageOf('ResourceTimelinePage', ResourceTimelineEntry)) },
  },
})
