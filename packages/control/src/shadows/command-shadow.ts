import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { startFailover } from '../failover/start-failover.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import type { SagaName } from '../operations/saga-versions.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { Shadow } from './shadow.ts'

interface Named {
  readonly id: string
}

/** Shows now that the shadow starts and answers. */
export const drillShadow = (control: Control, principal: Principal, input: Named): Promise<Operation> =>
  command(control, principal, input.id, 'shadow.prove', priorities.drill, ['ready', 'unproven'])

/** Prepares the shadow without moving traffic; it stands down by itself after the installation's arming time. */
export const armShadow = (control: Control, principal: Principal, input: Named): Promise<Operation> =>
  command(control, principal, input.id, 'shadow.arm', priorities.arm, ['ready', 'unproven'])

/** Stands an armed shadow down. */
export const disarmShadow = (control: Control, principal: Principal, input: Named): Promise<Operation> =>
  command(control, principal, input.id, 'shadow.disarm', priorities.background, ['ready', 'unproven'])

/** A failover to this very shadow. */
export async function promoteShadow(
  control: Control,
  principal: Principal,
  input: Named & { readonly reason?: string; readonly planHash?: string },
): Promise<Operation> {
  requireRole(principal, 'operator')
  const shadow = await control.database.stores.shadows.find(principal.projectId, input.id)
  if (!shadow) throw notFound('shadow')
  return startFailover(control, principal, {
    resourceId: shadow.resourceId,
    shadowId: shadow.id,
    reason: input.reason ?? 'promotion asked for',
    ...(input.planHash === undefined ? {} : { planHash: input.planHash }),
  })
}

async function command(
  control: Control,
  principal: Principal,
  id: string,
  kind: SagaName,
  priority: number,
  allowed: readonly Shadow['status'][],
): Promise<Operation> {
  requireRole(principal, 'operator')
  const shadow = await control.database.stores.shadows.find(principal.projectId, id)
  if (!shadow) throw notFound('shadow')
  if (!allowed.includes(shadow.status)) {
    throw new AppError('conflict', `The shadow is ${shadow.status}; this needs it to be ${allowed.join(' or ')}. Look at its operation, or wait.`)
  }
  const { operation, joined } = await control.database.transaction(async (stores) => {
    const started = await startOperation(control, stores, {
      kind,
      projectId: shadow.projectId,
      resourceId: shadow.resourceId,
      shadowId: shadow.id,
      params: { shadowId: shadow.id },
      lockKey: `shadow:${shadow.id}`,
      priority,
      requestedBy: actorOf(principal),
      reason: 'asked for through the API',
    })
    if (!started.joined) {
      await stores.audit.append([
        {
          projectId: shadow.projectId,
          at: new Date(control.clock.nowMs()),
          actor: actorOf(principal),
          action: `shadows.${kind.slice('shadow.'.length)}`,
          target: shadow.id,
          operationId: started.operation.id,
        },
      ])
    }
    return started
  })
  if (joined && operation.kind !== kind) {
    throw new AppError('busy', `${operation.kind} works on this shadow already: ${operation.id}. Wait for it, then repeat.`, {
      details: { operationId: operation.id },
    })
  }
  return operation
}
