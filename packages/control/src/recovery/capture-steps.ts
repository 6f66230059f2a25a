import { AppError, now } from '@understudy/core'
import type { Json, JsonObject } from '@understudy/core'
import type { Provider, SnapshotSet, Snapshots } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { systemActor } from '../access/access.ts'
import { awaitCondition, awaitOperation } from '../cloud/await-operation.ts'
import { callContext } from '../cloud/call-context.ts'
import type { SagaDeps } from '../context.ts'
import type { Stores } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { dnaHashOf, redactDna } from '../resources/redact.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { manifestHash } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import type { RecoveryPoint } from './recovery-point.ts'
import { besideOf, describeOwn } from './restored-disks/disks-beside.ts'
import type { DiskBeside } from './restored-disks/disks-beside.ts'

/** The steps that keep a state, for every saga that keeps one. The snapshots' key is that of the step that takes them. */
type Step = StepContext<unknown, object>

export type Definition = { readonly instance: string; readonly at: string; readonly hash: string; readonly dna: JsonObject }
export type Disks = Manifest['disks'] & { readonly at: string }

export async function readDefinition(deps: SagaDeps, pointId: string): Promise<Definition> {
  const point = await pointOf(deps, pointId)
  const resource = await deps.database.stores.resources.findById(point.resourceId)
  if (resource === undefined) throw new AppError('not_found', 'The resource has been deleted meanwhile.')
  const provider = await deps.openProvider(point.accountId)
  requireSnapshots(provider)
  const own = await describeOwn(deps.database.stores, provider, resource)
  if (own === undefined || own.state === 'terminated') {
    throw new AppError('not_found', `The cloud no longer knows ${resource.nativeId}: there is nothing to keep.`, {
      details: { remedy: 'Start a failover to one of its shadows, then repeat.' },
    })
  }
  // Redacted before it leaves the step: neither the log of the operation nor the manifest may hold boot data.
  const redacted = redactDna(own)
  const dna = JSON.parse(JSON.stringify(redacted)) as JsonObject // drops what is undefined
  return { instance: resource.nativeId, at: now(deps.clock).toISOString(), hash: dnaHashOf(redacted), dna }
}

export async function keepDisks(deps: SagaDeps, step: Step, pointId: string, instance: string): Promise<Disks> {
  const { resourceId, accountId } = await pointOf(deps, pointId)
  const provider = await deps.openProvider(accountId)
  const snapshots = requireSnapshots(provider)
  const context = callContext(deps, step, { resourceId, priority: 'background' })
  // A copy that stands beside the others for a time is none of what has to be kept, and would be missing when the point is gone back to.
  const beside = await besideOf(deps.database.stores, provider, resourceId)
  const without = beside.map(({ disk }) => ({ ...provider.scope, nativeId: disk }))
  await step.audit({
    action: 'snapshots.capture',
    target: instance,
    ...(beside.length === 0 ? {} : { details: { without: beside.map(({ disk }) => disk) } }),
  })
  await awaitOperation(deps, provider, await snapshots.capture({ ...provider.scope, nativeId: instance }, context, { without }), step.signal)
  const set = { setId: context.idempotencyKey }
  const kept = await awaitCondition(deps, step.signal, async () => usable(await snapshots.get(set)))
  return {
    set: set.setId,
    at: now(deps.clock).toISOString(),
    takenAt: kept.takenAt,
    consistency: kept.consistency,
    members: kept.members.map(({ deviceKey, role, snapshot, sizeGiB }) => ({ device: deviceKey, role, snapshot: snapshot.nativeId, sizeGiB })),
    ...(beside.length === 0 ? {} : { leftOut: beside.map(leftOutOf) }),
  }
}

const leftOutOf = ({ disk, row }: DiskBeside) => ({
  ...{ disk, device: row.place ?? null },
  reason: `${row.id}: a copy of ${row.device} of ${row.pointId}, which stands beside the others until ${row.expiresAt.toISOString()}.`,
})

function usable(set: SnapshotSet | undefined): SnapshotSet | undefined {
  if (set?.state === 'failed') throw new AppError('provider_rejected', 'The cloud could not complete the snapshots.')
  return set?.state === 'usable' ? set : undefined
}

/**
 * Deletes what an unsealed point has kept, whether or not we were told that it was made, and marks the point as failed. Of a sealed one
 * nothing is undone: it is as good as any other.
 */
export async function dropUnsealed(deps: SagaDeps, step: Step, pointId: string): Promise<void> {
  const point = await pointOf(deps, pointId)
  if (point.manifest !== undefined) return
  const { resourceId, accountId } = point
  const { snapshots } = await deps.openProvider(accountId)
  const setId = callContext(deps, step, { resourceId, priority: 'background' }).idempotencyKey
  await step.audit({ action: 'snapshots.delete', target: setId })
  await snapshots?.delete({ setId }, callContext(deps, step, { suffix: 'delete', resourceId, priority: 'background' }))
  await giveUp(deps, step, pointId)
}

/** Marks an unsealed point as failed. */
export async function giveUp(deps: SagaDeps, step: Step, pointId: string): Promise<void> {
  const point = await pointOf(deps, pointId)
  if (point.status === 'capturing') await failCapture(deps, point, step.operationId)
}

export async function failCapture(deps: Pick<SagaDeps, 'database' | 'clock' | 'ids'>, point: RecoveryPoint, operationId: string): Promise<void> {
  const failed: RecoveryPoint = {
    ...point,
    status: 'failed',
    operationId: undefined,
    lastError: `See operation ${operationId}.`,
    updatedAt: now(deps.clock),
  }
  await deps.database.transaction(async (stores) => {
    await swapOrRepeat(stores.recoveryPoints.update(failed, point.version))
    await recordChange(deps, stores, {
      projectId: point.projectId,
      actor: systemActor('recovery.capture'),
      what: 'recovery_points.capture_failed',
      subject: `recovery-points/${point.id}`,
      operationId,
      data: { resourceId: point.resourceId },
    })
  })
}

export async function seal(
  deps: SagaDeps,
  step: Step,
  pointId: string,
  definition: Definition,
  { at, ...disks }: Disks,
): Promise<{ readonly hash: string; readonly sequence: number }> {
  return deps.database.transaction(async (stores) => {
    const point = await stores.recoveryPoints.findById(pointId)
    if (point === undefined) throw gone()
    // Repeated after a crash: it is sealed already.
    if (point.manifestHash !== undefined) return { hash: point.manifestHash, sequence: point.sequence ?? 0 }
    const [parent] = await stores.recoveryPoints.chain(point.resourceId, { limit: 1 })
    const manifest: Manifest = {
      format: 1,
      point: point.id,
      resource: point.resourceId,
      instance: definition.instance,
      sequence: (parent?.sequence ?? 0) + 1,
      parent: parent?.manifestHash === undefined ? null : { point: parent.id, hash: parent.manifestHash },
      definition: { hash: definition.hash, dna: definition.dna },
      disks,
      ...(await newDigests(stores, point.resourceId)),
      memory: { kept: false, reason: 'Clouds keep memory in the instance that it belongs to, not in a snapshot.' },
      database: point.database ?? null,
      order: [
        { what: 'definition', at: definition.at },
        { what: 'disks', at },
      ],
    }
    const hash = manifestHash(manifest)
    const sealed: RecoveryPoint = {
      ...point,
      ...{ status: 'usable', sequence: manifest.sequence, manifest, manifestHash: hash },
      ...{ capturedAt: new Date(disks.takenAt), operationId: undefined, updatedAt: now(deps.clock) },
    }
    await swapOrRepeat(stores.recoveryPoints.update(sealed, point.version))
    await recordChange(deps, stores, {
      projectId: point.projectId,
      actor: systemActor('recovery.capture'),
      what: 'recovery_points.captured',
      subject: `recovery-points/${point.id}`,
      operationId: step.operationId,
      // A second place for the hash, in a chain of its own: whoever changes a manifest would have to change that one too.
      data: { resourceId: point.resourceId, sequence: manifest.sequence, manifestHash: hash, disks: disks.members.length } satisfies Json,
    })
    return { hash, sequence: manifest.sequence }
  })
}

/** So many links back a document is looked for that was completed late. */
const lateMax = 50

/** Documents of digests that no manifest names yet. */
async function newDigests({ recoveryPoints }: Stores, resourceId: string): Promise<Pick<Manifest, 'digests'>> {
  const links = await recoveryPoints.chain(resourceId, { limit: lateMax })
  const named = new Set(links.flatMap(({ manifest }) => (manifest?.digests ?? []).map(({ point }) => point)))
  const digests = links.flatMap(({ id, digests: read }) => (read?.hash === undefined || named.has(id) ? [] : [{ point: id, hash: read.hash }]))
  return digests.length === 0 ? {} : { digests: digests.toReversed() }
}

export function requireSnapshots(provider: Provider): Snapshots {
  if (provider.snapshots !== undefined) return provider.snapshots
  throw new AppError('unsupported', `Disks of ${provider.scope.provider} cannot be kept: its adapter has no snapshots.`)
}

export async function pointOf(deps: SagaDeps, pointId: string): Promise<RecoveryPoint> {
  const point = await deps.database.stores.recoveryPoints.findById(pointId)
  if (point === undefined) throw gone()
  return point
}
const gone = (): AppError => new AppError('not_found', 'The recovery point has been removed meanwhile.')
