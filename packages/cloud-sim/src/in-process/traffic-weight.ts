import { providerError, type CallContext, type InstanceRef, type TrafficBinding, type TrafficMember } from '@understudy/provider'
import type { Action, ForwardAction, Target } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { readWeightBinding, type WeightBinding } from './bindings.ts'
import { memberOf, sharesOf, staying, targetGroups } from './target-groups.ts'
import type { Weights } from '@understudy/provider/adapter-kit'
import type { Mechanism } from './traffic.ts'

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

/** How often a change is written again after somebody else's write has undone it. */
const writesMax = 3

/**
 * Two target groups behind one listener or rule. Primary and standby are roles of groups, members are instances in one of
 * them: whoever waits is registered in the group that carries no traffic, and a shift moves the weight between the groups.
 * The last writer of an entry wins, so that writers in this process take turns.
 */
export function weightedGroups(adapter: SimAdapter): Mechanism {
  const inTurn = turns()
  const entryOf = (binding: TrafficBinding): string => readWeightBinding(binding).entry.arn
  return {
    async validate(binding) {
      await look(adapter, readWeightBinding(binding))
    },
    async state(binding) {
      return membersOf(await look(adapter, readWeightBinding(binding)))
    },
    enrol: async (binding, ref, context) => await inTurn(entryOf(binding), () => enrol(adapter, readWeightBinding(binding), ref, context)),
    setWeights: async (binding, weights, context) =>
      await inTurn(entryOf(binding), () => setWeights(adapter, readWeightBinding(binding), weights, context)),
    async remove(binding, ref, context) {
      const { primary, standby } = await look(adapter, readWeightBinding(binding))
      for (const group of [primary, standby]) {
        const own = staying(group.targets).filter((target) => target.instanceId === ref.nativeId)
        await targetGroups(adapter).deregister(group.arn, own, context)
      }
    },
  }
}

/** Runs tasks of one key one after the other. */
function turns(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<void>>()
  return async (key, task) => {
    const mine = (tails.get(key) ?? Promise.resolve()).then(task)
    // The next in line waits for the end of this task, not for its success.
    const tail = mine.then(
      () => undefined,
      () => undefined,
    )
    tails.set(key, tail)
    try {
      return await mine
    } finally {
      if (tails.get(key) === tail) tails.delete(key)
    }
  }
}

async function actionsOf(adapter: SimAdapter, { entry }: WeightBinding): Promise<readonly Action[]> {
  const { balancers } = adapter.dc
  const read = { effect: 'read' } as const
  if (entry.kind === 'rule') {
    const [rule] = await adapter.call('DescribeRules', () => balancers.describeRules({ ruleArns: [entry.arn] }), read)
    return structuredClone(rule?.actions ?? [])
  }
  const [listener] = await adapter.call('DescribeListeners', () => balancers.describeListeners({ listenerArns: [entry.arn] }), read)
  return structuredClone(listener?.defaultActions ?? [])
}

async function look(adapter: SimAdapter, binding: WeightBinding): Promise<View> {
  const actions = await actionsOf(adapter, binding)
  const forward = forwardOf(actions, binding)
  const group = async (arn: string): Promise<Group> => ({
    arn,
    weight: weightsOf(forward).get(arn) ?? 0,
    targets: await targetGroups(adapter).targets(arn),
  })
  return { actions, forward, primary: await group(binding.primaryGroup), standby: await group(binding.standbyGroup) }
}

function forwardOf(actions: readonly Action[], binding: WeightBinding): ForwardAction {
  const forward = actions.find((action) => action.kind === 'forward')
  const groups = forward ? weightsOf(forward) : new Map<string, number>()
  if (forward && (groups.has(binding.primaryGroup) || groups.has(binding.standbyGroup))) return forward
  throw providerError('invalid', 'NotForwarding', `${binding.entry.arn} forwards to neither of the two target groups.`)
}

const weightsOf = (forward: ForwardAction): ReadonlyMap<string, number> =>
  new Map(forward.targetGroups.map((group) => [group.targetGroupArn, group.weight]))

/** Both weights in one call: at no moment are both groups at zero. Other groups of the entry keep theirs. */
async function write(
  adapter: SimAdapter,
  binding: WeightBinding,
  seen: readonly Action[],
  weights: ReadonlyMap<string, number>,
  context: CallContext,
): Promise<void> {
  let actions = seen
  for (let writes = 0; ; writes++) {
    const forward = forwardOf(actions, binding)
    const present = weightsOf(forward)
    if ([...weights].every(([arn, weight]) => present.get(arn) === weight)) return
    if (writes === writesMax) throw providerError('conflict', 'ListenerChanged', `Something else keeps changing the weights of ${binding.entry.arn}.`)
    const merged = [...new Map([...present, ...weights])].map(([targetGroupArn, weight]) => ({ targetGroupArn, weight }))
    const changed = actions.map((action) => (action === forward ? { ...forward, targetGroups: merged } : action))
    await modify(adapter, binding, changed, context)
    actions = await actionsOf(adapter, binding)
  }
}

async function modify(adapter: SimAdapter, { entry }: WeightBinding, actions: readonly Action[], { signal }: CallContext): Promise<void> {
  const { balancers } = adapter.dc
  const facts = { effect: 'repeatable' } as const
  if (entry.kind === 'listener') {
    await adapter.call('ModifyListener', () => balancers.modifyListener({ listenerArn: entry.arn, defaultActions: actions }), facts, signal)
  } else {
    await adapter.call('ModifyRule', () => balancers.modifyRule({ ruleArn: entry.arn, actions }), facts, signal)
  }
}

async function enrol(adapter: SimAdapter, binding: WeightBinding, ref: InstanceRef, context: CallContext): Promise<void> {
  const { actions, primary, standby } = await look(adapter, binding)
  const both = [standby, primary]
  // A group that nobody forwards to has no health checks: the member could not be watched.
  await write(adapter, binding, actions, new Map(both.map((group) => [group.arn, group.weight])), context)
  if (both.some((group) => staying(group.targets).some((target) => target.instanceId === ref.nativeId))) return
  const idle = both.find((group) => group.weight === 0)
  if (!idle) throw providerError('conflict', 'NoIdleGroup', 'Both target groups carry traffic. Finish the shift before a new member joins.')
  await targetGroups(adapter).register(idle.arn, ref.nativeId, binding.port, context)
}

async function setWeights(adapter: SimAdapter, binding: WeightBinding, weights: Weights, context: CallContext): Promise<void> {
  const { actions, primary, standby } = await look(adapter, binding)
  const raised = new Map(weights.filter(({ weight }) => weight > 0).map(({ ref, weight }) => [ref.nativeId, weight]))
  const plans = [primary, standby].map((group) => planFor(group, raised))
  for (const nativeId of raised.keys()) {
    if (!plans.some((plan) => plan.kept.includes(nativeId))) {
      throw providerError('conflict', 'NotEnrolled', `${nativeId} is registered in neither target group. Enrol it before it gets traffic.`)
    }
  }
  // Whoever shares a group with the member to raise, and shall have nothing, leaves before the group gets its weight.
  for (const plan of plans) await targetGroups(adapter).deregister(plan.group.arn, plan.leaving, context)
  await write(adapter, binding, actions, new Map(plans.map((plan) => [plan.group.arn, plan.weight])), context)
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
