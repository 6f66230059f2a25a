import { z } from 'zod'
import { anyJson, text } from './common.ts'
import { acceptedOperation } from './operations.ts'
import { Verification } from './probes.ts'
import { Finding, recoveryPointId } from './recovery-points.ts'
import { defineRoute, json } from './route.ts'

export const RollbackPlan = z
  .object({
    resourceId: z.string(),
    primary: z.string(),
    primaryEpoch: z.number().int(),
    recoveryPointId: z.string(),
    manifestHash: z.string(),
    policyId: z.string().optional().meta({ description: 'The policy of the resource. An edited policy makes the plan stale.' }),
    selection: z
      .object({
        what: z.enum(['everything', 'disks', 'fields', 'paths']),
        devices: z.array(z.string()).optional(),
        fields: z.array(z.enum(['tags', 'protection', 'size'])).optional(),
        device: z.string().optional(),
        mountedAt: z.string().optional(),
        paths: z.array(z.string()).optional(),
      })
      .meta({ description: 'What of the point is brought back.' }),
    devices: z
      .array(
        z.object({
          device: z.string(),
          role: z.enum(['root', 'data']),
          present: z.string().meta({ description: 'The disk that is there now. It stays, unplugged.' }),
          presentGiB: z.number(),
          keptGiB: z.number(),
        }),
      )
      .meta({ description: 'Disks that are exchanged.' }),
    untouched: z.array(z.object({ device: z.string(), disk: z.string() })).meta({ description: 'Disks that stay as they are.' }),
    differences: z
      .array(z.object({ field: z.string(), kept: anyJson, known: anyJson, now: anyJson }))
      .meta({ description: 'Where the definition differs: in the point, as last recorded, and now. Only `fields` are changed back.' }),
    fields: z
      .array(z.object({ field: z.enum(['tags', 'protection', 'size']), from: anyJson, to: anyJson }))
      .meta({ description: 'Fields of the definition that are set back, from what to what. Of tags those that change; `null` is none.' }),
    verification: Verification,
    onFailedVerification: z.enum(['restore', 'keep']),
    despite: z.array(z.string()),
    steps: z.array(z.object({ name: z.string(), title: z.string(), undo: z.string(), expectedSeconds: z.number() })),
    downtimeSeconds: z.number().meta({ description: 'Expected, from the last request before to the first one after.' }),
    risks: z.array(z.string()),
  })
  .meta({ id: 'RollbackPlan' })

export const PlannedRollback = z.object({ plan: RollbackPlan, planHash: z.string() }).meta({ id: 'PlannedRollback' })

export const startRollback = defineRoute({
  method: 'POST',
  url: '/v1/rollbacks',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'startRollback',
    tags: ['recovery-points'],
    summary: 'Take a resource back to a recovery point',
    description:
      'First with `validateOnly=true`: nothing happens, the answer is the plan and its hash. Then with that `planHash`: the plan is carried out, or refused when anything has changed since. The state of now is kept as a recovery point before.',
    querystring: z.strictObject({ validateOnly: z.enum(['true', 'false']).optional() }),
    body: z
      .strictObject({
        recoveryPointId,
        reason: text(500),
        devices: z.array(text(100)).min(1).max(128).optional().meta({ description: 'Left out: all disks of the point.' }),
        fields: z
          .array(z.enum(['tags', 'protection', 'size']))
          .min(1)
          .max(3)
          .optional()
          .meta({
            description: 'Instead of disks: these fields of the definition alone. It is stopped only for a size that cannot be changed otherwise.',
          }),
        paths: z
          .strictObject({
            device: text(100).meta({ description: 'A device of the point.', examples: ['/dev/sdf'] }),
            mountedAt: text(500).optional().meta({ description: 'Where the guest has that disk mounted. Default: `/`.' }),
            paths: z
              .array(text(500))
              .min(1)
              .max(20)
              .meta({ description: 'Files and directories, by whole paths.', examples: [['/etc/shop.conf']] }),
          })
          .optional()
          .meta({
            id: 'ChosenPaths',
            description:
              "Instead of disks: files and directories of one, copied back inside of the running instance through the cloud's channel for commands.",
          }),
        verification: Verification.optional(),
        onFailedVerification: z.enum(['restore', 'keep']).optional().meta({
          description:
            'restore (default): when it does not pass, the rollback has failed and everything is put back · keep: it is told, and what was restored stays',
        }),
        despite: z.array(Finding.shape.kind).max(10).optional().meta({
          description: 'Kinds of damage of the point that you know of and accept. What is not named refuses the rollback with `point_damaged`.',
        }),
        planHash: text(64).optional().meta({ description: 'Of the plan that you approve. Required unless `validateOnly=true`.' }),
      })
      .meta({ id: 'StartRollback' }),
    response: { 200: json('The plan; nothing was started.', PlannedRollback), 202: acceptedOperation },
  },
})
