import { AppError, now } from '@understudy/core'
import type { Blocks, Provider } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { systemActor } from '../../access/access.ts'
import { callContext } from '../../cloud/call-context.ts'
import type { SagaDeps } from '../../context.ts'
import { recordChange } from '../../journal/record-change.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import { pointOf } from '../capture-steps.ts'
import type { Manifest } from '../manifest.ts'
import type { RecoveryPoint } from '../recovery-point.ts'
import { readSpace } from '../space.ts'
import type { PointSpace } from '../space.ts'
import { documentHash } from './digests.ts'
import type { DigestDocument, DigestMode, DiskDigest, PointDigests } from './digests.ts'
import { takeDigests } from './take-digests.ts'

export type DigestStep = StepContext<{ readonly pointId: string; readonly mode: Exclude<DigestMode, 'none'> }, object>

/** How long one opening holds: a worker that goes on opens again. */
export const openSeconds = 12 * 3600

/** The point whose digests are built on; `null`: everything is read. Where nobody can read, that is written down instead. */
export async function choose(deps: SagaDeps, step: DigestStep): Promise<{ readonly readable: boolean; readonly since: string | null }> {
  const { params } = step
  const point = await sealedOf(deps, params.pointId)
  const { traits, blocks } = await deps.openProvider(point.accountId)
  if (blocks === undefined || !traits.readSnapshots.supported) {
    const reason = traits.readSnapshots.supported ? 'Its adapter cannot read snapshots.' : traits.readSnapshots.reason
    await write(deps, step, { state: 'unavailable', at: now(deps.clock).toISOString(), reason })
    return { readable: false, since: null }
  }
  if (params.mode === 'whole') return { readable: true, since: null }
  const since = await deps.database.stores.recoveryDigests.newestRead(point.resourceId, point.sequence)
  return { readable: true, since: since ?? null }
}

export async function readDisks(deps: SagaDeps, step: DigestStep, sinceId: string | null): Promise<{ readonly disks: readonly DiskDigest[] }> {
  const point = await sealedOf(deps, step.params.pointId)
  const provider = await deps.openProvider(point.accountId)
  const { readSnapshots } = provider.traits
  const { blocks, snapshots } = provider
  if (blocks === undefined || !readSnapshots.supported) throw new AppError('unsupported', 'The account can no longer be read.')
  const since = sinceId === null ? undefined : await deps.database.stores.recoveryPoints.findById(sinceId)
  // Changes are told against a snapshot that is still there.
  const before = since?.manifest === undefined ? undefined : await snapshots?.get({ setId: since.manifest.disks.set })
  const isThere = since?.manifest !== undefined && since.accountId === point.accountId && before?.state === 'usable'
  const { members } = point.manifest.disks
  const former = isThere ? membersOf(provider, since.manifest) : []
  const opened = [...membersOf(provider, point.manifest), ...former]
  return withOpen(deps, step, { point, blocks, opened }, async () => {
    const disks: DiskDigest[] = []
    for (const { device, snapshot } of members) {
      const digest = isThere ? since.digests?.document?.disks.find((disk) => disk.device === device) : undefined
      const line = digest?.blockBytes === readSnapshots.blockBytes ? digest : undefined
      const what = { pointId: point.id, resourceId: point.resourceId, sequence: point.sequence, device, blockBytes: readSnapshots.blockBytes }
      const built =
        line === undefined || since === undefined
          ? undefined
          : { pointId: since.id, line: line.line, snapshot: { ...provider.scope, nativeId: line.snapshot } }
      disks.push(
        await takeDigests(
          deps.database.stores.recoveryDigests,
          blocks,
          { ...what, snapshot: { ...provider.scope, nativeId: snapshot }, since: built },
          step.signal,
        ),
      )
    }
    return { disks }
  })
}

/** Whatever comes of it, what was opened is closed; after a crash by the step that runs again, or by its undo. */
export async function withOpen<T>(
  deps: SagaDeps,
  step: StepContext<unknown, object>,
  {
    point,
    blocks,
    opened,
    seconds = openSeconds,
  }: { readonly point: RecoveryPoint; readonly blocks: Blocks; readonly opened: Parameters<Blocks['open']>[0]; readonly seconds?: number },
  work: () => Promise<T>,
): Promise<T> {
  const purpose = { resourceId: point.resourceId, priority: 'background' } as const
  await step.audit({ action: 'snapshots.read', target: point.id, details: { snapshots: opened.map(({ nativeId }) => nativeId) } })
  const close = (): Promise<void> =>
    blocks.close(opened, { ...callContext(deps, step, { ...purpose, suffix: 'close' }), signal: AbortSignal.timeout(60_000) })
  try {
    await blocks.open(opened, { seconds }, callContext(deps, step, { ...purpose, suffix: 'open' }))
    const result = await work()
    await close()
    return result
  } catch (error) {
    await close().catch(() => undefined) // what went wrong first is told; the undo closes again
    throw error
  }
}

/** Closes what a worker that died may have left open. */
export async function closePoint(deps: SagaDeps, step: StepContext<unknown, object>, pointId: string, sinceId: string | null = null): Promise<void> {
  const { stores } = deps.database
  const points = [await stores.recoveryPoints.findById(pointId), sinceId === null ? undefined : await stores.recoveryPoints.findById(sinceId)]
  for (const point of points) {
    if (point?.manifest === undefined) continue
    const provider = await deps.openProvider(point.accountId)
    await step.audit({ action: 'snapshots.close', target: point.id })
    const context = callContext(deps, step, { suffix: 'close', resourceId: point.resourceId, priority: 'background' })
    await provider.blocks?.close(membersOf(provider, point.manifest), context)
  }
}

/** Nothing is left of an attempt but its reason. */
export async function giveUpReading(deps: SagaDeps, step: DigestStep, sinceId: string | null): Promise<void> {
  await closePoint(deps, step, step.params.pointId, sinceId)
  await deps.database.stores.recoveryDigests.deleteOf(step.params.pointId)
  const at = now(deps.clock).toISOString()
  await write(deps, step, { state: 'failed', at, reason: `See operation ${step.operationId}.` })
}

export async function recordDigests(deps: SagaDeps, step: DigestStep, disks: readonly DiskDigest[]): Promise<{ readonly hash: string }> {
  const point = await sealedOf(deps, step.params.pointId)
  const document: DigestDocument = { format: 1, point: point.id, manifest: point.manifestHash, disks }
  const hash = documentHash(document)
  await write(deps, step, { state: 'complete', at: now(deps.clock).toISOString(), document, hash }, await spaceOf(deps, step, point, document))
  return { hash }
}

/** Whoever reads all of a disk does not see what the cloud shares between this point and one before it that is still there. */
async function spaceOf(deps: SagaDeps, step: DigestStep, point: Sealed, document: DigestDocument): Promise<PointSpace | undefined> {
  const space = readSpace({ document })
  if (step.params.mode === 'incremental' || space === undefined) return space
  const { recoveryDigests, recoveryPoints } = deps.database.stores
  const before = await recoveryDigests.newestRead(point.resourceId, point.sequence)
  const isThere = before !== undefined && (await recoveryPoints.findById(before))?.status === 'usable'
  return isThere ? { ...space, usedBytes: undefined } : space
}

async function write(deps: SagaDeps, step: DigestStep, digests: PointDigests, space?: PointSpace): Promise<void> {
  await deps.database.transaction(async (stores) => {
    const point = await stores.recoveryPoints.findById(step.params.pointId)
    // Repeated after a crash: it is written already.
    if (point === undefined || (point.digests?.state === digests.state && point.digests.hash === digests.hash)) return
    const at = now(deps.clock)
    await swapOrRepeat(stores.recoveryPoints.update({ ...point, digests, updatedAt: at }, point.version))
    if (space !== undefined) await stores.recoveryPoints.setSpace(point.id, space, at)
    const { document, hash } = digests
    await recordChange(deps, stores, {
      projectId: point.projectId,
      actor: systemActor('recovery.digest'),
      what:
        document !== undefined
          ? 'recovery_points.digested'
          : digests.state === 'failed'
            ? 'recovery_points.digest_failed'
            : 'recovery_points.digest_unavailable',
      subject: `recovery-points/${point.id}`,
      operationId: step.operationId,
      // Here it stands until the manifest of the next point names it too.
      data: {
        resourceId: point.resourceId,
        ...(document === undefined
          ? {}
          : { digestsHash: hash ?? '', roots: Object.fromEntries(document.disks.map(({ device, root }) => [device, root])) }),
      },
    })
  })
}

export const membersOf = ({ scope }: Provider, { disks }: Manifest) => disks.members.map(({ snapshot }) => ({ ...scope, nativeId: snapshot }))

type Sealed = RecoveryPoint & { readonly manifest: Manifest; readonly manifestHash: string; readonly sequence: number }
async function sealedOf(deps: SagaDeps, pointId: string): Promise<Sealed> {
  const point = await pointOf(deps, pointId)
  const { manifest, manifestHash, sequence } = point
  if (point.status !== 'usable' || manifest === undefined || manifestHash === undefined || sequence === undefined)
    throw new AppError('conflict', `The recovery point is ${point.status}: there is nothing to read.`)
  return { ...point, manifest, manifestHash, sequence }
}
