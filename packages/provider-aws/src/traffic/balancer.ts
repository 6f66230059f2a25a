import type { Action, TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Clock } from '@understudy/core'
import type { MemberHealth } from '@understudy/provider'
import type { Adapter } from '../adapter.ts'
import { batchWindowMs, coalesce } from '../coalesce.ts'
import { isBadMember } from '../errors.ts'
import type { LbWeightBinding } from './bindings.ts'

/** A member of a target group; the same instance may be registered under several ports. */
export interface RegisteredTarget {
  readonly nativeId: string
  readonly port: number | undefined
  readonly health: MemberHealth
}
type Urgency = { readonly urgent: boolean }
interface TargetOfGroup {
  readonly group: string
  readonly nativeId: string
  readonly port: number | undefined
}

/** Calls to Elastic Load Balancing that several callers share. */
export interface Balancer {
  targets(group: string): Promise<readonly RegisteredTarget[]>
  /**
   * The same, but may be answered with what `targets` has answered a moment ago, when nothing was changed through this balancer since. For
   * who looks twice in a row at what anybody else could change in between anyway.
   */
  recentTargets(group: string): Promise<readonly RegisteredTarget[]>
  register(target: TargetOfGroup, urgency: Urgency): Promise<void>
  deregister(target: TargetOfGroup, urgency: Urgency): Promise<void>
  /** Actions of the listener (its default ones) or rule; `undefined` when it does not exist. */
  actions(entry: LbWeightBinding['entry']): Promise<readonly Action[] | undefined>
}

/** The API takes more in one call; no limit is documented for ARNs of listeners, and 20 is the smallest of its siblings. */
const maxArnsPerCall = 20
const maxTargetsPerCall = 100
const recentForMs = 3_000

export function balancer({ calls, clock }: Adapter): Balancer {
  const recent = recentAnswers(clock)
  const common = { clock, windowMs: batchWindowMs, isolates: isBadMember }
  const targets = coalesce<string, readonly RegisteredTarget[]>({
    ...common,
    maxItems: 1_000,
    keyOf: (group) => group,
    async run(groups) {
      const [group = ''] = groups
      const { TargetHealthDescriptions: descriptions = [] } = await calls.describeTargetHealth({ TargetGroupArn: group })
      const found = descriptions.flatMap(targetOf)
      recent.note(group, found)
      return groups.map(() => found)
    },
  })
  const changeTargets = (send: (group: string, targets: { Id: string; Port?: number }[]) => Promise<unknown>) =>
    coalesce<TargetOfGroup, void>({
      ...common,
      maxItems: maxTargetsPerCall,
      keyOf: ({ group }) => group,
      async run(changes) {
        const unique = new Map(
          changes.map(({ nativeId, port }) => [`${nativeId}:${port}`, { Id: nativeId, ...(port === undefined ? {} : { Port: port }) }]),
        )
        const group = changes[0]?.group ?? ''
        recent.forget(group)
        try {
          await send(group, [...unique.values()])
        } finally {
          // What was read meanwhile may be from before the change.
          recent.forget(group)
        }
        return changes.map(() => undefined)
      },
    })
  const listeners = coalesce<string, readonly Action[] | undefined>({
    ...common,
    maxItems: maxArnsPerCall,
    async run(arns) {
      const { Listeners: found = [] } = await calls.describeListeners({ ListenerArns: [...new Set(arns)] })
      return arns.map((arn) => found.find(({ ListenerArn }) => ListenerArn === arn)?.DefaultActions)
    },
  })
  const rules = coalesce<string, readonly Action[] | undefined>({
    ...common,
    maxItems: maxArnsPerCall,
    async run(arns) {
      const { Rules: found = [] } = await calls.describeRules({ RuleArns: [...new Set(arns)] })
      return arns.map((arn) => found.find(({ RuleArn }) => RuleArn === arn)?.Actions)
    },
  })
  return {
    targets: (group) => targets(group, { urgent: true }),
    recentTargets: async (group) => recent.of(group) ?? (await targets(group, { urgent: true })),
    register: changeTargets((TargetGroupArn, Targets) => calls.registerTargets({ TargetGroupArn, Targets })),
    deregister: changeTargets((TargetGroupArn, Targets) => calls.deregisterTargets({ TargetGroupArn, Targets })),
    actions: ({ kind, arn }) => (kind === 'listener' ? listeners : rules)(arn, { urgent: true }),
  }
}

/** What was read of each group in the last seconds. */
function recentAnswers(clock: Clock) {
  const answers = new Map<string, { readonly atMs: number; readonly targets: readonly RegisteredTarget[] }>()
  const isOver = (atMs: number): boolean => clock.nowMs() - atMs >= recentForMs
  return {
    note(group: string, targets: readonly RegisteredTarget[]): void {
      // In the order of their age, so that the old ones are found at the front.
      answers.delete(group)
      answers.set(group, { atMs: clock.nowMs(), targets })
      for (const [old, { atMs }] of answers) {
        if (!isOver(atMs)) break
        answers.delete(old)
      }
    },
    forget: (group: string): void => void answers.delete(group),
    of(group: string): readonly RegisteredTarget[] | undefined {
      const found = answers.get(group)
      return found && !isOver(found.atMs) ? found.targets : undefined
    },
  }
}

function targetOf({ Target: target, TargetHealth: health }: TargetHealthDescription): RegisteredTarget[] {
  if (target?.Id === undefined) return []
  return [{ nativeId: target.Id, port: target.Port, health: healthOf(health?.State) }]
}

function healthOf(state: string | undefined): MemberHealth {
  switch (state) {
    case 'healthy':
    case 'unhealthy':
    case 'initial':
    case 'draining':
    case 'unused':
      return state
    case 'unhealthy.draining':
      return 'draining'
    default:
      return 'unknown'
  }
}

/** Members that new requests may reach; a draining one only finishes what it has. */
export const staying = (targets: readonly RegisteredTarget[]): readonly RegisteredTarget[] => targets.filter(({ health }) => health !== 'draining')

/**
 * How a group's share falls on its members, in whole percents that add up: on the healthy ones, and on all of them when none is
 * (a load balancer fails open).
 */
export function sharesOf(targets: readonly RegisteredTarget[], percent: number): ReadonlyMap<string, number> {
  const present = staying(targets)
  const healthy = present.filter(({ health }) => health === 'healthy')
  const serving = [...new Set((healthy.length > 0 ? healthy : present).map(({ nativeId }) => nativeId))].toSorted()
  const each = serving.length === 0 ? 0 : Math.floor(percent / serving.length)
  return new Map(serving.map((nativeId, index) => [nativeId, each + (index < percent - each * serving.length ? 1 : 0)]))
}
