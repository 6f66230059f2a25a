import type { Random } from '@understudy/core'
import type { Choice } from './api.ts'
import type { Action, ForwardAction, Listener, Rule, Target, TimeMs } from './types.ts'

export interface Request {
  readonly path?: string
  readonly host?: string
}

/**
 * Who serves the next request: pure, so that a data plane, a simulation and a test decide alike.
 * `rules` are in the order of their priority. An empty or unhealthy group keeps its share: a load balancer does not send its
 * requests to the other groups.
 */
export function chooseTarget(
  listener: Listener,
  rules: readonly Rule[],
  nowMs: TimeMs,
  targetsOf: (targetGroupArn: string) => readonly Target[],
  random: Random,
  request: Request = {},
): Choice {
  const rule = rules.find((candidate) => matches(candidate, request))
  const entry = rule ?? listener
  const current = rule?.actions ?? listener.defaultActions
  const action = terminalAction(entry.former !== undefined && nowMs < entry.former.untilMs ? entry.former.actions : current)
  if (!action) return { kind: 'none' }
  if (action.kind === 'fixed-response') return { kind: 'fixed-response', action }
  const targetGroupArn = chooseGroup(action, random)
  const target = targetGroupArn === undefined ? undefined : chooseMember(targetsOf(targetGroupArn), random)
  return target ? { kind: 'target', target } : { kind: 'none' }
}

/** Of the actions of a rule the last one answers. */
export const terminalAction = (actions: readonly Action[]): Action | undefined => actions.at(-1)

function chooseGroup(action: ForwardAction, random: Random): string | undefined {
  const total = action.targetGroups.reduce((sum, group) => sum + group.weight, 0)
  if (total <= 0) return undefined
  let left = random.int(0, total - 1)
  for (const group of action.targetGroups) {
    left -= group.weight
    if (left < 0) return group.targetGroupArn
  }
  return undefined
}

/** A healthy one; when there is none, any that failed its checks: rather a try than a refusal. */
function chooseMember(targets: readonly Target[], random: Random): Target | undefined {
  const healthy = targets.filter((target) => target.health === 'healthy')
  const candidates = healthy.length > 0 ? healthy : targets.filter((target) => target.health === 'unhealthy')
  return candidates.length === 0 ? undefined : candidates[random.int(0, candidates.length - 1)]
}

function matches(rule: Rule, request: Request): boolean {
  return rule.conditions.every((condition) => {
    const actual = condition.field === 'path-pattern' ? request.path : request.host?.toLowerCase()
    return (
      actual !== undefined &&
      condition.values.some((pattern) => globMatches(condition.field === 'path-pattern' ? pattern : pattern.toLowerCase(), actual))
    )
  })
}

function globMatches(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(value)
}
