import type { LoadBalancerBackendAddress, NetworkInterfaceIPConfiguration } from '@azure/arm-network'
import { contentHash } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { TrafficBinding } from '@understudy/provider'
import type { Adapter } from '../adapter.ts'
import { sameId } from '../arm-id.ts'
import { readPool } from './bindings.ts'
import { changeNic, primaryConfiguration, primaryNicOf } from './interfaces.ts'
import type { Mechanism } from './mechanism.ts'
import { changePool, checkRule, membersOf, type PoolMember, readPoolOf } from './pool.ts'

/**
 * One backend pool: who is in it, not administratively down and healthy shares its traffic equally. The whole vector is one write of
 * the pool: the member that takes over comes up in the same one in which the other goes down. `Up` is never written: it would make
 * the load balancer believe in a member whatever its probe finds.
 */
export function lbTarget(adapter: Adapter): Mechanism {
  const enrol = enrolIn(adapter)
  const members = (binding: TrafficBinding): Promise<readonly PoolMember[]> => membersOf(adapter, readPool(binding))
  return {
    enrol,
    async validate(binding) {
      const target = readPool(binding)
      await readPoolOf(adapter, target)
      await checkRule(adapter, target)
    },
    async state(binding) {
      const present = await members(binding)
      const shares = sharesOf(present)
      return present.map(({ nativeId, health }) => ({ nativeId, health, weight: shares.get(nativeId) ?? 0 }))
    },
    async setWeights(binding, weights, context) {
      const raised = weights.filter(({ weight }) => weight > 0)
      if (new Set(raised.map(({ weight }) => weight)).size > 1)
        throw providerError('unsupported', 'UnequalMembers', 'Members of one pool share its traffic equally; give them equal weights.')
      const before = await members(binding)
      const isRaised = (nativeId: string): boolean => raised.some(({ ref }) => sameId(ref.nativeId, nativeId))
      const missing = raised.filter(({ ref }) => !before.some(({ nativeId }) => sameId(nativeId, ref.nativeId)))
      for (const { ref } of missing) await enrol(binding, ref, context)
      const leaving = before.filter(({ nativeId, isDown }) => !isDown && !isRaised(nativeId))
      // A member that is down is not probed: it comes up first, and takes over when its probe has found it.
      const returning = before.filter(({ nativeId, isDown }) => isDown && isRaised(nativeId))
      if (returning.length > 0)
        await setDown(
          adapter,
          binding,
          returning.map(({ name }) => name),
          false,
          context.signal,
        )
      if (leaving.length === 0) return
      const waiting = raised.filter(({ ref }) => !before.some(({ nativeId, health }) => sameId(nativeId, ref.nativeId) && health === 'healthy'))
      if (waiting.length > 0) {
        const names = waiting.map(({ ref }) => ref.nativeId).join(', ')
        throw providerError('conflict', 'NotHealthyYet', `Not healthy yet: ${names}. The members that serve stay until it is; ask again then.`)
      }
      await setDown(
        adapter,
        binding,
        leaving.map(({ name }) => name),
        true,
        context.signal,
      )
    },
    remove: removeFrom(adapter),
  }
}

/** A member of a pool of interfaces is one whose interface names the pool; into one of addresses its address is written. */
const enrolIn =
  (adapter: Adapter): Mechanism['enrol'] =>
  async (binding, ref, { signal }) => {
    const target = readPool(binding)
    const [pool, nic] = await Promise.all([readPoolOf(adapter, target), primaryNicOf(adapter, ref.nativeId, signal)])
    const ipAddress = primaryConfiguration(nic)?.privateIPAddress ?? ''
    const present = pool.loadBalancerBackendAddresses ?? []
    const own = present.find((address) => address.ipAddress === ipAddress || isOfNic(address, nic.id ?? ''))
    if (own?.adminState === 'Down') return await setDown(adapter, binding, [own.name ?? ''], false, signal)
    if (own !== undefined) return
    if (!holdsAddresses(present)) {
      const join = { id: target.poolId }
      const joined = (before: NetworkInterfaceIPConfiguration) => [...(before.loadBalancerBackendAddressPools ?? []), join]
      return await changeNic(adapter, nic.id ?? '', (before) => ({ ...before, loadBalancerBackendAddressPools: joined(before) }), signal)
    }
    await changePool(
      adapter,
      target,
      ({ loadBalancerBackendAddresses: addresses = [] }) => {
        const [model] = addresses
        const network = model?.virtualNetwork === undefined ? {} : { virtualNetwork: model.virtualNetwork }
        const subnet = model?.subnet === undefined ? {} : { subnet: model.subnet }
        return [...addresses, { name: `us-${contentHash(ref.nativeId).slice(0, 12)}`, ...network, ...subnet, ipAddress, adminState: 'None' }]
      },
      signal,
    )
  }

const isOfNic = ({ networkInterfaceIPConfiguration }: LoadBalancerBackendAddress, nicId: string): boolean =>
  networkInterfaceIPConfiguration?.id?.toLowerCase().startsWith(`${nicId.toLowerCase()}/`) === true

const removeFrom =
  (adapter: Adapter): Mechanism['remove'] =>
  async (binding, ref, { signal }) => {
    const target = readPool(binding)
    const own = (await membersOf(adapter, target)).filter(({ nativeId }) => sameId(nativeId, ref.nativeId))
    for (const { name, nicId } of own) {
      const { loadBalancerBackendAddresses } = await readPoolOf(adapter, target)
      if (holdsAddresses(loadBalancerBackendAddresses)) {
        await changePool(adapter, target, (pool) => pool.loadBalancerBackendAddresses?.filter((address) => address.name !== name), signal)
        continue
      }
      const without = <T extends { readonly id?: string }>(pools: readonly T[]): T[] => pools.filter(({ id }) => !sameId(id ?? '', target.poolId))
      await changeNic(
        adapter,
        nicId,
        (before) => ({ ...before, loadBalancerBackendAddressPools: without(before.loadBalancerBackendAddressPools ?? []) }),
        signal,
      )
    }
  }

/** A pool is of one kind: of bare addresses, or of network interfaces. An empty one takes interfaces. */
const holdsAddresses = (addresses: readonly LoadBalancerBackendAddress[] = []): boolean =>
  addresses.some(({ networkInterfaceIPConfiguration }) => networkInterfaceIPConfiguration?.id === undefined)

const setDown = (adapter: Adapter, binding: TrafficBinding, names: readonly string[], isDown: boolean, signal?: AbortSignal): Promise<void> =>
  changePool(
    adapter,
    readPool(binding),
    ({ loadBalancerBackendAddresses: present = [] }) =>
      present.map((address) => (names.includes(address.name ?? '') ? { ...address, adminState: isDown ? 'Down' : 'None' } : address)),
    signal,
  )

/** On the healthy ones, and on all that are up when none is; whole percents that add up. */
function sharesOf(members: readonly PoolMember[]): ReadonlyMap<string, number> {
  const up = members.filter(({ isDown }) => !isDown)
  const healthy = up.filter(({ health }) => health === 'healthy')
  const serving = (healthy.length > 0 ? healthy : up).map(({ nativeId }) => nativeId).toSorted()
  const each = serving.length === 0 ? 0 : Math.floor(100 / serving.length)
  return new Map(serving.map((nativeId, index) => [nativeId, each + (index < 100 - each * serving.length ? 1 : 0)]))
}
