import { now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import { awaitOperation } from '../cloud/await-operation.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { refreshOf } from './rollback-steps.ts'
import { startOperation } from '../operations/start-operation.ts'
import { stopsFor } from './rollback-fields.ts'
import type { PlannedField } from './rollback-plan.ts'
import { approvedPlan } from './rollback-steps.ts'
import type { Verified } from './rollback-steps.ts'
import { rollbackContext, rollbackWorld, whileItRests } from './rollback.world.ts'
import type { RollbackStep } from './rollback.world.ts'

export type AgreedFields = {
  readonly fields: readonly PlannedField[]
  readonly wasRunning: boolean
  /** It has to be stopped for one of them. */
  readonly stops: boolean
  readonly hadTraffic: boolean
}

export async function passGate(deps: SagaDeps, step: RollbackStep): Promise<AgreedFields> {
  const { plan, hadTraffic } = await approvedPlan(deps, step)
  return { fields: plan.fields, wasRunning: plan.wasRunning, stops: plan.wasRunning && stopsFor(plan.fields), hadTraffic }
}

/** Sets each field, or sets it back: all of it is declarative, so that repeating changes nothing. */
export async function apply(
  deps: SagaDeps,
  step: RollbackStep,
  fields: readonly PlannedField[],
  way: 'to' | 'from',
): Promise<{ readonly applied: number }> {
  const { provider, primary } = await rollbackWorld(deps, step)
  for (const field of fields) {
    const context = rollbackContext(deps, step, `${way}:${field.field}`)
    switch (field.field) {
      case 'tags': {
        const tags = Object.fromEntries(Object.entries(field[way]).map(([key, value]) => [key, value ?? undefined]))
        await step.audit({ action: 'labels.tag', target: primary.nativeId, details: { [way]: field[way] } })
        await provider.labels.tag([primary], tags, context)
        break
      }
      case 'protection':
        await step.audit({ action: 'labels.setProtection', target: primary.nativeId, details: { ...field[way] } })
        await provider.labels.setProtection(primary, field[way], context)
        break
      case 'size':
        await step.audit({ action: 'compute.resize', target: primary.nativeId, details: { instanceType: field[way] } })
        await whileItRests(deps, step, `${way}:size`, async () => {
          await awaitOperation(deps, provider, await provider.compute.resize(primary, { instanceType: field[way] }, context), step.signal)
          return true
        })
    }
  }
  return { applied: fields.length }
}

/** Tells what has been set back, and has the definition read anew. */
export async function record(
  deps: SagaDeps,
  step: RollbackStep,
  agreed: AgreedFields,
  verified: Verified | null,
): Promise<{ readonly recorded: true }> {
  await deps.database.transaction(async (stores) => {
    const resource = await stores.resources.findById(step.params.resourceId)
    if (resource === undefined) return
    const { safetyPointId, pointId } = step.params
    await recordChange(deps, stores, {
      projectId: resource.projectId,
      actor: systemActor('recovery.rollback'),
      what: 'recovery_points.rolled_back',
      subject: `recovery-points/${pointId}`,
      operationId: step.operationId,
      data: {
        ...{ resourceId: resource.id, safetyPointId, verified: verified?.passed ?? null },
        checks: (verified?.checks ?? []).map(({ check, outcome }) => ({ check, outcome })),
        devices: [],
        fields: agreed.fields.map(({ field, from, to }): JsonObject => ({ field, from, to })),
      },
      deduplicationKey: `${step.operationId}:rolled_back`,
    })
    await startOperation(deps, stores, refreshOf(resource, `Its definition has been set back at ${now(deps.clock).toISOString()}`))
  })
  return { recorded: true }
}
