import { now } from '@understudy/core'
import type { NeutralSignal, Signals } from '@understudy/provider'
import type { SimAdapter } from './adapter.ts'
import type { EventQueue } from './event-queue.ts'
import { effectOfEvent, maintenanceSignal, parseEvent } from './parse-signal.ts'

const idsPerCallMax = 100

export function simSignals(adapter: SimAdapter, queue: EventQueue | undefined): Signals {
  return {
    parse: (document) => parseEvent(document),
    ...(queue ? { receive: (options) => queue.receive(options) } : {}),
    async scheduled(nativeIds) {
      const found: NeutralSignal[] = []
      const observedAt = now(adapter.clock).toISOString()
      for (let from = 0; from < nativeIds.length; from += idsPerCallMax) {
        const filters = [{ name: 'instance-id', values: nativeIds.slice(from, from + idsPerCallMax) }]
        const describe = () => adapter.dc.maintenance.describeStatus({ filters, includeAll: true })
        const page = await adapter.call('DescribeInstanceStatus', describe, { effect: 'read' })
        for (const { instance, events } of page.items) {
          for (const event of events) {
            const signal = maintenanceSignal(instance.instanceId, effectOfEvent(event.code), event.notBeforeMs, {
              observedAt,
              eventId: event.instanceEventId,
            })
            const { notBeforeDeadlineMs } = event
            found.push(notBeforeDeadlineMs === undefined ? signal : { ...signal, canPostponeUntil: new Date(notBeforeDeadlineMs).toISOString() })
          }
        }
      }
      return found
    },
  }
}
