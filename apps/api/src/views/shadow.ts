import type { Shadow as ShadowView } from '@understudy/contract'
import { dataLagOf } from '@understudy/control'
import type { DataLag, Shadow } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

export const shadowView = (shadow: Shadow): z.input<typeof ShadowView> =>
  present({
    id: shadow.id,
    resourceId: shadow.resourceId,
    accountId: shadow.accountId,
    status: shadow.status,
    nativeId: shadow.nativeId,
    snapshotSetId: shadow.snapshotSetId,
    zone: shadow.zone,
    instanceType: shadow.instanceType,
    purchase: shadow.purchase,
    readiness: shadow.readiness,
    hosts: shadow.hosts && present(shadow.hosts),
    proof: shadow.proof && present({ ...shadow.proof, at: shadow.proof.at.toISOString() }),
    dataLag: dataLagView(dataLagOf(shadow)),
    armedUntil: timeText(shadow.armedUntil),
    operationId: shadow.operationId,
    failures: shadow.failures,
    lastError: shadow.lastError,
    createdAt: shadow.createdAt.toISOString(),
    updatedAt: shadow.updatedAt.toISOString(),
    etag: etagOf(shadow.version),
  })

export const dataLagView = (lag: DataLag) => (lag.kind === 'as-of' ? { kind: lag.kind, at: lag.at.toISOString() } : { kind: lag.kind })
