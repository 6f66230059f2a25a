import { AppError, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { SagaDeps } from '../context.ts'
import { failoverGate } from './failover.gate.ts'
import { isRunningKind } from '../shadows/shadow.ts'
import { candidates, isArmed } from './failover.ts'
import type { StandIn } from './failover.ts'
import type { FailoverStep } from './failover.world.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

/** Asks the gate again, and says on the resource that a failover is under way. */
export async function passGate(deps: SagaDeps, step: FailoverStep): Promise<{ readonly zone: string | null; readonly instanceType: string }> {
  const { params } = step
  const resource = await deps.database.stores.resources.findById(params.resourceId)
  if (!resource) throw new AppError('not_found', 'The resource has been deleted meanwhile.')
  const gate = failoverGate({ resource, expected: params, nowMs: deps.clock.nowMs() })
  if (!gate.ok) throw new AppError(gate.kind, gate.reason)
  await deps.database.stores.resources.setStatus(resource.id, 'failing-over', now(deps.clock))
  return { zone: resource.zone ?? null, instanceType: resource.dna.size.type }
}

export async function leaveGate(deps: SagaDeps, step: FailoverStep): Promise<void> {
  const { resources, outbox } = deps.database.stores
  const resource = await resources.findById(step.params.resourceId)
  if (resource?.status !== 'failing-over') return
  await resources.setStatus(resource.id, resource.tier ? 'degraded' : 'unprotected', now(deps.clock))
  // Looks at once whether the primary still lives, and starts over with another stand-in when it does not.
  await outbox.append([wakeReconciler(deps, 'primaries', 2)])
}

interface Reserved {
  readonly [key: string]: Json
  readonly standIn: StandIn | null
  /** It is promised to run: whether it does is looked at together with its health, and not in a step of its own. */
  readonly runs: boolean
  readonly reason: string
}

/**
 * Reserves the best shadow that can be had. A drill that has it at the moment lets go of it by itself. No shadow: null, and
 * the saga saves the state and launches a replacement.
 */
export async function reserveStandIn(deps: SagaDeps, step: FailoverStep): Promise<Reserved> {
  const { resources, shadows } = deps.database.stores
  const resource = await resources.findById(step.params.resourceId)
  const alive = await shadows.listAlive([step.params.resourceId])
  const mine = alive.find((shadow) => shadow.status === 'reserved' && shadow.operationId === step.operationId)
  const proofMaxAgeMs = (resource?.tier?.proofMaxAgeSeconds ?? 0) * 1000
  const { shadowId } = step.params
  const choice = (mine ? [mine] : candidates(alive, proofMaxAgeMs, deps.clock.nowMs(), step.params.accountId)).filter(
    (shadow) => shadowId === undefined || shadow.id === shadowId,
  )
  for (const shadow of choice) {
    const reserved =
      shadow === mine ||
      (await shadows.move(shadow.id, { from: ['ready', 'unproven', 'proving'], to: 'reserved', operationId: step.operationId, at: now(deps.clock) }))
    if (!reserved || shadow.nativeId === undefined) continue
    const { id, accountId, nativeId, zone, instanceType, purchase } = shadow
    const runs = isRunningKind(shadow.readiness) || isArmed(shadow, deps.clock.nowMs())
    return { standIn: { shadowId: id, accountId, nativeId, zone, instanceType, purchase }, runs, reason: `${shadow.readiness} shadow in ${zone}` }
  }
  if (shadowId !== undefined) throw new AppError('no_usable_shadow', 'The chosen shadow was taken or lost meanwhile. Ask for a new plan.')
  return { standIn: null, runs: false, reason: alive.length === 0 ? 'no shadow exists' : 'no shadow has an instance that could take over' }
}

/** The shadow goes back, without its proof: it did not take over, whatever the reason. The next drill decides about it. */
export async function releaseStandIn(deps: SagaDeps, step: FailoverStep): Promise<void> {
  const alive = await deps.database.stores.shadows.listAlive([step.params.resourceId])
  for (const shadow of alive.filter((candidate) => candidate.status === 'reserved' && candidate.operationId === step.operationId)) {
    await deps.database.stores.shadows.move(shadow.id, {
      from: ['reserved'],
      to: 'unproven',
      operationId: null,
      lastError: 'a failover to it was undone',
      at: now(deps.clock),
    })
  }
}
