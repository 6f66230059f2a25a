import { AppError, contentHash, notFound } from '@understudy/core'
import type { Json } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import { isProviderError } from '@understudy/provider'
import type { Provider, TrafficBinding } from '@understudy/provider'
import { reach } from '../cloud/reach.ts'
import type { Control } from '../context.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { Resource } from '../resources/resource.ts'
import { failoverGate } from './failover.gate.ts'
import { planFor, planIdentity } from './failover.ts'
import type { FailoverPlan } from './failover.ts'

interface Question {
  readonly resourceId: string
  readonly shadowId?: string
  readonly deadline?: Date
}

/** Every check and the plan, without doing anything. */
export async function planFailover(
  control: Control,
  principal: Principal,
  input: Question,
): Promise<{ readonly plan: FailoverPlan; readonly planHash: string }> {
  requireRole(principal, 'operator')
  const { plan } = await prepare(control, principal, input, { asksEntry: true })
  return { plan, planHash: contentHash(planIdentity(plan)) }
}

/** Moves a resource to its stand-in because a person asked. With `planHash`: only if the plan is still what was approved. */
export async function startFailover(
  control: Control,
  principal: Principal,
  input: Question & { readonly reason: string; readonly planHash?: string },
): Promise<Operation> {
  requireRole(principal, 'operator')
  const { plan, resource } = await prepare(control, principal, input)
  const planHash = contentHash(planIdentity(plan))
  if (input.planHash !== undefined && input.planHash !== planHash) {
    throw new AppError('plan_stale', 'The plan you approved is not the plan that would run now. Ask for a new one with validateOnly=true.', {
      details: { planHash },
    })
  }
  if (input.shadowId !== undefined && plan.shadowId !== input.shadowId) {
    throw new AppError('no_usable_shadow', 'This shadow cannot take over now: it has no running or startable instance. Look at its status.')
  }
  const { operation, joined } = await control.database.transaction(async (stores) => {
    const started = await startOperation(control, stores, {
      kind: 'failover',
      projectId: principal.projectId,
      resourceId: resource.id,
      params: failoverParams(plan, { mode: 'manual', accountId: resource.accountId, shadowId: input.shadowId }),
      lockKey: `failover:${resource.id}`,
      ...(input.deadline ? { deadline: input.deadline } : {}),
      priority: priorities.manualFailover,
      requestedBy: actorOf(principal),
      reason: input.reason,
      plan: plan as unknown as Json,
      planHash,
    })
    if (!started.joined) {
      await stores.audit.append([
        {
          projectId: principal.projectId,
          at: new Date(control.clock.nowMs()),
          actor: actorOf(principal),
          action: 'failover.start',
          target: resource.id,
          operationId: started.operation.id,
          details: { reason: input.reason, planHash },
        },
      ])
    }
    return started
  })
  if (joined)
    throw new AppError('busy', `A failover of this resource is under way: ${operation.id}. Follow that one.`, {
      details: { operationId: operation.id },
    })
  return operation
}

/** What the saga is given. Everything else it reads for itself when it runs. */
export const failoverParams = (
  plan: FailoverPlan,
  how: { readonly mode: 'manual' | 'interruption'; readonly accountId: string; readonly shadowId?: string | undefined },
) => ({
  resourceId: plan.resourceId,
  accountId: how.accountId,
  primary: plan.primary,
  primaryEpoch: plan.primaryEpoch,
  mode: how.mode,
  ...(how.shadowId === undefined ? {} : { shadowId: how.shadowId }),
})

async function prepare(
  control: Control,
  principal: Principal,
  input: Question,
  { asksEntry } = { asksEntry: false },
): Promise<{ readonly plan: FailoverPlan; readonly resource: Resource }> {
  const { stores } = control.database
  const resource = await stores.resources.find(principal.projectId, input.resourceId)
  if (!resource) throw notFound('resource')
  const nowMs = control.clock.nowMs()
  const gate = failoverGate({ resource, expected: { primary: resource.nativeId, primaryEpoch: resource.primaryEpoch }, nowMs })
  if (!gate.ok) throw new AppError(gate.kind, gate.reason)
  const shadows = await stores.shadows.listAlive([resource.id])
  if (input.shadowId !== undefined && !shadows.some((shadow) => shadow.id === input.shadowId)) throw notFound('shadow')
  const { cloud, clouds, entry } = await reach(control, resource, shadows)
  const clientsFollowSeconds = asksEntry && resource.traffic ? await followSeconds(entry, resource.traffic) : undefined
  const plan = planFor({
    resource,
    shadows,
    cloud,
    clouds,
    clientsFollowSeconds,
    nowMs,
    deadlineMs: input.deadline?.getTime(),
    shadowId: input.shadowId,
  })
  return { plan, resource }
}

/** A plan is made without what the entry point does not say now. */
async function followSeconds({ traffic }: Provider, binding: TrafficBinding): Promise<number | undefined> {
  try {
    return await traffic?.followSeconds?.(binding)
  } catch (error) {
    if (isProviderError(error)) return undefined
    throw error
  }
}
