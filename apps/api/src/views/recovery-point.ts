import type { RecoveryPoint as RecoveryPointView, ResourceSpace as ResourceSpaceView } from '@understudy/contract'
import { savedBytes } from '@understudy/control'
import type { PointSpace, RecoveryCopy, RecoveryPoint, ResourceSpace } from '@understudy/control'
import type { JsonObject } from '@understudy/core'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

export const recoveryPointView = (point: RecoveryPoint, copies: readonly RecoveryCopy[] = []): z.input<typeof RecoveryPointView> =>
  present({
    id: point.id,
    resourceId: point.resourceId,
    accountId: point.accountId,
    status: point.status,
    reason: point.reason,
    requestedBy: point.requestedBy,
    sequence: point.sequence,
    capturedAt: timeText(point.capturedAt),
    manifestHash: point.manifestHash,
    manifest: point.manifest as unknown as JsonObject | undefined, // plain JSON by its type
    database: point.database,
    lockedUntil: timeText(point.lockedUntil),
    deleteTime: timeText(point.deleteTime),
    purgeTime: timeText(point.purgeTime),
    verification: point.verification && {
      at: point.verification.at,
      intact: point.verification.findings.length === 0,
      findings: point.verification.findings.map((finding) => present({ ...finding })),
      ...(point.verification.bytes === undefined ? {} : { bytes: point.verification.bytes }),
    },
    digests: point.digests && present({ ...point.digests, document: point.digests.document as unknown as JsonObject | undefined }), // plain JSON by its type
    space: spaceView(point.space),
    copies: copies.length === 0 ? undefined : copies.map(copyView),
    operationId: point.operationId,
    lastError: point.lastError,
    createdAt: point.createdAt.toISOString(),
    updatedAt: point.updatedAt.toISOString(),
    etag: etagOf(point.version),
  })

const copyView = (copy: RecoveryCopy) =>
  present({
    region: copy.region,
    status: copy.status,
    snapshots: copy.members.map((member) => ({ ...member })),
    completedAt: timeText(copy.completedAt),
    attempts: copy.attempts,
    nextAttemptAt: timeText(copy.nextAttemptAt),
    lastError: copy.lastError,
    operationId: copy.operationId,
  })

const spaceView = (space: PointSpace | undefined) => (space === undefined ? {} : present({ ...space, savedBytes: savedBytes(space) }))

/** What is unknown is said to be, instead of being left out. */
export const resourceSpaceView = (space: ResourceSpace): z.input<typeof ResourceSpaceView> => ({
  points: space.points,
  usedBytes: space.usedBytes ?? null,
  fullBytes: space.fullBytes ?? null,
  savedBytes: space.savedBytes ?? null,
  ...(space.reason === undefined ? {} : { reason: space.reason }),
})
