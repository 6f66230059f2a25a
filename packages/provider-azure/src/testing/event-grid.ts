import { scheduledEvents } from '@understudy/cloud-sim'
import type { AzureServer } from '@understudy/cloud-sim'

const emitted = 'Microsoft.ResourceNotifications.MaintenanceResources.ScheduledEventEmitted'

/** What Event Grid has told of machines that are enabled for it: what their guests read, one event each. */
export class EventGrid {
  readonly #server: AzureServer
  readonly #told: { readonly nativeId: string; readonly document: object }[] = []

  constructor(server: AzureServer) {
    this.#server = server
  }

  /** Tells what is ahead of the machine now. */
  emit(nativeId: string): void {
    const { state, dataCentre, clock } = this.#server
    const machine = state.vms.get(nativeId.toLowerCase())
    if (machine === undefined) throw new Error(`there is no machine ${nativeId}`)
    const { Events = [] } = (scheduledEvents(dataCentre, machine) ?? {}) as { readonly Events?: readonly object[] } // as it makes them
    const noticedAtMs = dataCentre.instances.get(machine.instanceId ?? '')?.interruption?.noticedAtMs ?? clock.nowMs()
    const eventTime = new Date(Math.floor(noticedAtMs / 1000) * 1000).toISOString()
    for (const properties of Events) {
      const { EventId } = properties as { readonly EventId: string } // as it makes them
      const name = EventId.toLowerCase()
      const type = 'microsoft.maintenance/scheduledevents'
      const resourceInfo = { id: `${nativeId}/providers/${type}/${name}`, name, type, location: dataCentre.region, properties }
      const document = {
        ...{ id: `${name}-${this.#told.length}`, topic: `/subscriptions/${this.#server.subscription}`, subject: nativeId },
        ...{ eventType: emitted, eventTime, dataVersion: '1', metadataVersion: '1', data: { resourceInfo, apiVersion: '2024-07-01' } },
      }
      this.#told.push({ nativeId, document })
    }
  }

  about(nativeId: string): readonly object[] {
    return this.#told.filter((one) => one.nativeId === nativeId).map(({ document }) => document)
  }
}
