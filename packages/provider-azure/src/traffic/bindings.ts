import { providerError } from '@understudy/provider'
import type { TrafficBinding } from '@understudy/provider'
import { parseArmId } from '../arm-id.ts'

/** A backend pool of a load balancer, and the rule whose probe watches its members. */
export interface PoolBinding {
  readonly poolId: string
  readonly group: string
  readonly balancer: string
  readonly pool: string
  readonly rule: string
}
export interface AddressBinding {
  readonly id: string
  readonly group: string
  readonly name: string
}
/** A profile of Traffic Manager, whose answers are by weight. */
export interface ProfileBinding {
  readonly group: string
  readonly name: string
}

export function readPool({ native }: TrafficBinding): PoolBinding {
  const { backendPoolId, loadBalancingRule } = native
  const [, balancerId = '', pool] = /^(.+)\/backendAddressPools\/([^/]+)$/i.exec(typeof backendPoolId === 'string' ? backendPoolId : '') ?? []
  const balancer = parseArmId(balancerId)
  if (pool === undefined || balancer?.type !== 'microsoft.network/loadbalancers')
    throw invalid('backendPoolId must be the id of a backend pool of a load balancer')
  if (typeof loadBalancingRule !== 'string' || !/^[\w.-]{1,80}$/.test(loadBalancingRule))
    throw invalid('loadBalancingRule must be the name of the rule whose probe watches the pool')
  return { poolId: String(backendPoolId), group: balancer.group, balancer: balancer.name, pool, rule: loadBalancingRule }
}

export function readPublicAddress({ native }: TrafficBinding): AddressBinding {
  const { publicIpAddressId } = native
  const id = parseArmId(typeof publicIpAddressId === 'string' ? publicIpAddressId : '')
  if (id?.type !== 'microsoft.network/publicipaddresses') throw invalid('publicIpAddressId must be the id of a public IP address')
  return { id: String(publicIpAddressId), group: id.group, name: id.name }
}

export function readProfile({ native }: TrafficBinding): ProfileBinding {
  const { trafficManagerProfileId } = native
  const id = parseArmId(typeof trafficManagerProfileId === 'string' ? trafficManagerProfileId : '')
  if (id?.type !== 'microsoft.network/trafficmanagerprofiles') throw invalid('trafficManagerProfileId must be the id of a Traffic Manager profile')
  return { group: id.group, name: id.name }
}

export const invalid = (what: string) => providerError('invalid', 'InvalidBinding', `The traffic binding is not valid: ${what}.`)
