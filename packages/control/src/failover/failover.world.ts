import { AppError } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { InstanceRef, Provider, TrafficBinding } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { callContext } from '../cloud/call-context.ts'
import { withEntry } from '../cloud/entry.ts'
import type { CallPurpose, StepCall } from '../cloud/call-context.ts'
import type { SagaDeps } from '../context.ts'
import type { Resource } from '../resources/resource.ts'
import type { StandIn } from './failover.ts'

export const failoverSagaParams = z.strictObject({
  resourceId: z.string(),
  /** The primary that is left, and its epoch when the failover was decided. */
  primary: z.string(),
  primaryEpoch: z.int(),
  mode: z.enum(['manual', 'interruption']),
  /** Of the primary that is left. Left out by operations of before there were others: the resource's. */
  accountId: z.string().optional(),
  /** A person's choice; otherwise the best one is taken. */
  shadowId: z.string().optional(),
})
export type FailoverParams = z.infer<typeof failoverSagaParams>

/** What most steps begin with. */
export interface FailoverWorld {
  readonly resource: Resource
  readonly provider: Provider
  readonly primary: InstanceRef
  readonly binding: TrafficBinding | undefined
}

export type FailoverStep = StepContext<FailoverParams, object>

export async function failoverWorld(deps: SagaDeps, step: FailoverStep): Promise<FailoverWorld> {
  const resource = await deps.database.stores.resources.findById(step.params.resourceId)
  if (!resource) throw new AppError('not_found', 'The resource has been deleted meanwhile.')
  const provider = await withEntry(deps, resource, formerAccountOf(step, resource))
  return {
    resource,
    provider,
    primary: { ...provider.scope, nativeId: step.params.primary },
    binding: provider.traffic ? resource.traffic : undefined,
  }
}

/** Once the stand-in is promoted, the account of the resource is the stand-in's. */
export const formerAccountOf = ({ params }: Pick<FailoverStep, 'params'>, resource: Resource): string => params.accountId ?? resource.accountId

/** The stand-in and the account it is in, which may be another than the primary's. */
export async function standInAt(
  deps: SagaDeps,
  { resource, provider }: Pick<FailoverWorld, 'resource' | 'provider'>,
  step: Pick<FailoverStep, 'params'>,
  standIn: Pick<StandIn, 'accountId' | 'nativeId' | 'zone'>,
): Promise<{ readonly host: Provider; readonly ref: InstanceRef; readonly accountId: string; readonly isElsewhere: boolean }> {
  const formerAccountId = formerAccountOf(step, resource)
  const accountId = standIn.accountId ?? formerAccountId
  const isElsewhere = accountId !== formerAccountId
  const host = isElsewhere ? await withEntry(deps, resource, accountId) : provider
  return { host, ref: refOf(host, standIn), accountId, isElsewhere }
}

export const refOf = (provider: Provider, instance: { readonly nativeId: string; readonly zone?: string }): InstanceRef => ({
  ...provider.scope,
  nativeId: instance.nativeId,
  ...(instance.zone === undefined ? {} : { zone: instance.zone }),
})

/** Every call of a failover may use the share of the rate limit that is kept for it. */
export const urgent = (deps: SagaDeps, step: FailoverStep, purpose: Omit<CallPurpose, 'priority' | 'resourceId'>): StepCall =>
  callContext(deps, step, { ...purpose, resourceId: step.params.resourceId, priority: 'failover' })

/** Whether the instance still runs: only then may traffic go back to it. */
export async function stillRuns(provider: Provider, ref: InstanceRef): Promise<boolean> {
  const summary = (await provider.inventory.states([ref])).get(ref.nativeId)
  return summary?.state === 'running'
}

/** Runs a call whose target may be gone by now: then there is nothing left to do. */
export async function unlessGone(call: () => Promise<unknown>): Promise<{ readonly gone: boolean }> {
  try {
    await call()
    return { gone: false }
  } catch (error) {
    if (isProviderError(error, 'not_found')) return { gone: true }
    throw error
  }
}
