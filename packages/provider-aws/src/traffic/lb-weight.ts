import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2'
import { providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, MemberHealth, TrafficBinding, TrafficMember } from '@understudy/provider'
import { serialiser } from '@understudy/provider/adapter-kit'
import type { Weights } from '@understudy/provider/adapter-kit'
import { isUrgent } from '../adapter.ts'
import type { Adapter } from '../adapter.ts'
import { sharesOf, staying } from './balancer.ts'
import type { Balancer, RegisteredTarget } from './balancer.ts'
import { readLbWeight } from './bindings.ts'
import type { LbWeightBinding } from './bindings.ts'
import type { Mechanism } from './mechanism.ts'

/** How often a change is written again after somebody else's write has undone it. */
const maxWrites = 3

/**
 * Weights between two target groups of one listener or rule. The API takes the whole list of actions and the last writer wins,
 * so that everything is read, changed, written and read back, and writers in this process take turns.
 */
export function lbWeight(adapter: Adapter, balancer: Balancer): Mechanism {
  const inTurn = serialiser()
  return {
    async validate(binding) {
      const read = readLbWeight(binding)
      await Promise.all([balancer.targets(read.primaryGroup), balancer.targets(read.standbyGroup)])
      forwardOf(await actionsOf(balancer, read), read)
    },
    async state(binding) {
      const view = await look(balancer, readLbWeight(binding))
      return membersOf(view)
    },
    health: (binding, nativeId) => healthOf(balancer, readLbWeight(binding), nativeId),
    enrol: (binding, ref, context) => inTurn(entryOf(binding), () => enrol(adapter, balancer, readLbWeight(binding), ref, context)),
    setWeights: (binding, weights, context) => inTurn(entryOf(binding), () => setWeights(adapter, balancer, readLbWeight(binding), weights, context)),
    async remove(binding, ref, context) {
      const { primary, standby } = await look(balancer, readLbWeight(binding))
      await Promise.all([primary, standby].map((group) => deregister(balancer, group, [ref.nativeId], context)))
    },
  }
}

const entryOf = (binding: TrafficBinding): string => readLbWeight(binding).entry.arn

interface Group {
  readonly arn: string
  readonly weight: number
  readonly targets: readonly RegisteredTarget[]
}
interface View {
  readonly actions: readonly Action[]
  readonly primary: Group
  readonly standby: Group
}

async function look(balancer: Balancer, binding: LbWeightBinding): Promise<View> {
  const [actions, primaryTargets, standbyTargets] = await Promise.all([
    actionsOf(balancer, binding),
    balancer.targets(binding.primaryGroup),
    balancer.targets(binding.standbyGroup),
  ])
  return viewOf(binding, actions, primaryTargets, standbyTargets)
}

/**
 * What has to be known before `raised` get all the traffic. The weights are read anew, because they are written back whole; who the
 * members are, the caller has often just looked. Where all of them wait, healthy, in the standby's group, the other one goes to 0
 * whoever is in it, and is not read.
 */
async function lookBeforeRaising(balancer: Balancer, binding: LbWeightBinding, raised: ReadonlySet<string>): Promise<View> {
  const [actions, standbyTargets] = await Promise.all([actionsOf(balancer, binding), balancer.recentTargets(binding.standbyGroup)])
  const waiting = new Set(standbyTargets.filter(({ health }) => health === 'healthy').map(({ nativeId }) => nativeId))
  const isWaitingThere = raised.size > 0 && [...raised].every((nativeId) => waiting.has(nativeId))
  return viewOf(binding, actions, isWaitingThere ? [] : await balancer.recentTargets(binding.primaryGroup), standbyTargets)
}

function viewOf(
  binding: LbWeightBinding,
  actions: readonly Action[],
  primaryTargets: readonly RegisteredTarget[],
  standbyTargets: readonly RegisteredTarget[],
): View {
  const weights = weightsOf(forwardOf(actions, binding))
  return {
    actions,
    primary: { arn: binding.primaryGroup, weight: weights.get(binding.primaryGroup) ?? 0, targets: primaryTargets },
    standby: { arn: binding.standbyGroup, weight: weights.get(binding.standbyGroup) ?? 0, targets: standbyTargets },
  }
}

/** Most often whoever is asked for waits in the standby's group, and the other one need not be read. */
async function healthOf(balancer: Balancer, binding: LbWeightBinding, nativeId: string): Promise<MemberHealth | undefined> {
  const of = (targets: readonly RegisteredTarget[]) => targets.find((target) => target.nativeId === nativeId)?.health
  const standby = of(await balancer.targets(binding.standbyGroup))
  if (standby !== undefined && standby !== 'draining') return standby
  return of(await balancer.targets(binding.primaryGroup)) ?? standby
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
    for (const { nativeId, health } of group.targets) {
      const before = members.get(nativeId)
      const weight = (shares.get(nativeId) ?? 0) + (before?.weight ?? 0)
      // Of an instance in both groups, the health counts where its traffic comes from.
      members.set(nativeId, { nativeId, weight, health: before !== undefined && (shares.get(nativeId) ?? 0) === 0 ? before.health : health })
    }
  }
  return [...members.values()]
}

async function enrol(adapter: Adapter, balancer: Balancer, binding: LbWeightBinding, ref: InstanceRef, context: CallContext): Promise<void> {
  const view = await look(balancer, binding)
  const { primary, standby } = view
  // A group that no listener forwards to has no health checks: the standby could not be watched.
  if (!isListed(view, primary) || !isListed(view, standby))
    await write(
      adapter,
      balancer,
      binding,
      new Map([
        [primary.arn, primary.weight],
        [standby.arn, standby.weight],
      ]),
      view.actions,
      context,
    )
  if ([primary, standby].some(({ targets }) => staying(targets).some(({ nativeId }) => nativeId === ref.nativeId))) return
  const idle = [standby, primary].find(({ weight }) => weight === 0)
  if (idle === undefined)
    throw providerError(
      'conflict',
      'NoIdleGroup',
      'Both target groups carry traffic, so that a new member could not wait in one. Finish the shift first.',
    )
  const target = { group: idle.arn, nativeId: ref.nativeId, port: binding.port }
  await adapter.fresh.patiently([ref.nativeId], () => balancer.register(target, isUrgent(context)).then(() => true), context.signal)
}

const isListed = ({ actions }: View, { arn }: Group): boolean => actions.some((action) => weightsOf(action).has(arn))

async function setWeights(adapter: Adapter, balancer: Balancer, binding: LbWeightBinding, weights: Weights, context: CallContext): Promise<void> {
  const raised = new Map(weights.filter(({ weight }) => weight > 0).map(({ ref, weight }) => [ref.nativeId, weight]))
  const { actions, primary, standby } = await lookBeforeRaising(balancer, binding, new Set(raised.keys()))
  const plan = [primary, standby].map((group) => planFor(group, raised))
  for (const nativeId of raised.keys()) {
    if (!plan.some(({ kept }) => kept.includes(nativeId))) {
      throw providerError('conflict', 'NotEnrolled', `${nativeId} is registered in neither target group. Enrol it before it gets traffic.`)
    }
  }
  // A member that shall have nothing would share what its group is about to get.
  await Promise.all(plan.map(({ group, leaving }) => deregister(balancer, group, leaving, context)))
  await write(adapter, balancer, binding, new Map(plan.map(({ group, weight }) => [group.arn, weight])), actions, context)
}

interface GroupPlan {
  readonly group: Group
  readonly weight: number
  readonly kept: readonly string[]
  readonly leaving: readonly string[]
}

function planFor(group: Group, raised: ReadonlyMap<string, number>): GroupPlan {
  const present = staying(group.targets)
  const kept = [...new Set(present.map(({ nativeId }) => nativeId))].filter((nativeId) => raised.has(nativeId))
  if (kept.length === 0) return { group, weight: 0, kept, leaving: [] }
  const shares = new Set(kept.map((nativeId) => raised.get(nativeId)))
  if (shares.size > 1)
    throw providerError('unsupported', 'UnequalMembers', 'Members of one target group share its traffic equally; give them equal weights.')
  const leaving = present.map(({ nativeId }) => nativeId).filter((nativeId) => !raised.has(nativeId))
  const someoneServes = present.some(({ nativeId, health }) => raised.has(nativeId) && health === 'healthy')
  if (leaving.length > 0 && group.weight > 0 && !someoneServes) {
    throw providerError('conflict', 'NotHealthyYet', 'The member to raise shares its target group with the one that serves, and is not healthy yet.')
  }
  return { group, weight: Math.round(kept.reduce((sum, nativeId) => sum + (raised.get(nativeId) ?? 0), 0)), kept, leaving }
}

async function deregister(balancer: Balancer, group: Group, nativeIds: readonly string[], context: CallContext): Promise<void> {
  const targets = staying(group.targets).filter(({ nativeId }) => nativeIds.includes(nativeId))
  await Promise.all(targets.map(({ nativeId, port }) => balancer.deregister({ group: group.arn, nativeId, port }, isUrgent(context))))
}

/** Writes both weights in one call, so that at no moment both groups are at zero; other groups of the listener keep theirs. */
async function write(
  adapter: Adapter,
  balancer: Balancer,
  binding: LbWeightBinding,
  weights: ReadonlyMap<string, number>,
  seen: readonly Action[],
  context: CallContext,
): Promise<void> {
  let actions = seen
  for (let writes = 0; ; writes++) {
    const present = weightsOf(forwardOf(actions, binding))
    if ([...weights].every(([group, weight]) => present.get(group) === weight)) return
    if (writes === maxWrites) break
    await modify(adapter, binding, withWeights(actions, binding, weights), context)
    actions = await actionsOf(balancer, binding)
  }
  throw providerError('conflict', 'ListenerChanged', `Something else keeps changing the weights of ${binding.entry.arn}.`)
}

async function modify({ calls }: Adapter, { entry }: LbWeightBinding, actions: Action[], { signal }: CallContext): Promise<void> {
  if (entry.kind === 'listener') await calls.modifyListener({ ListenerArn: entry.arn, DefaultActions: actions }, signal)
  else await calls.modifyRule({ RuleArn: entry.arn, Actions: actions }, signal)
}

async function actionsOf(balancer: Balancer, { entry }: LbWeightBinding): Promise<readonly Action[]> {
  const actions = await balancer.actions(entry)
  if (actions === undefined) throw providerError('not_found', 'ListenerNotFound', `There is no ${entry.kind} ${entry.arn}.`)
  return actions
}

function forwardOf(actions: readonly Action[], { entry, primaryGroup, standbyGroup }: LbWeightBinding): Action {
  const forward = actions.find((action) => action.Type === 'forward')
  const groups = forward === undefined ? new Map<string, number>() : weightsOf(forward)
  if (forward === undefined || !(groups.has(primaryGroup) || groups.has(standbyGroup))) {
    throw providerError('invalid', 'NotForwarding', `${entry.arn} forwards to neither of the two target groups.`)
  }
  return forward
}

/** A forward action to a single group may name it in the short form, and without a weight: then it gets everything. */
function weightsOf(action: Action): ReadonlyMap<string, number> {
  const groups = action.ForwardConfig?.TargetGroups ?? []
  if (groups.length === 0) return new Map(action.TargetGroupArn === undefined ? [] : [[action.TargetGroupArn, 1]])
  return new Map(groups.flatMap(({ TargetGroupArn, Weight }) => (TargetGroupArn === undefined ? [] : [[TargetGroupArn, Weight ?? 1]])))
}

function withWeights(actions: readonly Action[], binding: LbWeightBinding, weights: ReadonlyMap<string, number>): Action[] {
  const forward = forwardOf(actions, binding)
  return actions.map((action): Action => {
    // A secret is never read back; this asks to keep the one that is stored.
    if (action.AuthenticateOidcConfig !== undefined)
      return { ...action, AuthenticateOidcConfig: { ...action.AuthenticateOidcConfig, UseExistingClientSecret: true } }
    if (action !== forward) return action
    // The short form beside the long one is refused unless both say the same.
    const { TargetGroupArn: _shortForm, ForwardConfig: config, ...rest } = action
    const merged = new Map([...weightsOf(action), ...weights])
    return {
      ...rest,
      ForwardConfig: {
        ...(config?.TargetGroupStickinessConfig === undefined ? {} : { TargetGroupStickinessConfig: config.TargetGroupStickinessConfig }),
        TargetGroups: [...merged].map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })),
      },
    }
  })
}
