import type { InstanceStatus, MaintenanceApi } from './api.ts'
import { healthEvent } from './events.ts'
import { instanceSelection } from './instance-query.ts'
import type { Lifecycle } from './lifecycle.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Instance, Page, Query, ScheduledEvent } from './types.ts'
import type { World } from './world.ts'

const minuteMs = 60_000
/** How long EC2 still shows what is over. */
const shownAfterMs = 7 * 86_400_000

/** Changes the platform plans for instances, and the health it reports of them. */
export class Maintenance implements MaintenanceApi {
  readonly #world: World
  readonly #lifecycle: Lifecycle

  constructor(world: World, lifecycle: Lifecycle) {
    this.#world = world
    this.#lifecycle = lifecycle
    world.timers.on('event.begins', (timer) => this.#beginWhenDue(timer.subject, String(timer.detail?.['eventId']), timer.dueMs))
    world.timers.on('event.ends', (timer) => this.#endWhenDue(timer.subject, String(timer.detail?.['eventId'])))
  }

  schedule(instanceId: string, planned: Parameters<MaintenanceApi['schedule']>[1]): ScheduledEvent {
    const instance = this.#need(instanceId)
    const event: ScheduledEvent = {
      instanceEventId: `instance-event-${this.#world.hex(17)}`,
      code: planned.code,
      description: planned.description ?? descriptions[planned.code],
      notBeforeMs: planned.notBeforeMs,
      state: 'active',
    }
    if (planned.notAfterMs !== undefined) event.notAfterMs = planned.notAfterMs
    if (planned.notBeforeDeadlineMs !== undefined) event.notBeforeDeadlineMs = planned.notBeforeDeadlineMs
    if (planned.lastsMs !== undefined) event.lastsMs = planned.lastsMs
    instance.scheduledEvents.push(event)
    this.#arm(instance, event)
    this.#world.publish(healthEvent(this.#world, instance, event))
    return event
  }

  postpone(instanceId: string, instanceEventId: string, notBeforeMs: number): ScheduledEvent {
    const instance = this.#need(instanceId)
    const event = this.#needEvent(instance, instanceEventId)
    const nowMs = this.#world.now()
    if (event.notBeforeDeadlineMs === undefined) {
      throw new SimError('UnsupportedOperation', `The event '${instanceEventId}' cannot be rescheduled: it has no deadline for its start time.`)
    }
    if (event.notBeforeMs - nowMs < 5 * minuteMs) throw invalidStart('The event starts in less than 5 minutes.')
    if (notBeforeMs > event.notBeforeDeadlineMs) throw invalidStart('The new start time is after the deadline of the event.')
    if (notBeforeMs - nowMs < 60 * minuteMs) throw invalidStart('The new start time must be at least 60 minutes from now.')
    event.notBeforeMs = notBeforeMs
    this.#arm(instance, event)
    return event
  }

  move(instanceId: string, instanceEventId: string, notBeforeMs: number): ScheduledEvent {
    const instance = this.#need(instanceId)
    const event = this.#needEvent(instance, instanceEventId)
    event.notBeforeMs = notBeforeMs
    event.moves = (event.moves ?? 0) + 1
    this.#arm(instance, event)
    this.#world.publish(healthEvent(this.#world, instance, event))
    return event
  }

  start(instanceId: string, instanceEventId: string): void {
    const instance = this.#need(instanceId)
    this.#begin(instance, this.#needEvent(instance, instanceEventId))
  }

  finish(instanceId: string, instanceEventId: string): void {
    const instance = this.#need(instanceId)
    const event = instance.scheduledEvents.find((candidate) => candidate.instanceEventId === instanceEventId && isUnderWay(candidate))
    if (event === undefined) throw unknownEvent(instance, instanceEventId)
    this.#end(instance, event, 'completed')
  }

  cancel(instanceId: string, instanceEventId: string): void {
    const instance = this.#need(instanceId)
    const event = this.#needEvent(instance, instanceEventId)
    this.#end(instance, event, 'canceled')
  }

  describeStatus(query: Query & { readonly includeAll?: boolean } = {}): Page<InstanceStatus> {
    const { includeAll, ...rest } = query
    const instances = instanceSelection(this.#world, (instance) => instance.state)
    const page = select(rest, {
      ...instances,
      isVisible: (instance) =>
        this.#world.isVisible(instance) && (includeAll === true || (query.ids?.length ?? 0) > 0 || instance.state === 'running'),
      field: (instance, name) => statusField(instance, name) ?? instances.field(instance, name),
    })
    const items = page.items.filter((instance) => includeAll || instance.state === 'running').map((instance) => this.#status(instance))
    return page.nextToken === undefined ? { items } : { items, nextToken: page.nextToken }
  }

  #status(instance: Instance): InstanceStatus {
    const running = instance.state === 'running'
    const zoneFailed = this.#world.conditions.failedZones.has(instance.zone)
    const everAnswered = instance.answering || this.#world.now() - instance.stateChangedAtMs > 10 * minuteMs
    return {
      instance,
      systemStatus: !running ? 'not-applicable' : zoneFailed ? 'impaired' : 'ok',
      instanceStatus: !running ? 'not-applicable' : instance.answering ? 'ok' : everAnswered || zoneFailed ? 'impaired' : 'initializing',
      events: instance.scheduledEvents.filter(({ endedAtMs }) => endedAtMs === undefined || this.#world.now() - endedAtMs < shownAfterMs),
    }
  }

  /** Health tells of it with the name of the announcement, which is then closed. */
  #end(instance: Instance, event: ScheduledEvent, state: 'completed' | 'canceled'): void {
    event.state = state
    event.endedAtMs = this.#world.now()
    this.#world.publish(healthEvent(this.#world, instance, event))
  }

  #arm(instance: Instance, event: ScheduledEvent): void {
    this.#world.timers.after(event.notBeforeMs - this.#world.now(), 'event.begins', instance.instanceId, 0, { eventId: event.instanceEventId })
  }

  #beginWhenDue(instanceId: string, eventId: string, dueMs: number): void {
    const instance = this.#world.state.instances.get(instanceId)
    const event = instance?.scheduledEvents.find((candidate) => candidate.instanceEventId === eventId)
    if (!instance || event?.state !== 'active' || event.startedAtMs !== undefined || event.notBeforeMs > dueMs) return
    this.#begin(instance, event)
  }

  #endWhenDue(instanceId: string, eventId: string): void {
    const instance = this.#world.state.instances.get(instanceId)
    const event = instance?.scheduledEvents.find((candidate) => candidate.instanceEventId === eventId)
    if (instance !== undefined && event?.state === 'active') this.#end(instance, event, 'completed')
  }

  #begin(instance: Instance, event: ScheduledEvent): void {
    event.startedAtMs = this.#world.now()
    if (event.lastsMs === undefined) this.#end(instance, event, 'completed')
    else {
      this.#world.timers.after(event.lastsMs, 'event.ends', instance.instanceId, 0, { eventId: event.instanceEventId })
      this.#world.publish(healthEvent(this.#world, instance, event))
    }
    if (instance.state !== 'running') return
    if (event.code === 'instance-stop' || event.code === 'instance-retirement') {
      this.#lifecycle.beginStop(
        instance,
        { code: 'Server.ScheduledStop', message: 'Server.ScheduledStop: Stopped due to a scheduled retirement' },
        false,
      )
    } else {
      this.#lifecycle.rebootNow(instance)
    }
  }

  #need(instanceId: string): Instance {
    const instance = this.#world.state.instances.get(instanceId)
    if (!instance) throw new SimError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`)
    return instance
  }

  #needEvent(instance: Instance, instanceEventId: string): ScheduledEvent {
    const event = instance.scheduledEvents.find(
      (candidate) => candidate.instanceEventId === instanceEventId && candidate.state === 'active' && candidate.startedAtMs === undefined,
    )
    if (!event) throw unknownEvent(instance, instanceEventId)
    return event
  }
}

export const isUnderWay = ({ state, startedAtMs }: ScheduledEvent): boolean => state === 'active' && startedAtMs !== undefined

const unknownEvent = ({ instanceId }: Instance, instanceEventId: string): SimError =>
  new SimError('InvalidInstanceEventIDNotFound', `The event '${instanceEventId}' does not exist for instance '${instanceId}'.`)

const descriptions: Record<ScheduledEvent['code'], string> = {
  'instance-reboot': 'The instance is scheduled for a reboot',
  'system-reboot': 'The host of the instance is scheduled for a reboot',
  'system-maintenance': 'The host of the instance is scheduled for maintenance',
  'instance-retirement': 'The instance is running on degraded hardware',
  'instance-stop': 'The instance is running on degraded hardware',
}

const invalidStart = (message: string): SimError => new SimError('InvalidInstanceEventStartTime', message)

function statusField(instance: Instance, name: string): readonly string[] | undefined {
  const active = instance.scheduledEvents.filter((event) => event.state === 'active')
  switch (name) {
    case 'event.code':
      return active.map((event) => event.code)
    case 'event.instance-event-id':
      return active.map((event) => event.instanceEventId)
    case 'event.description':
      return active.map((event) => event.description)
    default:
      return undefined
  }
}
