import type { RestoredDisk as RestoredDiskView } from '@understudy/contract'
import type { RestoredDisk } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

export const restoredDiskView = (restored: RestoredDisk): z.input<typeof RestoredDiskView> =>
  present({
    id: restored.id,
    resourceId: restored.resourceId,
    recoveryPointId: restored.pointId,
    accountId: restored.accountId,
    device: restored.device,
    instance: restored.instance,
    status: restored.status,
    disk: restored.disk,
    place: restored.place,
    readOnly: restored.readOnly,
    reason: restored.reason,
    requestedBy: restored.requestedBy,
    operationId: restored.operationId,
    expiresAt: restored.expiresAt.toISOString(),
    cleanedAt: timeText(restored.cleanedAt),
    createdAt: restored.createdAt.toISOString(),
    updatedAt: restored.updatedAt.toISOString(),
    etag: etagOf(restored.version),
  })
