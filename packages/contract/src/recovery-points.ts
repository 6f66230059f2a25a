import { z } from 'zod'
import { anyJson, etag, idOf, idParams, jsonObject, noBody, pageOf, pageQuery, text, time, timeInput } from './common.ts'
import { acceptedOperation } from './operations.ts'
import { resourceId } from './resources.ts'
import { defineRoute, json } from './route.ts'

export const recoveryPointId = idOf('recoveryPoint', 'recovery point')

export const DatabasePosition = z
  .strictObject({
    engine: text(60).meta({ examples: ['postgresql'] }),
    position: text(500).meta({ description: 'In the terms of the engine.', examples: ['0/1A2B3C4D'] }),
  })
  .meta({ id: 'DatabasePosition', description: 'Where a database was when the disks were kept, as somebody reports it who can see inside.' })

export const Finding = z
  .object({
    kind: z.enum([
      'manifest_changed',
      'chain_broken',
      'audit_differs',
      'clock_went_back',
      'clock_jumped',
      'snapshot_missing',
      'snapshot_unusable',
      'snapshot_changed',
      'digests_changed',
      'bytes_changed',
    ]),
    message: z.string(),
    data: anyJson.optional(),
  })
  .meta({ id: 'RecoveryPointFinding' })

export const Digests = z
  .object({
    state: z.enum(['complete', 'unavailable', 'failed']).meta({
      description: 'unavailable: the cloud lets nobody read snapshots · failed: tried again a day later, unless a later point was read meanwhile',
    }),
    at: time,
    reason: z.string().optional(),
    hash: z.string().optional().meta({ description: "SHA-256 of the document's canonical JSON. In the audit trail, and in the next manifest." }),
    document: jsonObject.optional().meta({ description: 'One root per disk over the SHA-256 of each of its blocks.' }),
  })
  .meta({ id: 'RecoveryPointDigests', description: 'Of its bytes, read after it was sealed. Absent: not (yet).' })

export const RecoveryCopy = z
  .object({
    region: z.string(),
    status: z.enum(['copying', 'complete', 'failed', 'deleted']).meta({
      description: 'failed: nothing of it is left, and it is tried again at `nextAttemptAt` · deleted: with its point',
    }),
    snapshots: z
      .array(z.object({ device: z.string(), source: z.string(), copy: z.string(), sizeGiB: z.number().int() }))
      .meta({ description: 'Ids of the cloud, once it is complete: of the snapshot, and of its copy in that region.' }),
    completedAt: time.optional(),
    attempts: z.number().int(),
    nextAttemptAt: time.optional(),
    lastError: z.string().optional(),
    operationId: z.string(),
  })
  .meta({ id: 'RecoveryCopy', description: 'The snapshots of a point once more, in another region.' })

export const RecoveryPoint = z
  .object({
    id: recoveryPointId,
    resourceId: z.string(),
    accountId: z.string(),
    status: z.enum(['capturing', 'usable', 'failed', 'purging', 'purged']).meta({
      description: 'usable: sealed, can be gone back to · failed: nothing was kept · purged: its disks are deleted, its manifest stays in the chain',
    }),
    reason: z.string(),
    requestedBy: z.string(),
    sequence: z.number().int().optional().meta({ description: "Position in the resource's chain, from 1." }),
    capturedAt: time.optional().meta({ description: "When the disks were kept, by the cloud's clock." }),
    manifestHash: z.string().optional().meta({ description: "SHA-256 of the manifest's canonical JSON (RFC 8785), lowercase hex." }),
    manifest: jsonObject.optional().meta({
      description: 'What was kept, where and how; names the hash of the manifest before it. Left out in lists.',
    }),
    database: DatabasePosition.optional(),
    lockedUntil: time.optional().meta({ description: 'Until then nothing deletes it.' }),
    deleteTime: time.optional().meta({ description: 'When it was deleted. `:undelete` brings it back until `purgeTime`.' }),
    purgeTime: time.optional(),
    verification: z
      .object({
        at: time,
        intact: z.boolean(),
        findings: z.array(Finding),
        bytes: z
          .object({ read: z.number().int(), of: z.number().int(), reason: z.string().optional() })
          .optional()
          .meta({ description: 'How many blocks were read again, of how many that have digests; and why no more. Absent: the point has none.' }),
      })
      .optional()
      .meta({ description: 'What the last `:verify` has found.' }),
    digests: Digests.optional(),
    space: z
      .object({
        usedBytes: z.number().int().optional().meta({ description: 'What the cloud keeps for this point alone. Absent: unknown.' }),
        fullBytes: z.number().int().optional().meta({ description: 'What a full copy of its disks would take. Absent: unknown.' }),
        savedBytes: z.number().int().optional().meta({ description: 'The difference: what being incremental saves. Absent: unknown.' }),
        basis: z.enum(['cloud', 'digests', 'changed-blocks']).optional().meta({
          description:
            'cloud: it says what it keeps · digests: the bytes were read · changed-blocks: counted from the blocks that the cloud lists as changed since the point before. Absent: it was learned before that was kept, or is unknown.',
        }),
      })
      .meta({
        id: 'RecoveryPointSpace',
        description: 'Known of points whose bytes were read for digests, of which the cloud says what it keeps, or whose changed blocks it lists.',
      }),
    copies: z.array(RecoveryCopy).optional().meta({
      description: 'In other regions, as its policy wants. Left out where there is none, and in answers to changes.',
    }),
    operationId: z.string().optional(),
    lastError: z.string().optional(),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'RecoveryPoint' })

export const ResourceSpace = z
  .object({
    points: z.number().int().meta({ description: 'How many take room: usable ones, also those that were deleted and are not purged yet.' }),
    usedBytes: z.number().int().nullable().meta({ description: 'What the cloud keeps for all of them. `null`: unknown of at least one.' }),
    fullBytes: z.number().int().nullable().meta({ description: 'What full copies would take. `null`: unknown of at least one.' }),
    savedBytes: z.number().int().nullable().meta({ description: 'What being incremental saves. `null`: unknown of at least one.' }),
    reason: z.string().optional().meta({ description: 'What is unknown, and of how many points.' }),
  })
  .meta({ id: 'ResourceSpace', description: 'Room of all points of a resource.' })

const tags = ['recovery-points'] as const
const params = idParams(recoveryPointId)
const pointNow = { 200: json('The recovery point as it is now.', RecoveryPoint) } as const

export const captureRecoveryPoint = defineRoute({
  method: 'POST',
  url: '/v1/recovery-points',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'captureRecoveryPoint',
    tags,
    summary: 'Keep a resource as it is now',
    description: 'All disks of the primary at one moment, and its definition, sealed into the chain of the resource. Nothing stops meanwhile.',
    body: z.strictObject({ resourceId, reason: text(500), database: DatabasePosition.optional() }).meta({ id: 'CaptureRecoveryPoint' }),
    response: { 202: acceptedOperation },
  },
})

export const listRecoveryPoints = defineRoute({
  method: 'GET',
  url: '/v1/recovery-points',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listRecoveryPoints',
    tags,
    summary: 'List recovery points',
    description: 'Newest first.',
    querystring: z.strictObject({ ...pageQuery, resourceId: resourceId.optional(), status: RecoveryPoint.shape.status.optional() }),
    response: {
      200: json(
        'One page.',
        pageOf('RecoveryPointPage', RecoveryPoint, {
          space: ResourceSpace.optional().meta({ description: 'With `resourceId`: of all of its points, whichever are on the page.' }),
        }),
      ),
    },
  },
})

export const getRecoveryPoint = defineRoute({
  method: 'GET',
  url: '/v1/recovery-points/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getRecoveryPoint',
    tags,
    summary: 'Read a recovery point',
    description: 'With its manifest.',
    params,
    response: pointNow,
  },
})

export const verifyRecoveryPoint = defineRoute({
  method: 'POST',
  url: '/v1/recovery-points/{id}:verify',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'verifyRecoveryPoint',
    tags,
    summary: 'Look whether it is still what was kept',
    description:
      'Compares the manifest with its hash, with the chain before it, with the audit trail, and with the snapshots that the cloud has. Of a point with digests, blocks are read again.',
    params,
    body: z
      .strictObject({
        share: z
          .number()
          .min(0)
          .max(1)
          .optional()
          .meta({ description: 'Of the blocks that have digests: 1 reads them all, 0 none. Default: 0.05, of each disk at least one.' }),
      })
      .optional()
      .meta({ id: 'VerifyRecoveryPoint' }),
    response: { 202: acceptedOperation },
  },
})

export const lockRecoveryPoint = defineRoute({
  method: 'POST',
  url: '/v1/recovery-points/{id}:lock',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'lockRecoveryPoint',
    tags,
    summary: 'Keep it until a date, whatever happens',
    description: 'Nothing deletes a locked point. A lock can be made longer, never shorter; at most ten years.',
    params,
    body: z.strictObject({ until: timeInput }).meta({ id: 'LockRecoveryPoint' }),
    response: pointNow,
  },
})

export const deleteRecoveryPoint = defineRoute({
  method: 'DELETE',
  url: '/v1/recovery-points/{id}',
  access: { role: 'operator', ifMatch: true },
  schema: {
    operationId: 'deleteRecoveryPoint',
    tags,
    summary: 'Delete a recovery point',
    description: 'It can be brought back until its `purgeTime`, a week later; then its disks are deleted. Refused while it is locked.',
    params,
    response: pointNow,
  },
})

export const undeleteRecoveryPoint = defineRoute({
  method: 'POST',
  url: '/v1/recovery-points/{id}:undelete',
  access: { role: 'operator', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'undeleteRecoveryPoint',
    tags,
    summary: 'Bring a deleted recovery point back',
    description: 'Possible until its `purgeTime`.',
    params,
    body: noBody,
    response: pointNow,
  },
})
