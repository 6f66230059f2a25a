import type { RestoreDiskPlan as RestoreDiskPlanView, RestoredDisk as RestoredDiskView } from '@understudy/contract'
import type { RestoreDiskPlan, RestoredDisk } from '@understudy/control'
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

export const restoreDiskPlanView = (plan: RestoreDiskPlan): z.input<typeof RestoreDiskPlanView> => ({
  recoveryPointId: plan.pointId,
  resourceId: plan.resourceId,
  instance: plan.instance,
  zone: plan.zone,
  device: plan.device,
  readOnly: plan.readOnly,
  billed: { sizeGiB: plan.sizeGiB, maxHours: plan.maxHours },
  expiresAt: plan.expiresAt.toISOString(),
  findings: plan.findings.map(({ kind, message, data }) => ({ kind, message, data })),
  steps: plan.steps.map(({ name, title, undo, expectedSeconds }) => ({ name, title, undo, expectedSeconds })),
  downtimeSeconds: plan.downtimeSeconds,
  risks: [...plan.risks],
})
