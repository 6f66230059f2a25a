import { providerError, type CallContext, type InstanceRef, type TrafficBinding, type TrafficMember } from '@understudy/provider'
import type { Action, ForwardAction, Target } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { readWeightBinding, type WeightBinding } from './bindings.ts'
import { memberOf, sharesOf, staying, targetGroups } from './target-groups.ts'
import type { Mechanism, Weights } from './traffic.ts'

interface Group {
  readonly arn: string
  readonly weight: number
  readonly targets: readonly Target[]
}
interface View {
  readonly actions: readonly Action[]
  readonly forward: ForwardAction
  readonly primary: Group
  readonly standby: Group
}

/**
 * Two target groups behind one listener or rule. Primary and standby are roles of groups, members are instances in one of
 * them: whoever waits is registered in the group that carries no traffic, and a shift moves the weight between the groups.
 */
export function weightedGroups(adapter: SimAdapter): Mechanism {
  const groups = targetGroups(adapter)

  const actionsOf = async ({ entry }: WeightBinding): Promise<readonly Action[]> => {
    const { balancers } = adapter.dc
    const read = { effect: 'read' } as const
    if (entry.kind === 'rule') {
      const [rule] = await adapter.call('DescribeRules', () => balancers.describeRules({ ruleArns: [entry.arn] }), read)
      return structuredClone(rule?.actions ?? [])
    }
    const [listener] = await adapter.call('DescribeListeners', () => balancers.describeListeners({ listenerArns: [entry.arn] }), read)
    return structuredClone(listener?.defaultActions ?? [])
  }

  const look = async (binding: WeightBinding): Promise<View> => {
    const actions = await actionsOf(binding)
    const forward = actions.find((action) => action.kind === 'forward')
    const weightOf = (arn: string): number | undefined => forward?.targetGroups.find((group) => group.targetGroupArn === arn)?.weight
    if (!forward || (weightOf(binding.primaryGroup) === undefined && weightOf(binding.standbyGroup) === undefined)) {
      throw providerError('invalid', 'NotForwarding', `${binding.entry.arn} forwards to neither of the two target groups.`)
    }
    const group = async (arn: string): Promise<Group> => ({ arn, weight: weightOf(arn) ?? 0, targets: await groups.targets(arn) })
    return { actions, forward, primary: await group(binding.primaryGroup), standby: await group(binding.standbyGroup) }
  }

  /** Both weights in one call: at no moment are both groups at zero. Other groups of the entry keep theirs. */
  const write = async (binding: WeightBinding, view: View, weights: ReadonlyMap<string, number>, context: CallContext): Promise<void> => {
    const present = new Map(view.forward.targetGroups.map((group) => [group.targetGroupArn, group.weight]))
    if ([...weights].every(([arn, weight]) => present.get(arn) === weight)) return
    const merged = [...new Map([...present, ...weights])].map(([targetGroupArn, weight]) => ({ targetGroupArn, weight }))
    const actions = view.actions.map((action) => (action === view.forward ? { ...view.forward, targetGroups: merged } : action))
    const { entry } = binding
    const { balancers } = adapter.dc
    const modify = (): unknown =>
      entry.kind === 'listener'
        ? balancers.modifyListener({ listenerArn: entry.arn, defaultActions: actions })
        : balancers.modifyRule({ ruleArn: entry.arn, actions })
    await adapter.call(entry.kind === 'listener' ? 'ModifyListener' : 'ModifyRule', modify, { effect: 'repeatable' }, context.signal)
  }

  const enrol = async (binding: WeightBinding, ref: InstanceRef, context: CallContext): Promise<void> => {
    const view = await look(binding)
    const { primary, standby } = view
    // A group that nobody forwards to has no health checks: the member could not be watched.
    await write(binding, view, new Map([primary, standby].map((group) => [group.arn, group.weight])), context)
    if ([primary, standby].some((group) => staying(group.targets).some((target) => target.instanceId === ref.nativeId))) return
    const idle = [standby, primary].find((group) => group.weight === 0)
    if (!idle) throw providerError('conflict', 'NoIdleGroup', 'Both target groups carry traffic. Finish the shift before a new member joins.')
    await groups.register(idle.arn, ref.nativeId, binding.port, context)
  }

  const setWeights = async (binding: WeightBinding, weights: Weights, context: CallContext): Promise<void> => {
    const view = await look(binding)
    const raised = new Map(weights.filter(({ weight }) => weight > 0).map(({ ref, weight }) => [ref.nativeId, weight]))
    const plans = [view.primary, view.standby].map((group) => planFor(group, raised))
    for (const nativeId of raised.keys()) {
      if (!plans.some((plan) => plan.kept.includes(nativeId))) {
        throw providerError('conflict', 'NotEnrolled', `${nativeId} is registered in neither target group. Enrol it before it gets traffic.`)
      }
    }
    // Whoever shares a group with the member to raise, and shall have nothing, leaves before the group gets its weight.
    for (const plan of plans) await groups.deregister(plan.group.arn, plan.leaving, context)
    await write(binding, view, new Map(plans.map((plan) => [plan.group.arn, plan.weight])), context)
  }

  return {
    async validate(binding) {
      await look(readWeightBinding(binding))
    },
    async state(binding) {
      return membersOf(await look(readWeightBinding(binding)))
    },
    enrol: (binding: TrafficBinding, ref, context) => enrol(readWeightBinding(binding), ref, context),
    setWeights: (binding, weights, context) => setWeights(readWeightBinding(binding), weights, context),
    async remove(binding, ref, context) {
      const { primary, standby } = await look(readWeightBinding(binding))
      for (const group of [primary, standby]) {
        const own = staying(group.targets).filter((target) => target.instanceId === ref.nativeId)
        await groups.deregister(group.arn, own, context)
      }
    },
  }
}

function membersOf({ primary, standby }: View): TrafficMember[] {
  const total = primary.weight + standby.weight
  const primaryPercent = total === 0 ? 0 : Math.round((primary.weight / total) * 100)
  const members = new Map<string, TrafficMember>()
  for (const [group, percent] of [
    [primary, primaryPercent],
    [standby, total === 0 ? 0 : 100 - primaryPercent],
  ] as const) {
    const shares = sharesOf(group.targets, percent)
    for (const target of group.targets) {
      const before = members.get(target.instanceId)
      const share = shares.get(target.instanceId) ?? 0
      // Of an instance in both groups, the health counts where its traffic comes from.
      members.set(target.instanceId, before && share === 0 ? before : memberOf(target, share + (before?.weight ?? 0)))
    }
  }
  return [...members.values()]
}

interface Plan {
  readonly group: Group
  readonly weight: number
  readonly kept: readonly string[]
  readonly leaving: readonly Target[]
}

function planFor(group: Group, raised: ReadonlyMap<string, number>): Plan {
  const present = staying(group.targets)
  const kept = [...new Set(present.map((target) => target.instanceId))].filter((id) => raised.has(id))
  if (kept.length === 0) return { group, weight: 0, kept, leaving: [] }
  if (new Set(kept.map((id) => raised.get(id))).size > 1) {
    throw providerError('unsupported', 'UnequalMembers', 'Members of one target group share its traffic equally; give them equal weights.')
  }
  const leaving = present.filter((target) => !raised.has(target.instanceId))
  const someoneServes = present.some((target) => raised.has(target.instanceId) && target.health === 'healthy')
  if (leaving.length > 0 && group.weight > 0 && !someoneServes) {
    throw providerError('conflict', 'NotHealthyYet', 'The member to raise shares its target group with the one that serves, and is not healthy yet.')
  }
  return { group, weight: kept.reduce((sum, id) => sum + (raised.get(id) ?? 0), 0), kept, leaving }
}
