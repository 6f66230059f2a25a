import { randomIds } from '@understudy/core'
import { awaitOperation } from '../cloud/await-operation.ts'
import { manifestHash } from '../recovery/manifest.ts'
import type { Manifest } from '../recovery/manifest.ts'
import type { RecoveryPoint } from '../recovery/recovery-point.ts'
import type { Stage } from './stage.ts'

export async function insertPoint({ deps, resource, clock }: Stage, overrides: Partial<RecoveryPoint> = {}): Promise<RecoveryPoint> {
  const at = new Date(clock.nowMs())
  const point: RecoveryPoint = {
    ...{ id: randomIds.next('recoveryPoint'), projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId },
    ...{ status: 'capturing', reason: 'the laws', requestedBy: 'system:laws', database: undefined, sequence: undefined, manifest: undefined },
    ...{ manifestHash: undefined, capturedAt: undefined, lockedUntil: undefined, deleteTime: undefined, purgeTime: undefined },
    ...{ verification: undefined, operationId: undefined, lastError: undefined, createdAt: at, updatedAt: at, version: 1 },
    ...overrides,
  }
  await deps.database.stores.recoveryPoints.insert(point)
  return point
}

/** A sealed point whose snapshots the region really has. */
export async function keptPoint(
  stage: Stage,
  overrides: Partial<RecoveryPoint> = {},
  dna: Manifest['definition']['dna'] = {},
): Promise<RecoveryPoint> {
  const { provider, primary, clock, resource, deps } = stage
  const set = randomIds.next('event')
  const snapshots = provider.snapshots!
  const kept = await stage.drive(
    (async () => {
      const context = { idempotencyKey: set, tags: {}, actor: 'laws', priority: 'background' } as const
      await awaitOperation({ clock }, provider, await snapshots.capture(primary, context), new AbortController().signal)
      return snapshots.get({ setId: set })
    })(),
  )
  const id = randomIds.next('recoveryPoint')
  const manifest: Manifest = {
    ...{ format: 1, point: id, resource: resource.id, instance: primary.nativeId, sequence: 1, parent: null, database: null, order: [] },
    definition: { hash: resource.dnaHash, dna },
    disks: {
      ...{ set, takenAt: kept!.takenAt, consistency: kept!.consistency },
      members: kept!.members.map(({ deviceKey, role, snapshot, sizeGiB }) => ({ device: deviceKey, role, snapshot: snapshot.nativeId, sizeGiB })),
    },
    memory: { kept: false, reason: 'no' },
  }
  const sealed = { status: 'usable', sequence: 1, manifest, manifestHash: manifestHash(manifest), capturedAt: new Date(kept!.takenAt) } as const
  const point = await insertPoint(stage, { id, ...sealed, ...overrides })
  await deps.database.stores.audit.append([
    {
      ...{ projectId: point.projectId, at: point.createdAt, actor: 'laws', action: 'recovery_points.captured', target: id },
      details: { manifestHash: sealed.manifestHash },
    },
  ])
  return point
}
