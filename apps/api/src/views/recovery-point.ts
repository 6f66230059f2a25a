import type { RecoveryPoint as RecoveryPointView } from '@understudy/contract'
import { spaceOf } from '@understudy/control'
import type { PointSpace, RecoveryPoint } from '@understudy/control'
import type { JsonObject } from '@understudy/core'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

export const recoveryPointView = (point: RecoveryPoint): z.input<typeof RecoveryPointView> =>
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
    space: spaceView(spaceOf(point.digests)),
    operationId: point.operationId,
    lastError: point.lastError,
    createdAt: point.createdAt.toISOString(),
    updatedAt: point.updatedAt.toISOString(),
    etag: etagOf(point.version),
  })

const spaceView = ({ usedBytes, fullBytes }: PointSpace) =>
  present({ usedBytes, fullBytes, savedBytes: usedBytes === undefined || fullBytes === undefined ? undefined : Math.max(0, fullBytes - usedBytes) })
