import { z } from 'zod'
import { etag, idOf, idParams, pageOf, pageQuery, text, time } from './common.ts'
import { acceptedOperation } from './operations.ts'
import { CheckResult, Verification } from './probes.ts'
import { Finding, recoveryPointId } from './recovery-points.ts'
import { resourceId } from './resources.ts'
import { defineRoute, json } from './route.ts'

const testRollbackId = idOf('drill', 'test rollback')

const RestoreRecord = z
  .object({
    format: z.literal('understudy-restore-record/1'),
    drill: z.string(),
    installation: z.string(),
    project: z.string(),
    resource: z.object({ id: z.string(), name: z.string() }),
    point: z.object({ id: z.string(), sequence: z.number().int(), manifestHash: z.string(), takenAt: z.string() }),
    clone: z.object({ instance: z.string(), zone: z.string(), instanceType: z.string() }),
    outcome: z.enum(['passed', 'failed']),
    checks: z.array(CheckResult),
    startedAt: time,
    verifiedAt: time,
    cleanedAt: time,
    recoverySeconds: z.number().meta({ description: 'From the first call to the cloud until every check had passed, or their time was up.' }),
    dataLossSeconds: z.number().meta({ description: 'What going back would lose: the age of the point when the test began.' }),
    removed: z.object({ instances: z.number().int(), disks: z.number().int(), securityGroups: z.number().int() }),
  })
  .meta({ id: 'RestoreRecord' })

export const TestRollback = z
  .object({
    id: testRollbackId,
    resourceId: z.string(),
    recoveryPointId: z.string(),
    accountId: z.string(),
    status: z.enum(['running', 'passed', 'failed', 'aborted']).meta({
      description: 'passed, failed: it was tried, and the record says what was seen · aborted: nothing was proven, see its operation',
    }),
    reason: z.string(),
    requestedBy: z.string(),
    operationId: z.string(),
    expiresAt: time.meta({ description: 'From then on a sweep removes what it has made, whatever became of its operation.' }),
    cleanedAt: time.optional().meta({ description: 'When nothing of it was left.' }),
    record: RestoreRecord.optional(),
    signature: z
      .object({ algorithm: z.literal('Ed25519'), keyId: z.string(), value: z.string() })
      .optional()
      .meta({ description: 'Base64, over the canonical JSON (RFC 8785) of `record`. Its key is among `GET /v1/signing-keys`.' }),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'TestRollback' })

const tags = ['recovery-points'] as const

export const StartTestRollback = z
  .strictObject({
    reason: text(500),
    verification: Verification.optional(),
    despite: z.array(Finding.shape.kind).max(10).optional().meta({ description: 'Kinds of damage of the point that you know of and accept.' }),
    ttlSeconds: z
      .number()
      .int()
      .min(300)
      .max(86_400)
      .optional()
      .meta({ description: 'After that a sweep removes what is left of it. Default: 3600.' }),
  })
  .meta({ id: 'StartTestRollback' })

export const startTestRollback = defineRoute({
  method: 'POST',
  url: '/v1/recovery-points/{id}:testRollback',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'startTestRollback',
    tags,
    summary: 'Rehearse going back to it',
    description:
      'On a clone with the disks of the point: in a security group without egress, without identity and traffic. It is verified, measured, and deleted whatever happens; what was seen is signed. Nothing about the resource changes.',
    params: idParams(recoveryPointId),
    body: StartTestRollback,
    response: { 202: acceptedOperation },
  },
})

export const listTestRollbacks = defineRoute({
  method: 'GET',
  url: '/v1/test-rollbacks',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listTestRollbacks',
    tags,
    summary: 'List test rollbacks',
    description: 'Newest first.',
    querystring: z.strictObject({ ...pageQuery, resourceId: resourceId.optional(), recoveryPointId: recoveryPointId.optional() }),
    response: { 200: json('One page.', pageOf('TestRollbackPage', TestRollback)) },
  },
})

export const getTestRollback = defineRoute({
  method: 'GET',
  url: '/v1/test-rollbacks/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getTestRollback',
    tags,
    summary: 'Read a test rollback',
    description: 'With its signed record: keep the answer, and `node scripts/verify-record.mjs <file> <key.pem>` verifies it without this service.',
    params: idParams(testRollbackId),
    response: { 200: json('The test rollback as it is now.', TestRollback) },
  },
})
