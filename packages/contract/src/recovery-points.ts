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
    ]),
    message: z.string(),
    data: anyJson.optional(),
  })
  .meta({ id: 'RecoveryPointFinding' })

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
      .object({ at: time, intact: z.boolean(), findings: z.array(Finding) })
      .optional()
      .meta({ description: 'What the last `:verify` has found.' }),
    operationId: z.string().optional(),
    lastError: z.string().optional(),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'RecoveryPoint' })

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
    response: { 200: json('One page.', pageOf('RecoveryPointPage', RecoveryPoint)) },
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
    description: 'Compares the manifest with its hash, with the chain before it, with the audit trail, and with the snapshots that the cloud has.',
    params,
    body: noBody,
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
