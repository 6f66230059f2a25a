import { z } from 'zod'
import { etag, idOf, idParams, noBody, pageOf, pageQuery, text, time } from './common.ts'
import { acceptedOperation } from './operations.ts'
import { Finding, recoveryPointId } from './recovery-points.ts'
import { resourceId } from './resources.ts'
import { defineRoute, json } from './route.ts'

const restoredDiskId = idOf('restoredDisk', 'restored disk')

export const RestoredDisk = z
  .object({
    id: restoredDiskId,
    resourceId: z.string(),
    recoveryPointId: z.string(),
    accountId: z.string(),
    device: z.string().meta({ description: 'The device in the recovery point whose copy it is.' }),
    instance: z.string().meta({ description: 'The instance that it is plugged into.' }),
    status: z.enum(['restoring', 'attached', 'released', 'failed']).meta({
      description: 'released: unplugged and deleted again, by hand or when its time was up · failed: it could not be made, and nothing of it is left',
    }),
    disk: z.string().optional().meta({ description: "The new disk, by the cloud's own id." }),
    place: z.string().optional().meta({ description: 'Where it is plugged in.' }),
    readOnly: z.boolean().meta({
      description:
        'Whether the cloud keeps the instance from writing to it. Where it does not, mount it read-only; nothing that is written to it reaches the point.',
    }),
    reason: z.string(),
    requestedBy: z.string(),
    operationId: z.string(),
    expiresAt: time.meta({ description: 'From then on a sweep unplugs and deletes it.' }),
    cleanedAt: time.optional().meta({ description: 'When nothing of it was left.' }),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'RestoredDisk' })

export const RestoreDiskPlan = z
  .object({
    recoveryPointId: z.string(),
    resourceId: z.string(),
    instance: z.string().meta({ description: 'The primary that it would be plugged into.' }),
    zone: z.string(),
    device: z.string(),
    readOnly: z.boolean().meta({ description: 'Whether the cloud keeps the instance from writing to it.' }),
    billed: z
      .object({ sizeGiB: z.number(), maxHours: z.number() })
      .meta({ description: 'What the cloud bills: a disk of this size, for so long at most.' }),
    expiresAt: time.meta({ description: 'If it were made now.' }),
    findings: z.array(Finding).meta({ description: 'What is wrong with the point, and accepted.' }),
    steps: z.array(z.object({ name: z.string(), title: z.string(), undo: z.string(), expectedSeconds: z.number() })),
    downtimeSeconds: z.number(),
    risks: z.array(z.string()),
  })
  .meta({ id: 'RestoreDiskPlan' })

const tags = ['recovery-points'] as const
const params = idParams(restoredDiskId)

export const restoreDisk = defineRoute({
  method: 'POST',
  url: '/v1/recovery-points/{id}:restoreDisk',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'restoreDisk',
    tags,
    summary: 'Plug one of its disks in beside those of the primary',
    description:
      'A copy, made from the point: nothing of what is there changes and nothing stops. Read-only where the cloud can. It goes with `:release`, or by itself when its time is up. With `validateOnly=true` nothing happens: the answer is what would be done.',
    querystring: z.strictObject({ validateOnly: z.enum(['true', 'false']).optional() }),
    params: idParams(recoveryPointId),
    body: z
      .strictObject({
        device: text(100).meta({ description: 'A device of the point.', examples: ['/dev/sdf'] }),
        reason: text(500),
        despite: z.array(Finding.shape.kind).max(10).optional().meta({ description: 'Kinds of damage of the point that you know of and accept.' }),
        ttlSeconds: z
          .number()
          .int()
          .min(300)
          .max(604_800)
          .optional()
          .meta({ description: 'After that it is unplugged and deleted. Default: 86400.' }),
      })
      .meta({ id: 'RestoreDisk' }),
    response: {
      200: json('The plan; nothing was started.', z.object({ plan: RestoreDiskPlan }).meta({ id: 'PlannedRestoreDisk' })),
      202: acceptedOperation,
    },
  },
})

export const listRestoredDisks = defineRoute({
  method: 'GET',
  url: '/v1/restored-disks',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listRestoredDisks',
    tags,
    summary: 'List restored disks',
    description: 'Newest first.',
    querystring: z.strictObject({ ...pageQuery, resourceId: resourceId.optional(), recoveryPointId: recoveryPointId.optional() }),
    response: { 200: json('One page.', pageOf('RestoredDiskPage', RestoredDisk)) },
  },
})

export const getRestoredDisk = defineRoute({
  method: 'GET',
  url: '/v1/restored-disks/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getRestoredDisk',
    tags,
    summary: 'Read a restored disk',
    description: 'Where it is plugged in, and until when.',
    params,
    response: { 200: json('The restored disk as it is now.', RestoredDisk) },
  },
})

export const releaseRestoredDisk = defineRoute({
  method: 'POST',
  url: '/v1/restored-disks/{id}:release',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'releaseRestoredDisk',
    tags,
    summary: 'Unplug a restored disk and delete it',
    description: 'Unmount it first: a guest that has it mounted delays that.',
    params,
    body: noBody,
    response: { 202: acceptedOperation },
  },
})
