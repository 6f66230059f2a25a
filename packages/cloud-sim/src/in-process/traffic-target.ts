import { providerError } from '@understudy/provider'
import type { SimAdapter } from './adapter.ts'
import { readTargetBinding } from './bindings.ts'
import { memberOf, sharesOf, staying, targetGroups } from './target-groups.ts'
import type { Mechanism } from './traffic.ts'

/** One target group: who is registered and healthy shares its traffic equally. */
export function sharedGroup(adapter: SimAdapter): Mechanism {
  const groups = targetGroups(adapter)
  return {
    async validate(binding) {
      await groups.targets(readTargetBinding(binding).group)
    },
    async state(binding) {
      const targets = await groups.targets(readTargetBinding(binding).group)
      const shares = sharesOf(targets, 100)
      return targets.map((target) => memberOf(target, shares.get(target.instanceId) ?? 0))
    },
    async enrol(binding, ref, context) {
      const { group, port } = readTargetBinding(binding)
      await groups.register(group, ref.nativeId, port, context)
    },
    async setWeights(binding, weights, context) {
      const { group, port } = readTargetBinding(binding)
      const raised = weights.filter(({ weight }) => weight > 0)
      if (new Set(raised.map(({ weight }) => weight)).size > 1) {
        throw providerError('unsupported', 'UnequalMembers', 'Members of one target group share its traffic equally; give them equal weights.')
      }
      const before = staying(await groups.targets(group))
      const missing = raised.filter(({ ref }) => !before.some((target) => target.instanceId === ref.nativeId))
      for (const { ref } of missing) await groups.register(group, ref.nativeId, port, context)
      const leaving = before.filter((target) => !raised.some(({ ref }) => ref.nativeId === target.instanceId))
      if (leaving.length === 0) return
      const waiting = raised.filter(({ ref }) => !before.some((target) => target.instanceId === ref.nativeId && target.health === 'healthy'))
      if (waiting.length > 0) {
        const names = waiting.map(({ ref }) => ref.nativeId).join(', ')
        throw providerError('conflict', 'NotHealthyYet', `Not healthy yet: ${names}. The members that serve stay until it is; ask again then.`)
      }
      await groups.deregister(group, leaving, context)
    },
    async remove(binding, ref, context) {
      const { group } = readTargetBinding(binding)
      const own = staying(await groups.targets(group)).filter((target) => target.instanceId === ref.nativeId)
      await groups.deregister(group, own, context)
    },
  }
}
