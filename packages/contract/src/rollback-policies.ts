import { z } from 'zod'
import { etag, groupName, idOf, idParams, labels, noBody, pageOf, pageQuery, text, time } from './common.ts'
import { Verification } from './probes.ts'
import { resourceId } from './resources.ts'
import { defineRoute, json } from './route.ts'

export const rollbackPolicyId = idOf('rollbackPolicy', 'rollback policy')

const seconds = z
  .number()
  .int()
  .min(60)
  .max(10 * 366 * 86_400)
const many = z.number().int().min(1).max(1000)
const localTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of the day, HH:MM')

const window = z
  .strictObject({ from: localTime, to: localTime, days: z.array(z.number().int().min(1).max(7)).min(1).max(7).optional() })
  .optional()
  .meta({
    description:
      'They begin only inside; what is due outside waits until it opens. `to` before `from` is past midnight. `days` (1 is Monday) are those on which it opens.',
  })

const rules = {
  schedule: z
    .strictObject({
      cron: text(100).meta({ description: 'Five fields, or six with seconds.', examples: ['30 2 * * *'] }),
      timeZone: text(60).meta({ description: 'IANA name. Cron and window are local to it.', examples: ['Europe/Berlin'] }),
      window,
    })
    .meta({ id: 'CaptureSchedule', description: 'When points are kept. Of several that were missed one is made up for.' }),
  retention: z
    .strictObject({
      count: many.optional().meta({ description: 'The newest ones.' }),
      maxAgeSeconds: seconds.optional(),
      generations: z
        .strictObject({ daily: many.optional(), weekly: many.optional(), monthly: many.optional(), yearly: many.optional() })
        .optional()
        .meta({ description: 'The last point of each of the newest days, ISO weeks, months and years (UTC) that have one.' }),
      includeRequested: z.boolean().optional().meta({ description: 'Also for points that a person asked for. Default: those stay.' }),
    })
    .meta({
      id: 'Retention',
      description: 'A point stays for as long as any of these wants it. The newest, locked ones, and those in use always stay.',
    }),
  maxPointAgeSeconds: seconds.meta({ description: 'A resource whose newest point is older violates its policy.' }),
  proofMaxAgeSeconds: seconds.meta({ description: 'So does one of which no restore was proven for so long.' }),
  rollBack: z
    .strictObject({
      role: z.enum(['operator', 'admin']),
      keys: z.array(idOf('apiKey', 'key')).max(50).optional(),
      groups: z.array(groupName).max(50).optional(),
    })
    .meta({
      id: 'RollBackRight',
      description: 'Who may roll back: the role and, where any are named, one of the keys or a key of one of the groups.',
    }),
  transitions: z
    .strictObject({
      leadSeconds: seconds.optional().meta({ description: 'How long before its start. Default: a day.' }),
      shadow: z.enum(['same-group', 'separate', 'any', 'none']).optional().meta({
        description:
          'A shadow for the time of it, for a resource without a tier · same-group: on the group of hosts that it is bound to; none is made for one that is bound to none · separate: never on its hosts, in another zone or where its group keeps members apart · any: anywhere.',
      }),
    })
    .meta({ id: 'TransitionRule', description: 'How a resource is prepared for an announced change.' }),
  automatic: z
    .strictObject({ perDay: z.number().int().min(1).max(10).meta({ description: 'In 24 hours; then a person is called.' }) })
    .meta({ id: 'AutomaticRollback', description: 'Rolling back without being asked, after a change that left the resource damaged.' }),
  verification: Verification.meta({ description: 'What has to be true of what came back, where a rollback or a rehearsal names nothing else.' }),
  drills: z
    .strictObject({
      afterSeconds: seconds.meta({ description: 'After the last proven restore. One that fails is tried again a day later at the latest.' }),
      timeZone: text(60).optional().meta({ description: 'IANA name, of the window. Default: UTC.' }),
      window,
    })
    .meta({ id: 'DrillRule', description: 'Test rollbacks of the newest point, without being asked.' }),
  digests: z.enum(['none', 'incremental', 'whole']).meta({
    description:
      'Whether the bytes of points are read for digests after they were kept · incremental: what has changed since the point before · whole: all of it each time. Reading costs what the cloud takes for it. Default: none.',
  }),
  copies: z
    .array(z.strictObject({ region: text(60).meta({ description: 'As the cloud names it.', examples: ['eu-west-1'] }) }).meta({ id: 'CopyRule' }))
    .max(2)
    .meta({
      description:
        'Other regions of the account in which the snapshots of each point are kept as well; deleted with the point. The cloud bills the copies, and the traffic to them. For resources that are in the region themselves it asks for nothing.',
    }),
} as const
const optionalRules = {
  schedule: rules.schedule.optional(),
  retention: rules.retention.optional(),
  maxPointAgeSeconds: rules.maxPointAgeSeconds.optional(),
  proofMaxAgeSeconds: rules.proofMaxAgeSeconds.optional(),
  rollBack: rules.rollBack.optional(),
  transitions: rules.transitions.optional(),
  automatic: rules.automatic.optional(),
  verification: rules.verification.optional(),
  drills: rules.drills.optional(),
  digests: rules.digests.optional(),
  copies: rules.copies.optional(),
} as const
const removableRules = {
  schedule: rules.schedule.nullable().optional(),
  retention: rules.retention.nullable().optional(),
  maxPointAgeSeconds: rules.maxPointAgeSeconds.nullable().optional(),
  proofMaxAgeSeconds: rules.proofMaxAgeSeconds.nullable().optional(),
  rollBack: rules.rollBack.nullable().optional(),
  transitions: rules.transitions.nullable().optional(),
  automatic: rules.automatic.nullable().optional(),
  verification: rules.verification.nullable().optional(),
  drills: rules.drills.nullable().optional(),
  digests: rules.digests.nullable().optional(),
  copies: rules.copies.nullable().optional(),
} as const

const PolicySelector = z
  .strictObject({
    types: z
      .array(text(100))
      .max(50)
      .optional()
      .meta({ description: 'Instance types; `*` stands for anything.', examples: [['m7i.*']] }),
    labels: labels.optional(),
    group: groupName.optional().meta({ description: 'A resource belongs to the user group that its label `group` names.' }),
  })
  .meta({ id: 'PolicySelector', description: 'Everything that is named has to fit. Nothing named: every resource of the project.' })
const description = z.string().max(500)
const priority = z.number().int().min(-1000).max(1000)

export const RollbackPolicy = z
  .object({
    id: rollbackPolicyId,
    name: z.string(),
    description: z.string(),
    appliesTo: PolicySelector,
    priority: z.number().int(),
    ...optionalRules,
    deleteTime: time.optional().meta({ description: 'When it was deleted. `:undelete` brings it back until `purgeTime`.' }),
    purgeTime: time.optional(),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'RollbackPolicy' })

export const EffectivePolicy = z
  .object({
    policy: RollbackPolicy.optional().meta({ description: 'Absent: none fits.' }),
    nextCaptureAt: time.optional(),
    considered: z
      .array(z.object({ policyId: z.string(), name: z.string(), applies: z.boolean(), why: z.string() }))
      .meta({ description: 'Every policy of the project, and why it applies or does not.' }),
  })
  .meta({ id: 'EffectivePolicy' })

const tags = ['rollback-policies'] as const
const params = idParams(rollbackPolicyId)
const policyNow = { 200: json('The policy as it is now.', RollbackPolicy) } as const

export const createRollbackPolicy = defineRoute({
  method: 'POST',
  url: '/v1/rollback-policies',
  access: { role: 'admin', idempotent: true },
  schema: {
    operationId: 'createRollbackPolicy',
    tags,
    summary: 'Add a rollback policy',
    description:
      'Of the policies that fit a resource one applies, as a whole: the one with the higher priority; then one for a user group; then the one with more labels; then one for a type; then the older one.',
    body: z
      .strictObject({
        name: text(200),
        description: description.optional(),
        appliesTo: PolicySelector.optional(),
        priority: priority.optional().meta({ description: 'Default: 0.' }),
        ...optionalRules,
      })
      .meta({ id: 'CreateRollbackPolicy' }),
    response: { 201: json('The policy.', RollbackPolicy) },
  },
})

export const listRollbackPolicies = defineRoute({
  method: 'GET',
  url: '/v1/rollback-policies',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listRollbackPolicies',
    tags,
    summary: 'List rollback policies',
    description: 'Deleted ones only with `showDeleted=true`.',
    querystring: z.strictObject({ ...pageQuery, showDeleted: z.enum(['true', 'false']).optional() }),
    response: { 200: json('One page.', pageOf('RollbackPolicyPage', RollbackPolicy)) },
  },
})

export const getRollbackPolicy = defineRoute({
  method: 'GET',
  url: '/v1/rollback-policies/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getRollbackPolicy',
    tags,
    summary: 'Read a rollback policy',
    description: 'A deleted one too, until its `purgeTime`.',
    params,
    response: policyNow,
  },
})

export const updateRollbackPolicy = defineRoute({
  method: 'PATCH',
  url: '/v1/rollback-policies/{id}',
  access: { role: 'admin', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'updateRollbackPolicy',
    tags,
    summary: 'Change a rollback policy',
    description: 'Each rule that is named is replaced as a whole; `null` takes it away. Rollback plans that were made under the policy become stale.',
    params,
    body: z
      .strictObject({
        name: text(200).optional(),
        description: description.optional(),
        appliesTo: PolicySelector.optional(),
        priority: priority.optional(),
        ...removableRules,
      })
      .refine((body) => Object.keys(body).length > 0, 'name at least one thing to change')
      .meta({ id: 'UpdateRollbackPolicy' }),
    response: policyNow,
  },
})

export const deleteRollbackPolicy = defineRoute({
  method: 'DELETE',
  url: '/v1/rollback-policies/{id}',
  access: { role: 'admin', ifMatch: true },
  schema: {
    operationId: 'deleteRollbackPolicy',
    tags,
    summary: 'Delete a rollback policy',
    description: 'It applies no longer. It can be brought back until its `purgeTime`, 30 days later. Points that it has kept stay.',
    params,
    response: policyNow,
  },
})

export const undeleteRollbackPolicy = defineRoute({
  method: 'POST',
  url: '/v1/rollback-policies/{id}:undelete',
  access: { role: 'admin', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'undeleteRollbackPolicy',
    tags,
    summary: 'Bring a deleted rollback policy back',
    description: 'Possible until its `purgeTime`. What its schedule asked for meanwhile is not made up for.',
    params,
    body: noBody,
    response: policyNow,
  },
})

export const getResourceRollbackPolicy = defineRoute({
  method: 'GET',
  url: '/v1/resources/{id}/rollback-policy',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getResourceRollbackPolicy',
    tags,
    summary: 'The policy that a resource has, and why',
    description: 'Names every policy of the project with the reason why it applies or does not.',
    params: idParams(resourceId),
    response: { 200: json('The policy and the reasons.', EffectivePolicy) },
  },
})
