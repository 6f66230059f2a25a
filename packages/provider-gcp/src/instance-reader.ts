import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { Instance } from './clients.ts'
import { powerStateOf, zoneOf } from './instance-state.ts'

/** An expression of this many ids is far below the longest URL that Google takes. */
const maxIdsPerList = 50

/** The instance as it is now; `undefined` when there is none (any more). Without a zone it is searched for. */
export async function readInstance(
  { calls, scope }: Adapter,
  ref: Pick<InstanceRef, 'nativeId' | 'zone'>,
  signal?: AbortSignal,
): Promise<Instance | undefined> {
  // Anything else has not come from Google, and in a path it might mean something.
  if (!/^[1-9]\d{0,19}$/.test(ref.nativeId)) return undefined
  if (ref.zone === undefined) {
    for await (const instance of calls.listInstances(`id=${ref.nativeId}`)) if (isInRegion(instance, scope.region)) return instance
    return undefined
  }
  return await unlessGone(calls.getInstance(ref.zone, ref.nativeId, signal))
}

export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isProviderError(error, 'not_found')) return undefined
    throw error
  }
}

/** The instance, or `not_found`. */
export async function existing(adapter: Adapter, ref: InstanceRef, context: CallContext): Promise<Instance> {
  const instance = await readInstance(adapter, ref, context.signal)
  if (instance === undefined || powerStateOf(instance) === 'terminating') throw gone(ref.nativeId)
  return instance
}

export const gone = (nativeId: string) => providerError('not_found', 'notFound', `There is no instance ${nativeId} (any more).`)

/** One list per bundle of ids, over all zones. */
export async function readMany({ calls, scope }: Adapter, refs: readonly Pick<InstanceRef, 'nativeId' | 'zone'>[]): Promise<readonly Instance[]> {
  const nativeIds = refs.map(({ nativeId }) => nativeId)
  // An outage of one zone is when those of the others are asked about most.
  const zones = refs.flatMap(({ zone }) => zone ?? [])
  const wanted = [...new Set(nativeIds)].filter((id) => /^[1-9]\d{0,19}$/.test(id))
  const found: Instance[] = []
  for (let start = 0; start < wanted.length; start += maxIdsPerList) {
    const filter = wanted
      .slice(start, start + maxIdsPerList)
      .map((id) => `(id=${id})`)
      .join(' OR ')
    const reachable = zones.length === refs.length ? zones : undefined
    for await (const instance of calls.listInstances(filter, reachable)) if (isInRegion(instance, scope.region)) found.push(instance)
  }
  return found
}

export const isInRegion = (instance: Instance, region: string): boolean => zoneOf(instance).startsWith(`${region}-`)
