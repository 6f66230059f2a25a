import { providerError } from '@understudy/provider'
import { isUrgent } from '../adapter.ts'
import type { Adapter } from '../adapter.ts'
import { sharesOf, staying } from './balancer.ts'
import type { Balancer } from './balancer.ts'
import { readLbTarget } from './bindings.ts'
import type { Mechanism } from './mechanism.ts'

/** One target group: who is registered and healthy shares its traffic equally. */
export function lbTarget(adapter: Adapter, balancer: Balancer): Mechanism {
  const enrol: Mechanism['enrol'] = async (binding, ref, context) => {
    const { group, port } = readLbTarget(binding)
    const target = { group, nativeId: ref.nativeId, port }
    await adapter.fresh.patiently([ref.nativeId], () => balancer.register(target, isUrgent(context)).then(() => true), context.signal)
  }
  return {
    enrol,
    async validate(binding) {
      await balancer.targets(readLbTarget(binding).group)
    },
    async state(binding) {
      const targets = await balancer.targets(readLbTarget(binding).group)
      const shares = sharesOf(targets, 100)
      return targets.map(({ nativeId, health }) => ({ nativeId, health, weight: shares.get(nativeId) ?? 0 }))
    },
    async setWeights(binding, weights, context) {
      const { group } = readLbTarget(binding)
      const raised = weights.filter(({ weight }) => weight > 0)
      if (new Set(raised.map(({ weight }) => weight)).size > 1) {
        throw providerError('unsupported', 'UnequalMembers', 'Members of one target group share its traffic equally; give them equal weights.')
      }
      const before = staying(await balancer.targets(group))
      const missing = raised.filter(({ ref }) => !before.some(({ nativeId }) => nativeId === ref.nativeId))
      await Promise.all(missing.map(({ ref }) => enrol(binding, ref, context)))
      const leaving = before.filter(({ nativeId }) => !raised.some(({ ref }) => ref.nativeId === nativeId))
      if (leaving.length === 0) return
      const waiting = raised.filter(({ ref }) => !before.some(({ nativeId, health }) => nativeId === ref.nativeId && health === 'healthy'))
      if (waiting.length > 0) {
        const names = waiting.map(({ ref }) => ref.nativeId).join(', ')
        throw providerError('conflict', 'NotHealthyYet', `Not healthy yet: ${names}. The members that serve stay until it is; ask again then.`)
      }
      await Promise.all(leaving.map(({ nativeId, port }) => balancer.deregister({ group, nativeId, port }, isUrgent(context))))
    },
    async remove(binding, ref, context) {
      const { group } = readLbTarget(binding)
      const own = staying(await balancer.targets(group)).filter(({ nativeId }) => nativeId === ref.nativeId)
      await Promise.all(own.map(({ nativeId, port }) => balancer.deregister({ group, nativeId, port }, isUrgent(context))))
    },
  }
}
