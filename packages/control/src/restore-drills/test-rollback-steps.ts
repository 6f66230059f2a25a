import { AppError, now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { CloneSpec, ResourceDna } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { systemActor } from '../access/access.ts'
import { awaitOperation } from '../cloud/await-operation.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { noProbes, portsOf, probeProxyOf } from '../probes/probe.ts'
import type { CheckResult } from '../probes/probe.ts'
import { verifyInstance } from '../probes/verify-instance.ts'
import { pointOf } from '../recovery/capture-steps.ts'
import { inspectPoint, refuseDamaged } from '../recovery/inspect-point.ts'
import { disksBeside, withoutDisks } from '../recovery/restored-disks/disks-beside.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { drillContext, drillOf } from './clean-up.ts'
import { drillKeys, recordJson } from './restore-drill.ts'
import type { Removed, RestoreDrill, RestoreRecord } from './restore-drill.ts'
import type { TestRollbackParams } from './test-rollback.saga.ts'

type Step = StepContext<TestRollbackParams, object>
export type Gate = {
  readonly set: string
  readonly zone: string
  readonly instanceType: string
  readonly startedAt: string
  readonly dataLossSeconds: number
}
export type Cloned = { readonly instance: string }
export type Proven = {
  readonly passed: boolean
  readonly checks: readonly CheckResult[]
  readonly verifiedAt: string
  readonly recoverySeconds: number
}

export async function passGate(deps: SagaDeps, step: Step): Promise<Gate> {
  const drill = await drillOf(deps, step.params.drillId)
  const point = await pointOf(deps, drill.pointId)
  if (point.status !== 'usable' || point.manifest === undefined) throw new AppError('conflict', `The recovery point is ${point.status} now.`)
  const provider = await deps.openProvider(drill.accountId)
  if (provider.isolation === undefined || provider.snapshots === undefined) {
    throw new AppError('unsupported', `On ${provider.scope.provider} a clone cannot be kept from speaking to others yet: nothing is rehearsed there.`)
  }
  refuseDamaged(await inspectPoint(deps, provider, point), step.params.despite)
  const source = await sourceOf(deps, drill)
  const startedMs = deps.clock.nowMs()
  return {
    set: point.manifest.disks.set,
    zone: source.placement.zone ?? '',
    instanceType: source.size.type,
    startedAt: new Date(startedMs).toISOString(),
    dataLossSeconds: Math.max(0, Math.round((startedMs - Date.parse(point.manifest.disks.takenAt)) / 1000)),
  }
}

/** The primary as it is now, since a rollback changes disks and no definition; when it is gone, as it was kept, without its boot data. */
async function sourceOf(deps: SagaDeps, drill: RestoreDrill): Promise<ResourceDna> {
  const provider = await deps.openProvider(drill.accountId)
  const resource = await deps.database.stores.resources.findById(drill.resourceId)
  const present = resource === undefined ? undefined : await provider.inventory.describe({ ...provider.scope, nativeId: resource.nativeId })
  // What we have plugged in beside its own has nothing to be made of in the point.
  if (present !== undefined && present.state !== 'terminated')
    return withoutDisks(present, await disksBeside(deps.database.stores, provider, drill.resourceId))
  const { manifest } = await pointOf(deps, drill.pointId)
  if (manifest === undefined) throw new AppError('conflict', 'The recovery point has no manifest.')
  return manifest.definition.dna as unknown as ResourceDna // as `readDefinition` wrote it; its hash was checked by the gate
}

/** Before anything was made. */
export async function abort(deps: SagaDeps, step: Step): Promise<void> {
  const drill = await drillOf(deps, step.params.drillId)
  if (drill.status !== 'running') return
  const at = now(deps.clock)
  await deps.database.transaction(async (stores) => {
    // Undone last: whatever was made has been deleted by now.
    const aborted: RestoreDrill = { ...drill, status: 'aborted', cleanedAt: drill.cleanedAt ?? at, updatedAt: at }
    await swapOrRepeat(stores.restoreDrills.update(aborted, drill.version))
    await recordChange(deps, stores, {
      projectId: drill.projectId,
      actor: systemActor('recovery.test-rollback'),
      what: 'restore_drills.aborted',
      subject: `test-rollbacks/${drill.id}`,
      operationId: step.operationId,
      data: { resourceId: drill.resourceId, recoveryPointId: drill.pointId },
    })
  })
}

export async function isolate(deps: SagaDeps, step: Step): Promise<{ readonly securityGroups: readonly string[] }> {
  const drill = await drillOf(deps, step.params.drillId)
  const { isolation } = await deps.openProvider(drill.accountId)
  if (isolation === undefined) throw new AppError('unsupported', 'The cloud can no longer isolate a clone.')
  const key = drillKeys(drill).isolation
  await step.audit({ action: 'isolation.ensure', target: key, details: { drill: drill.id } })
  const ports = portsOf(step.params.verification ?? noProbes)
  return isolation.ensure(await sourceOf(deps, drill), { ports }, drillContext(deps, step, drill, key))
}

export async function clone(deps: SagaDeps, step: Step, gate: Gate, securityGroups: readonly string[]): Promise<Cloned> {
  const drill = await drillOf(deps, step.params.drillId)
  const provider = await deps.openProvider(drill.accountId)
  const key = drillKeys(drill).clone
  await step.audit({ action: 'compute.provision', target: gate.set, details: { drill: drill.id } })
  const spec: CloneSpec = {
    name: `drill-${drill.id}`,
    power: 'running',
    instanceType: gate.instanceType,
    purchase: 'on-demand',
    zone: gate.zone,
    disks: { from: 'snapshots', set: { setId: gate.set } },
    isolation: { securityGroups },
  }
  const handle = await provider.compute.provision(await sourceOf(deps, drill), spec, drillContext(deps, step, drill, key))
  const { nativeId } = await awaitOperation(deps, provider, handle, step.signal)
  return { instance: nativeId }
}

/** An agent asks its cloud for work and tells it what came of it: nothing gets out of the place of a clone. */
const isolatedClosed = 'An isolated clone speaks to nobody, the channel of the cloud for commands included.'

export async function verify(deps: SagaDeps, step: StepContext<TestRollbackParams, { readonly gate: Gate }>, instance: string): Promise<Proven> {
  const drill = await drillOf(deps, step.params.drillId)
  const provider = await deps.openProvider(drill.accountId)
  const account = await deps.database.stores.accounts.findById(drill.accountId)
  const { passed, checks } = await verifyInstance(
    deps,
    provider,
    { ...provider.scope, nativeId: instance },
    {
      verification: step.params.verification ?? noProbes,
      proxy: probeProxyOf(account?.settings ?? {}),
      channel: { closed: isolatedClosed },
      signal: step.signal,
    },
  ).catch((error: unknown) => {
    // The sweep, the cloud, or a person has ended it: that is what there is to say of it.
    if (!isProviderError(error, 'not_found')) throw error
    return { passed: false, checks: [{ check: 'boot', outcome: 'failed', detail: 'It is gone.', afterSeconds: 0 }] as const }
  })
  const atMs = deps.clock.nowMs()
  const recoverySeconds = Math.round((atMs - Date.parse(step.outputs.gate.startedAt)) / 100) / 10
  return { passed, checks, verifiedAt: new Date(atMs).toISOString(), recoverySeconds }
}

export async function record(
  deps: SagaDeps,
  step: Step,
  proven: { readonly gate: Gate; readonly cloned: Cloned; readonly verified: Proven; readonly removed: Removed },
): Promise<{ readonly drillId: string; readonly outcome: 'passed' | 'failed' }> {
  const drill = await drillOf(deps, step.params.drillId)
  const outcome = proven.verified.passed ? 'passed' : 'failed'
  if (drill.record !== undefined) return { drillId: drill.id, outcome }
  const made = await recordOf(deps, drill, proven)
  const signature = await deps.signer.sign(recordJson(made))
  await deps.database.transaction(async (stores) => {
    const done: RestoreDrill = { ...drill, status: outcome, record: made, signature, updatedAt: now(deps.clock) }
    await swapOrRepeat(stores.restoreDrills.update(done, drill.version))
    await recordChange(deps, stores, {
      projectId: drill.projectId,
      actor: systemActor('recovery.test-rollback'),
      what: `restore_drills.${outcome}`,
      subject: `test-rollbacks/${drill.id}`,
      operationId: step.operationId,
      data: {
        ...{ resourceId: drill.resourceId, recoveryPointId: drill.pointId, recoverySeconds: made.recoverySeconds },
        ...{ dataLossSeconds: made.dataLossSeconds, keyId: signature.keyId, removed: made.removed },
        checks: made.checks.map(({ check, outcome: found }): JsonObject => ({ check, outcome: found })),
      },
    })
  })
  return { drillId: drill.id, outcome }
}

async function recordOf(
  deps: SagaDeps,
  drill: RestoreDrill,
  { gate, cloned, verified, removed }: Parameters<typeof record>[2],
): Promise<RestoreRecord> {
  const point = await pointOf(deps, drill.pointId)
  const resource = await deps.database.stores.resources.findById(drill.resourceId)
  return {
    format: 'understudy-restore-record/1',
    drill: drill.id,
    installation: deps.settings.installation,
    project: drill.projectId,
    resource: { id: drill.resourceId, name: resource?.name ?? '' },
    point: {
      ...{ id: point.id, sequence: point.sequence ?? 0, manifestHash: point.manifestHash ?? '' },
      takenAt: point.manifest?.disks.takenAt ?? '',
    },
    clone: { instance: cloned.instance, zone: gate.zone, instanceType: gate.instanceType },
    outcome: verified.passed ? 'passed' : 'failed',
    checks: verified.checks,
    startedAt: gate.startedAt,
    verifiedAt: verified.verifiedAt,
    cleanedAt: (drill.cleanedAt ?? now(deps.clock)).toISOString(),
    recoverySeconds: verified.recoverySeconds,
    dataLossSeconds: gate.dataLossSeconds,
    removed,
  }
}
