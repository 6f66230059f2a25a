import type { BackendAddressPool, LoadBalancerBackendAddress } from '@azure/arm-network'
import { isProviderError, providerError } from '@understudy/provider'
import type { MemberHealth } from '@understudy/provider'
import { type Adapter, call, listed, waiting } from '../adapter.ts'
import type { PoolBinding } from './bindings.ts'
import { guardedBy, nicById, vmOf } from './interfaces.ts'

export interface PoolMember {
  readonly nativeId: string
  /** Name of its entry in the pool. */
  readonly name: string
  readonly nicId: string
  /** Administratively down: no new connections, those there are go on. */
  readonly isDown: boolean
  readonly health: MemberHealth
}

/** Who is in the pool, and what the rule's probe has found of them. What is no VM, or is none any more, is left out. */
export async function membersOf(adapter: Adapter, binding: PoolBinding): Promise<readonly PoolMember[]> {
  const pool = await readPoolOf(adapter, binding)
  const [members, isUp] = await Promise.all([vmsOf(adapter, pool), probed(adapter, binding)])
  return members.map(({ address, ...member }) => {
    const isDown = address.adminState === 'Down'
    const found = isUp(address, member.nicId)
    const health = isDown ? 'draining' : found === undefined ? 'initial' : found
    return { ...member, isDown, health }
  })
}

export const readPoolOf = ({ clients }: Adapter, { group, balancer, pool }: PoolBinding): Promise<BackendAddressPool> =>
  call(() => clients.network.loadBalancerBackendAddressPools.get(group, balancer, pool))

/** Members are interfaces in one kind of pool, and bare addresses in the other: whose an address is, the list of interfaces tells. */
async function vmsOf(adapter: Adapter, pool: BackendAddressPool) {
  const addresses = pool.loadBalancerBackendAddresses ?? []
  const isByAddress = addresses.some(({ networkInterfaceIPConfiguration }) => networkInterfaceIPConfiguration?.id === undefined)
  const all = isByAddress ? await call(async () => listed(adapter.clients.network.networkInterfaces.listAll())) : []
  const rows = await Promise.all(
    addresses.map(async (address) => {
      const configurationId = address.networkInterfaceIPConfiguration?.id
      const nic =
        configurationId === undefined
          ? all.find(({ ipConfigurations = [] }) => ipConfigurations.some(({ privateIPAddress }) => privateIPAddress === address.ipAddress))
          : await nicById(adapter, configurationId)
      const nativeId = vmOf(nic)
      return nativeId === undefined ? [] : [{ address, nativeId, name: address.name ?? '', nicId: nic?.id ?? '' }]
    }),
  )
  return rows.flat()
}

/** `POST …/loadBalancingRules/{rule}/health`: the load balancer's own view, without the minutes that metrics take. */
async function probed(adapter: Adapter, { group, balancer, rule }: PoolBinding) {
  const { loadBalancerLoadBalancingRules } = adapter.clients.network
  const { loadBalancerBackendAddresses: rows = [] } = await call(() =>
    loadBalancerLoadBalancingRules.beginHealthAndWait(group, balancer, rule, waiting(adapter)),
  )
  return ({ ipAddress }: LoadBalancerBackendAddress, nicId: string): MemberHealth | undefined => {
    const row = rows.find(
      (candidate) =>
        (ipAddress !== undefined && candidate.ipAddress === ipAddress) ||
        (candidate.networkInterfaceIPConfigurationId?.toLowerCase().startsWith(`${nicId.toLowerCase()}/`) ?? false),
    )
    if (row?.state === undefined) return undefined
    if (row.state.toLowerCase() === 'up') return 'healthy'
    return row.reason?.includes('ApproachingHealthy') === true ? 'initial' : 'unhealthy'
  }
}

const attempts = 4

/**
 * Writes the pool as a whole: guarded by its etag, one change of a load balancer at a time, since Azure refuses a second one with 429
 * `RetryableErrorDueToAnotherOperation`. `change` answers `undefined` when nothing has to be written.
 */
export async function changePool(
  adapter: Adapter,
  binding: PoolBinding,
  change: (pool: BackendAddressPool) => readonly LoadBalancerBackendAddress[] | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { group, balancer, pool: name } = binding
  const { loadBalancerBackendAddressPools } = adapter.clients.network
  await adapter.oneByOne(`${group}/${balancer}`.toLowerCase(), async () => {
    for (let attempt = 1; ; attempt++) {
      const pool = await readPoolOf(adapter, binding)
      const after = change(pool)
      if (after === undefined) return
      try {
        const options = { ...waiting(adapter, signal), ...guardedBy(pool.etag) }
        const body = { ...pool, loadBalancerBackendAddresses: [...after] }
        await call(() => loadBalancerBackendAddressPools.beginCreateOrUpdateAndWait(group, balancer, name, body, options))
        return
      } catch (error) {
        if (!isProviderError(error, 'already_exists') || attempt === attempts) throw error
      }
    }
  })
}

export async function checkRule(adapter: Adapter, { group, balancer, rule, poolId }: PoolBinding): Promise<void> {
  const found = await call(() => adapter.clients.network.loadBalancerLoadBalancingRules.get(group, balancer, rule))
  const pools = [found.backendAddressPool, ...(found.backendAddressPools ?? [])].flatMap((pool) => pool?.id?.toLowerCase() ?? [])
  if (pools.includes(poolId.toLowerCase())) return
  throw providerError('invalid', 'InvalidBinding', `The traffic binding is not valid: the rule ${rule} does not lead to the pool.`)
}
