import { AppError, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { SnapshotSet } from '@understudy/provider'
import { saga } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import type { SagaDeps } from '../context.ts'
import type { Stores } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { requireSnapshots } from './capture-steps.ts'
import { checkManifests } from './manifest.ts'
import type { Link, Manifest } from './manifest.ts'
import type { Finding, RecoveryPoint } from './recovery-point.ts'

const params = z.strictObject({ pointId: z.string() })
const minute = 60_000
const chainPage = 500

/** Looks whether a point is still what was kept: its manifest, the chain before it, the audit trail, and the cloud's snapshots. */
export const verifyRecoveryPointSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.verify', {
  version: sagaVersions['recovery.verify'],
  params,
})
  .step('checked', {
    title: 'Compare manifest, chain, audit trail and snapshots',
    budget: { maxMs: 15 * minute },
    run: async (deps, step) => ({ findings: (await check(deps, step.params.pointId)) as unknown as Json }), // plain JSON by its type
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record what was found',
    budget: { maxMs: minute },
    run: (deps, step) => record(deps, step.params.pointId, step.operationId, step.outputs.checked.findings as unknown as readonly Finding[]), // as `checked` wrote it
    // What was found stays true.
    undo: 'nothing-to-undo',
  })
  .end()

async function check(deps: SagaDeps, id: string): Promise<readonly Finding[]> {
  const point = await requirePoint(deps.database.stores, id)
  if (point.manifest === undefined) throw new AppError('conflict', `The recovery point is ${point.status}: there is nothing to verify.`)
  const links = await chainOf(deps, point)
  const provider = await deps.openProvider(point.accountId)
  const set = await requireSnapshots(provider).get({ setId: point.manifest.disks.set })
  return [...checkManifests(links), ...(await checkAudit(deps, point)), ...checkSnapshots(point.manifest, set)]
}

/** The point and all before it, whatever has become of them. */
async function chainOf(deps: SagaDeps, point: RecoveryPoint): Promise<readonly Link[]> {
  const links: Link[] = []
  let to = point.sequence ?? 0
  for (;;) {
    const page = await deps.database.stores.recoveryPoints.chain(point.resourceId, { to, limit: chainPage })
    links.push(...page.map((link) => linkOf(link)))
    const last = page.at(-1)?.sequence
    if (last === undefined || page.length < chainPage) return links
    to = last - 1
  }
}

function linkOf({ id, sequence, manifest, manifestHash }: RecoveryPoint): Link {
  if (sequence === undefined || manifest === undefined || manifestHash === undefined) throw new Error(`${id} is in a chain and not sealed`) // the table refuses it
  return { id, sequence, manifest, manifestHash }
}

/** The hash stands in the audit trail too, which is a chain of its own. */
async function checkAudit(deps: SagaDeps, point: RecoveryPoint): Promise<readonly Finding[]> {
  const entries = await deps.database.stores.audit.list(point.projectId, { after: 0, limit: 1000, target: point.id })
  const captured = entries.find(({ action }) => action === 'recovery_points.captured')
  const recorded = (captured?.details as { readonly manifestHash?: string } | undefined)?.manifestHash
  if (recorded === point.manifestHash) return []
  const message = 'The audit trail has another hash of this manifest than its row.'
  return [{ kind: 'audit_differs', message, data: { recorded: recorded ?? null, present: point.manifestHash ?? null } }]
}

function checkSnapshots({ disks }: Manifest, set: SnapshotSet | undefined): readonly Finding[] {
  const present = new Map((set?.members ?? []).map((member) => [member.deviceKey, member]))
  return disks.members.flatMap(({ device, snapshot, sizeGiB }): readonly Finding[] => {
    const member = present.get(device)
    if (member === undefined)
      return [{ kind: 'snapshot_missing', message: `The snapshot ${snapshot} of ${device} is gone.`, data: { device, snapshot } }]
    if (member.snapshot.nativeId !== snapshot || member.sizeGiB !== sizeGiB) {
      const found = { snapshot: member.snapshot.nativeId, sizeGiB: member.sizeGiB }
      return [
        {
          kind: 'snapshot_changed',
          message: `The snapshot of ${device} is not the one that was kept.`,
          data: { device, kept: { snapshot, sizeGiB }, found },
        },
      ]
    }
    if (member.state === 'usable') return []
    return [{ kind: 'snapshot_unusable', message: `The snapshot ${snapshot} of ${device} is ${member.state}.`, data: { device, snapshot } }]
  })
}

async function record(deps: SagaDeps, id: string, operationId: string, findings: readonly Finding[]): Promise<{ readonly intact: boolean }> {
  const intact = findings.length === 0
  await deps.database.transaction(async (stores) => {
    const point = await requirePoint(stores, id)
    const at = now(deps.clock)
    await swapOrRepeat(stores.recoveryPoints.update({ ...point, verification: { at: at.toISOString(), findings }, updatedAt: at }, point.version))
    await recordChange(deps, stores, {
      projectId: point.projectId,
      actor: systemActor('recovery.verify'),
      what: intact ? 'recovery_points.verified' : 'recovery_points.damage_found',
      subject: `recovery-points/${point.id}`,
      operationId,
      data: { resourceId: point.resourceId, findings: findings.map(({ kind }) => kind) },
    })
  })
  return { intact }
}

async function requirePoint(stores: Stores, id: string): Promise<RecoveryPoint> {
  const point = await stores.recoveryPoints.findById(id)
  if (point === undefined) throw new AppError('not_found', 'The recovery point has been removed meanwhile.')
  return point
}
