import type { Traits } from '@understudy/provider'
import { hostsText } from '../../placement/hosts.ts'
import type { Resource } from '../../resources/resource.ts'
import type { Shadow } from '../../shadows/shadow.ts'
import type { RecoveryPoint } from '../recovery-point.ts'
import { openStatuses } from './transition.ts'
import type { Transition } from './transition.ts'

export interface TransitionOption {
  readonly action: (typeof actions)[number]
  readonly possible: boolean
  /** How, or why not. */
  readonly how: string
  readonly until?: Date
}

const actions = ['postpone', 'move-to-shadow', 'start-early', 'keep-recovery-point', 'test-rollback', 'cancel'] as const

/** Why nothing can be done about a transition any more. */
export const overText = ({ status, source }: Pick<Transition, 'status' | 'source'>): string =>
  status !== 'cancelled' ? `It is ${status}.` : `It is cancelled: ${source === 'cloud' ? 'the cloud' : 'who announced it'} has taken it back.`

/** Shortest time before its start at which a change can still be put off. */
const postponeMinMs = 5 * 60_000

/** Pure. What can really be done about a transition of this resource now, each "no" with its reason. */
export function optionsOf(
  transition: Transition,
  world: {
    readonly resource: Resource
    readonly shadows: readonly Shadow[]
    readonly traits: Traits
    readonly canSnapshot: boolean
    /** Of the point that is kept for it, where there is one. */
    readonly point: Pick<RecoveryPoint, 'status'> | undefined
    readonly nowMs: number
  },
): readonly TransitionOption[] {
  if (!openStatuses.includes(transition.status)) return actions.map((action) => ({ action, possible: false, how: overText(transition) }))
  return [
    ...[postpone(transition, world), moveAway(world), startEarly(transition)],
    ...[keepPoint(transition, world), testRollback(world), cancel(transition)],
  ]
}

function postpone(transition: Transition, { traits, nowMs }: { readonly traits: Traits; readonly nowMs: number }): TransitionOption {
  const no = (how: string): TransitionOption => ({ action: 'postpone', possible: false, how })
  if (!['announced', 'prepared'].includes(transition.status)) return no(`It is ${transition.status}.`)
  const { postponeUntil: until } = transition
  if (transition.source === 'caller') {
    return { action: 'postpone', possible: true, how: 'It waits in our own queue.', ...(until === undefined ? {} : { until }) }
  }
  if (!traits.postponeMaintenance.supported) return no(traits.postponeMaintenance.reason)
  if (until === undefined) return no('The cloud says no time until which it could be put off.')
  if (transition.startsAt.getTime() - nowMs < postponeMinMs) return no('It starts in less than five minutes.')
  return { action: 'postpone', possible: true, how: 'The cloud moves its start.', until }
}

function moveAway({ resource, shadows }: { readonly resource: Resource; readonly shadows: readonly Shadow[] }): TransitionOption {
  const ready = shadows.find(({ status }) => status === 'ready')
  if (ready !== undefined)
    return {
      ...{ action: 'move-to-shadow', possible: true },
      how: `POST /v1/resources/${resource.id}:failover moves it to ${ready.id}, in ${ready.zone}${hostsText(ready.hosts)}.`,
    }
  const how = resource.tier === undefined ? 'It has no tier, and so no shadow: protect it first.' : 'No shadow of it is ready yet.'
  return { action: 'move-to-shadow', possible: false, how }
}

const startEarly = ({ canExpedite, source }: Transition): TransitionOption => {
  if (source === 'caller')
    return { action: 'start-early', possible: true, how: 'Whoever announced it may start it; this service only prepares for it.' }
  if (!canExpedite) return { action: 'start-early', possible: false, how: 'The cloud does not let its start be moved forward.' }
  return { action: 'start-early', possible: true, how: 'To stop and start the instance has the change done at once, at a time of your choice.' }
}

function keepPoint(
  { status }: Transition,
  { resource, canSnapshot }: { readonly resource: Resource; readonly canSnapshot: boolean },
): TransitionOption {
  const no = (how: string): TransitionOption => ({ action: 'keep-recovery-point', possible: false, how })
  if (!canSnapshot) return no('Disks of this cloud cannot be kept yet.')
  if (resource.status === 'lost') return no('The primary of this resource is gone: there is nothing to keep.')
  if (status === 'started')
    return no('It has started: what is there now may not be the state of before. POST /v1/recovery-points keeps it all the same.')
  const how = 'It is done by itself when the change is near; POST /v1/transitions/{id}:preserve does it now.'
  return { action: 'keep-recovery-point', possible: true, how }
}

function testRollback({ point }: { readonly point: Pick<RecoveryPoint, 'status'> | undefined }): TransitionOption {
  const no = (how: string): TransitionOption => ({ action: 'test-rollback', possible: false, how })
  if (point === undefined) return no('Nothing is kept for it yet.')
  if (point.status !== 'usable') return no(`The recovery point that is kept for it is ${point.status}.`)
  return {
    action: 'test-rollback',
    possible: true,
    how: 'POST /v1/transitions/{id}:testRollback goes back to what is kept for it, on an isolated clone.',
  }
}

const cancel = ({ source }: Transition): TransitionOption =>
  source === 'caller'
    ? { action: 'cancel', possible: true, how: 'POST /v1/transitions/{id}:cancel takes the announcement back.' }
    : { action: 'cancel', possible: false, how: 'Only the cloud can take back what it has announced.' }
