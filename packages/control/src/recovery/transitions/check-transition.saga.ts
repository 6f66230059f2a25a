import { AppError, now, sleep } from '@understudy/core'
import type { Json } from '@understudy/core'
import { saga } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../../access/access.ts'
import { healthOf, isWatched } from '../../cloud/health.ts'
import type { SagaDeps } from '../../context.ts'
import type { Stores } from '../../database.ts'
import { priorities } from '../../operations/operation.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import { startOperation } from '../../operations/start-operation.ts'
import { changeTransition } from './change-transition.ts'
import { openStatuses } from './transition.ts'
import type { Transition, TransitionFinding } from './transition.ts'

const params = z.strictObject({ transitionId: z.string() })
const minute = 60_000

/** Looks whether a resource has come through a transition whole; recommends what to go back to when it has not. Changes nothing in a cloud. */
export const checkTransitionSaga = saga<SagaDeps, z.infer<typeof params>>('transition.check', {
  version: sagaVersions['transition.check'],
  params,
})
  .step('looked', {
    title: 'Look at the instance, its disks and its health',
    budget: { maxMs: 10 * minute },
    run: async (deps, step) => ({ findings: (await lookPatiently(deps, step.params.transitionId, step.signal)) as unknown as Json }), // plain JSON by its type
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record what was found, and have the recovery point verified',
    budget: { maxMs: minute },
    run: (deps, step) =>
      record(deps, step.params.transitionId, step.operationId, step.outputs.looked.findings as unknown as readonly TransitionFinding[]), // as `looked` wrote it
    // What was found stays true.
    undo: 'nothing-to-undo',
  })
  .end()

/** How long an instance may take to be well again after its time. */
const patienceMs = 5 * minute

async function lookPatiently(deps: SagaDeps, id: string, signal: AbortSignal): Promise<readonly TransitionFinding[]> {
  const untilMs = deps.clock.nowMs() + patienceMs
  for (;;) {
    const findings = await look(deps, await required(deps.database.stores, id))
    const isFinal = findings.length === 0 || findings.some(({ kind }) => kind === 'instance_gone')
    if (isFinal || deps.clock.nowMs() >= untilMs) return findings
    await sleep(deps.clock, 15_000, signal)
  }
}

async function look(deps: SagaDeps, transition: Transition): Promise<readonly TransitionFinding[]> {
  const { stores } = deps.database
  const resource = await stores.resources.findById(transition.resourceId)
  if (resource === undefined) return []
  const provider = await deps.openProvider(transition.accountId)
  const ref = { ...provider.scope, nativeId: transition.nativeId }
  const present = await provider.inventory.describe(ref)
  if (present === undefined || present.state === 'terminated') {
    return [{ kind: 'instance_gone', message: `The cloud no longer knows ${transition.nativeId}.` }]
  }
  const findings: TransitionFinding[] = []
  if (present.state !== 'running') findings.push({ kind: 'not_running', message: `${transition.nativeId} is ${present.state}.` })
  const point = transition.pointId === undefined ? undefined : await stores.recoveryPoints.findById(transition.pointId)
  for (const { device, sizeGiB } of point?.manifest?.disks.members ?? []) {
    const disk = present.disks.find(({ deviceKey }) => deviceKey === device)
    if (disk === undefined) findings.push({ kind: 'disk_missing', message: `Nothing is plugged in under ${device}.` })
    else if (disk.sizeGiB < sizeGiB) findings.push({ kind: 'disk_changed', message: `${device} has ${disk.sizeGiB} GiB and had ${sizeGiB}.` })
  }
  const { traffic } = resource
  if (present.state === 'running' && traffic !== undefined && provider.traffic !== undefined && isWatched(provider.traffic, traffic)) {
    const health = await healthOf(provider.traffic, traffic, transition.nativeId)
    if (health !== undefined && health !== 'healthy') findings.push({ kind: 'not_healthy', message: `The load balancer calls it ${health}.` })
  }
  return findings
}

async function record(deps: SagaDeps, id: string, operationId: string, findings: readonly TransitionFinding[]): Promise<{ readonly whole: boolean }> {
  const whole = findings.length === 0
  await deps.database.transaction(async (stores) => {
    const transition = await required(stores, id)
    // Repeated after a crash: it is recorded already. Or its announcement was taken back while it was looked at.
    if (!openStatuses.includes(transition.status)) return
    const point = transition.pointId === undefined ? undefined : await stores.recoveryPoints.findById(transition.pointId)
    const recommendedPointId = !whole && point?.status === 'usable' ? point.id : null
    const check = { at: now(deps.clock).toISOString(), findings, recommendedPointId }
    const data = { findings: findings.map(({ kind }) => kind), recommendedPointId }
    const what = whole ? 'verified' : recommendedPointId === null ? 'damage_found' : 'rollback_recommended'
    const change = { status: whole ? 'verified' : 'damaged', check, operationId: undefined } as const
    await changeTransition(deps, stores, transition, change, { what, actor: systemActor('transition.check'), operationId, data })
    if (point?.status !== 'usable') return
    await startOperation(deps, stores, {
      kind: 'recovery.verify',
      projectId: point.projectId,
      params: { pointId: point.id },
      resourceId: point.resourceId,
      lockKey: `recovery.verify:${point.id}`,
      priority: priorities.background,
      requestedBy: systemActor('transition.check'),
      reason: `After ${transition.reason}`,
    })
  })
  return { whole }
}

async function required(stores: Pick<Stores, 'transitions'>, id: string): Promise<Transition> {
  const transition = await stores.transitions.findById(id)
  if (transition === undefined) throw new AppError('not_found', 'The transition has been removed meanwhile.')
  return transition
}
