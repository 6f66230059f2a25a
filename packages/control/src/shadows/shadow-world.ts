import { AppError } from '@understudy/core'
import type { CallContext, InstanceRef, Provider } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { callContext } from '../cloud/call-context.ts'
import type { StepCall } from '../cloud/call-context.ts'
import { withEntry } from '../cloud/entry.ts'
import type { SagaDeps } from '../context.ts'
import type { Resource } from '../resources/resource.ts'
import type { Shadow } from './shadow.ts'

/** What a step about one shadow works with, read anew by each step: between two of them anything may have changed. */
export interface ShadowWorld {
  readonly shadow: Shadow
  readonly resource: Resource
  readonly provider: Provider
  /** The shadow's instance. */
  readonly ref: InstanceRef
}

/** @throws AppError `not_found` when the shadow has no instance yet, or it or its resource has been deleted. */
export async function shadowWorld(deps: SagaDeps, shadowId: string): Promise<ShadowWorld> {
  const shadow = await deps.database.stores.shadows.findById(shadowId)
  const resource = shadow && (await deps.database.stores.resources.findById(shadow.resourceId))
  if (!shadow?.nativeId || !resource) throw new AppError('not_found', 'The shadow has no instance, or it or its resource has been deleted meanwhile.')
  const provider = await withEntry(deps, resource, shadow.accountId)
  return { shadow, resource, provider, ref: { ...provider.scope, nativeId: shadow.nativeId, zone: shadow.zone } }
}

/** The context of a step's call to the shadow's cloud; `suffix` tells the calls of one step apart. */
export function shadowCall(
  deps: SagaDeps,
  step: StepContext<unknown, unknown>,
  { id: shadowId, resourceId }: Shadow,
  call: { readonly suffix: string; readonly priority: CallContext['priority'] },
): StepCall {
  return callContext(deps, step, { ...call, role: 'shadow', resourceId, shadowId })
}
