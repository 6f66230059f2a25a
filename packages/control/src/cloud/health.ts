import type { InstanceRef, MemberHealth, Provider, Traffic, TrafficBinding, TrafficMember } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import { awaitCondition } from './await-operation.ts'

export const memberOf = (members: readonly TrafficMember[], nativeId: string): TrafficMember | undefined =>
  members.find((member) => member.nativeId === nativeId)

/** How the entry point sees one member, by the cheapest question that this cloud has; `undefined`: it is not a member. */
export const healthOf = async (traffic: Traffic, binding: TrafficBinding, nativeId: string): Promise<MemberHealth | undefined> =>
  traffic.health ? await traffic.health(binding, nativeId) : memberOf(await traffic.state(binding), nativeId)?.health

/** Whether the entry point says how its members are; an address and a name do not. */
export const isWatched = (traffic: Traffic, binding: TrafficBinding): boolean => traffic.mechanisms[binding.mechanism]?.unwatched !== true

/** Whether a stand-in can be enrolled with weight 0 and watched before it gets any traffic. */
export const watchesStandby = (provider: Provider, binding: TrafficBinding | undefined): boolean =>
  binding !== undefined && provider.traffic?.mechanisms[binding.mechanism]?.standby === true

/** Whether new requests go to it now. Whoever ends or rests an instance asks this first, whatever the rows say. */
export async function carriesTraffic(provider: Provider, binding: TrafficBinding | undefined, nativeId: string): Promise<boolean> {
  if (!binding || !provider.traffic) return false
  return (memberOf(await provider.traffic.state(binding), nativeId)?.weight ?? 0) > 0
}

/** Waits until the entry point calls the member healthy. */
export async function awaitHealthy(
  deps: Pick<SagaDeps, 'clock'>,
  provider: Provider,
  binding: TrafficBinding,
  ref: InstanceRef,
  signal: AbortSignal,
): Promise<void> {
  await awaitCondition(deps, signal, async () => {
    return provider.traffic && (await healthOf(provider.traffic, binding, ref.nativeId)) === 'healthy' ? true : undefined
  })
}
