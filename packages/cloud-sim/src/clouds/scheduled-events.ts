import { sha256 } from '@understudy/core'
import type { VmRecord } from '../azure/state.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import type { Instance, ScheduledEvent } from '../datacentre/types.ts'

/**
 * The document at `metadata/scheduledevents` of a machine: what is ahead of it, which is nothing once that was taken back or has happened;
 * undefined for a machine of which nothing was ever planned, since nobody forwards that.
 */
export function scheduledEvents(dataCentre: DataCentre, { instanceId, name, vmId }: VmRecord): object | undefined {
  const instance = instanceId === undefined ? undefined : dataCentre.instances.get(instanceId)
  if (instance?.state !== 'running') return undefined
  const { interruption, scheduledEvents: planned } = instance
  if (interruption === undefined && planned.length === 0) return undefined
  const common = { ResourceType: 'VirtualMachine', Resources: [name], EventStatus: 'Scheduled', EventSource: 'Platform', DurationInSeconds: -1 }
  const eventOf = (id: string, type: string, notBeforeMs: number | undefined, description: string): object => ({
    EventId: asUuid(sha256(`${vmId} ${id}`)),
    EventType: type,
    ...common,
    ...(notBeforeMs === undefined ? { EventStatus: 'Started' } : {}),
    // Whole seconds, never later than it comes; empty once it has begun.
    NotBefore: notBeforeMs === undefined ? '' : new Date(notBeforeMs).toUTCString(),
    Description: description,
  })
  return {
    DocumentIncarnation: incarnationOf(instance),
    Events: [
      ...(interruption === undefined ? [] : [eventOf(String(interruption.noticedAtMs), 'Preempt', interruption.deadlineMs, '')]),
      ...planned
        .filter(({ state }) => state === 'active')
        .map((event) =>
          eventOf(event.instanceEventId, typeOf[event.code], event.startedAtMs === undefined ? event.notBeforeMs : undefined, event.description),
        ),
    ],
  }
}

const typeOf: Readonly<Record<ScheduledEvent['code'], string>> = {
  'instance-reboot': 'Reboot',
  'system-reboot': 'Reboot',
  'system-maintenance': 'Freeze',
  'instance-retirement': 'Redeploy',
  'instance-stop': 'Redeploy',
}

/** Higher whenever the events are others. */
const incarnationOf = ({ interruption, scheduledEvents: planned, generation }: Instance): number =>
  1 +
  2 * generation +
  // Announced, begun, over, and each move.
  planned.reduce(
    (sum, { state, startedAtMs, moves = 0 }) => sum + 1 + moves + (startedAtMs === undefined ? 0 : 1) + (state === 'active' ? 0 : 1),
    0,
  ) +
  (interruption === undefined ? 0 : 1)

const asUuid = (hex: string): string =>
  hex
    .slice(0, 32)
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    .toUpperCase()
