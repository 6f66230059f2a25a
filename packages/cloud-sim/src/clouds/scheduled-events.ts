import { sha256 } from '@understudy/core'
import type { VmRecord } from '../azure/state.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'

/** The document at `metadata/scheduledevents` of a machine that is about to be evicted; undefined for one that is not. */
export function scheduledEvents(dataCentre: DataCentre, { instanceId, name, vmId }: VmRecord): object | undefined {
  const instance = instanceId === undefined ? undefined : dataCentre.instances.get(instanceId)
  const interruption = instance?.state === 'running' ? instance.interruption : undefined
  if (interruption === undefined) return undefined
  return {
    DocumentIncarnation: 1,
    Events: [
      {
        EventId: asUuid(sha256(`${vmId} ${interruption.noticedAtMs}`)),
        EventType: 'Preempt',
        ResourceType: 'VirtualMachine',
        Resources: [name],
        EventStatus: 'Scheduled',
        // Whole seconds, never later than it comes.
        NotBefore: new Date(interruption.deadlineMs).toUTCString(),
        Description: '',
        EventSource: 'Platform',
        DurationInSeconds: -1,
      },
    ],
  }
}

const asUuid = (hex: string): string =>
  hex
    .slice(0, 32)
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    .toUpperCase()
