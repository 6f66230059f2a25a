import type { CallContext, MemberHealth, TrafficMember } from '@understudy/provider'
import type { Target, TargetHealth } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'

/** What the two load balancer mechanisms do with target groups. */
export const targetGroups = (adapter: SimAdapter) => ({
  async targets(group: string): Promise<readonly Target[]> {
    // A copy: the caller compares it with what it does next.
    const read = () => adapter.dc.balancers.targetHealth(group).map((target) => ({ ...target }))
    return await adapter.call('DescribeTargetHealth', read, { effect: 'read' })
  },
  async register(group: string, instanceId: string, port: number, context: CallContext): Promise<void> {
    const register = () => adapter.dc.balancers.registerTargets(group, [{ instanceId, port }])
    const attempt = () => adapter.call('RegisterTargets', register, { effect: 'repeatable' }, context.signal).then(() => true)
    await adapter.patiently([instanceId], attempt, context.signal)
  },
  async deregister(group: string, targets: readonly Target[], context: CallContext): Promise<void> {
    if (targets.length === 0) return
    const ids = targets.map(({ instanceId, port }) => ({ instanceId, port }))
    await adapter.call('DeregisterTargets', () => adapter.dc.balancers.deregisterTargets(group, ids), { effect: 'repeatable' }, context.signal)
  },
})

/** Members that new requests may reach; a draining one only finishes what it has. */
export const staying = (targets: readonly Target[]): readonly Target[] => targets.filter((target) => target.health !== 'draining')

/** How a group's share falls on its members: on the healthy ones, and on all of them when none is, in whole percents that add up. */
export function sharesOf(targets: readonly Target[], percent: number): ReadonlyMap<string, number> {
  const present = staying(targets)
  const healthy = present.filter((target) => target.health === 'healthy')
  const serving = [...new Set((healthy.length > 0 ? healthy : present).map((target) => target.instanceId))].toSorted()
  const each = serving.length === 0 ? 0 : Math.floor(percent / serving.length)
  return new Map(serving.map((id, index) => [id, each + (index < percent - each * serving.length ? 1 : 0)]))
}

export const memberOf = (target: Target, weight: number): TrafficMember => ({ nativeId: target.instanceId, weight, health: healthOf(target.health) })

const healthOf = (health: TargetHealth): MemberHealth => (health === 'unavailable' ? 'unknown' : health)
