import { SimError } from '../../datacentre/sim-error.ts'
import type { Action, Tags } from '../../datacentre/types.ts'
import type { XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { invalidValue } from '../fault.ts'
import type { Params } from '../params.ts'

export const tagList = (tags: Tags): XmlObject[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** `Tags.member.N.Key` and `.Value`. */
export function tagsOf(params: Params): Tags {
  const tags: Tags = {}
  for (const tag of params.list('Tags')) tags[tag.required('Key')] = tag.optional('Value') ?? ''
  return tags
}

/** One page of a list by `Marker` and `PageSize`; the service shows at most 400 at a time. */
export function pageOf<T>(items: readonly T[], params: Params): { readonly items: readonly T[]; readonly NextMarker: string | undefined } {
  const size = params.integer('PageSize') ?? 400
  if (size < 1 || size > 400) throw new SimError('ValidationError', 'PageSize must be between 1 and 400')
  const marker = params.optional('Marker')
  if (marker !== undefined && !/^\d*$/.test(marker)) throw new SimError('ValidationError', 'The marker is not valid')
  const from = Number(marker ?? 0)
  const to = from + size
  return { items: items.slice(from, to), NextMarker: to < items.length ? String(to) : undefined }
}

/** The actions of a listener or a rule. A bare `TargetGroupArn` is the short form of forwarding everything to it. */
export function actionsOf(params: Params, name: string): Action[] {
  return params.list(name).map((action): Action => {
    const type = action.required('Type')
    if (type === 'fixed-response') {
      const fixed = action.child('FixedResponseConfig')
      return compact({
        kind: 'fixed-response' as const,
        statusCode: fixed?.required('StatusCode') ?? '503',
        contentType: fixed?.optional('ContentType'),
        body: fixed?.optional('MessageBody'),
      })
    }
    if (type !== 'forward')
      throw new SimError('InvalidLoadBalancerAction', `The simulated load balancer forwards or answers itself; '${type}' is not simulated`)
    return forwardAction(action)
  })
}

function forwardAction(action: Params): Action {
  const config = action.child('ForwardConfig')
  const groups = config?.list('TargetGroups').map((group) => ({ targetGroupArn: group.required('TargetGroupArn'), weight: weightOf(group) })) ?? []
  const single = action.optional('TargetGroupArn')
  if (groups.length === 0 && single === undefined) throw new SimError('InvalidLoadBalancerAction', 'A forward action must name a target group')
  const stickiness = config?.child('TargetGroupStickinessConfig')
  return compact({
    kind: 'forward' as const,
    targetGroups: groups.length > 0 ? groups : [{ targetGroupArn: single ?? '', weight: 1 }],
    stickiness: stickiness && compact({ enabled: stickiness.boolean('Enabled') ?? false, durationSeconds: stickiness.integer('DurationSeconds') }),
  })
}

function weightOf(group: Params): number {
  const weight = group.integer('Weight') ?? 1
  if (weight < 0 || weight > 999) throw invalidValue(String(weight), 'Weight', 'A weight is a whole number from 0 to 999.')
  return weight
}

/** How the service shows actions: always the full form, and the short one too when there is a single group. */
export function actionViews(actions: readonly Action[]): XmlObject[] {
  return actions.map((action, index) => {
    if (action.kind === 'fixed-response')
      return {
        Type: 'fixed-response',
        Order: index + 1,
        FixedResponseConfig: { StatusCode: action.statusCode, ContentType: action.contentType, MessageBody: action.body },
      }
    const [only, second] = action.targetGroups
    return {
      Type: 'forward',
      Order: index + 1,
      TargetGroupArn: second === undefined ? only?.targetGroupArn : undefined,
      ForwardConfig: {
        TargetGroups: action.targetGroups.map(({ targetGroupArn, weight }) => ({ TargetGroupArn: targetGroupArn, Weight: weight })),
        TargetGroupStickinessConfig: { Enabled: action.stickiness?.enabled ?? false, DurationSeconds: action.stickiness?.durationSeconds },
      },
    }
  })
}
