import { now } from '@understudy/core'
import type { NeutralSignal, Signals } from '@understudy/provider'
import type { SpotRequest } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import type { EventQueue } from './event-queue.ts'
import { noticeMsOf } from './likeness.ts'
import { effectOfEvent, maintenanceSignal, parseEvent, phaseOf } from './parse-signal.ts'

const idsPerCallMax = 100
const read = { effect: 'read' } as const

export function simSignals(adapter: SimAdapter, queue: EventQueue | undefined): Signals {
  return {
    parse: (document) => parseEvent(document, noticeMsOf(adapter.likeness)),
    ...(queue ? { receive: (options) => queue.receive(options) } : {}),
    async scheduled(nativeIds) {
      const found: NeutralSignal[] = []
      for (let from = 0; from < nativeIds.length; from += idsPerCallMax) {
        const ids = nativeIds.slice(from, from + idsPerCallMax)
        found.push(...(await spotNotices(adapter, ids)), ...(await scheduledEvents(adapter, ids)))
      }
      // What is over says so for a week: no list is read to its end.
      return { signals: found, lists: [] }
    },
    async postpone({ nativeId, eventId, notBefore }, context) {
      const move = () => adapter.dc.maintenance.postpone(nativeId, eventId, Date.parse(notBefore))
      await adapter.call('ModifyInstanceEventStartTime', move, { effect: 'repeatable' }, context.signal)
    },
    async attribute(signal) {
      if (signal.kind !== 'failure' || signal.cause !== 'unknown') return signal
      if (adapter.isOurs(signal.nativeId)) return { ...signal, cause: 'us' }
      const code = (await adapter.find(signal.nativeId))?.stateReason?.code ?? ''
      return { ...signal, cause: code.startsWith('Server.') ? 'platform' : code.startsWith('Client.UserInitiated') ? 'user' : 'unknown' }
    },
  }
}

async function scheduledEvents(adapter: SimAdapter, ids: readonly string[]): Promise<NeutralSignal[]> {
  const observedAt = now(adapter.clock).toISOString()
  const filters = [{ name: 'instance-id', values: ids }]
  const describe = () => adapter.dc.maintenance.describeStatus({ filters, includeAll: true })
  const { items } = await adapter.call('DescribeInstanceStatus', describe, read)
  return items.flatMap(({ instance, events }) =>
    events.map((event) => {
      const common = { observedAt, eventId: event.instanceEventId, list: 'instance-status', ...phaseOf(event.state) }
      const signal = maintenanceSignal(instance.instanceId, effectOfEvent(event.code), event.notBeforeMs, common)
      const { notBeforeDeadlineMs } = event
      return notBeforeDeadlineMs === undefined ? signal : { ...signal, canPostponeUntil: new Date(notBeforeDeadlineMs).toISOString() }
    }),
  )
}

/** A warning whose push was lost still shows in the status of the spot request. */
async function spotNotices(adapter: SimAdapter, ids: readonly string[]): Promise<NeutralSignal[]> {
  const filters = [
    { name: 'instance-id', values: ids },
    { name: 'status-code', values: ['marked-for-termination', 'marked-for-stop'] },
  ]
  const { items } = await adapter.call('DescribeSpotInstanceRequests', () => adapter.dc.market.describeSpotRequests({ filters }), read)
  return items.flatMap((request) => noticeOf(request, noticeMsOf(adapter.likeness)))
}

function noticeOf({ instanceId, statusCode, statusAtMs, interruptionBehavior }: SpotRequest, noticeMs: number): NeutralSignal[] {
  if (instanceId === undefined) return []
  const effect = statusCode === 'marked-for-termination' ? 'terminate' : interruptionBehavior === 'hibernate' ? 'hibernate' : 'stop'
  return [
    {
      kind: 'interruption',
      effect,
      nativeId: instanceId,
      deadline: new Date(statusAtMs + (effect === 'hibernate' ? 0 : noticeMs)).toISOString(),
      observedAt: new Date(statusAtMs).toISOString(),
      confidence: 'certain',
      cause: 'platform',
      canExpedite: false,
    },
  ]
}
