import { now, sleep } from '@understudy/core'
import type { Json } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { NeutralSignal, ReceivedDocument, ScheduledChanges, Signals } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { causeOf, preemptionSignal } from './books.ts'
import { maintenanceSignal, parseGcpDocument } from './event-parser.ts'
import { readMany } from './instance-reader.ts'
import { idOf } from './instance-state.ts'
import type { ReceivedMessage } from './pubsub-calls.ts'

const maxMessages = 10
/** Pub/Sub itself answers after about a minute and a half. */
const longestPullSeconds = 60
/** Acknowledgements that come so close together are one call. */
const ackWindowMs = 20
/** Google keeps operations for weeks; what began longer ago than this is over. */
const recentMs = 10 * 60_000

/** Signals of Compute Engine: pushed or pulled through Pub/Sub, read from documents, and looked up in Google's own books. */
export function gcpSignals(adapter: Adapter, subscription: string | undefined): Signals {
  return {
    parse: parseGcpDocument,
    ...(subscription === undefined ? {} : { receive: receiver(adapter, subscription) }),
    async scheduled(nativeIds) {
      const [preempted, planned] = await Promise.all([preemptions(adapter, nativeIds), maintenance(adapter, nativeIds)])
      return { signals: [...preempted, ...planned.signals], lists: planned.lists }
    },
    async attribute(signal) {
      if (signal.kind !== 'failure' || signal.cause !== 'unknown' || !/^\d+$/.test(signal.nativeId)) return signal
      const operations = []
      for await (const operation of adapter.calls.listOperations(`targetId=${signal.nativeId}`)) operations.push(operation)
      return { ...signal, cause: causeOf(operations, await adapter.calls.principal()) }
    },
  }
}

function receiver(adapter: Adapter, subscription: string): NonNullable<Signals['receive']> {
  const { calls, clock } = adapter
  const acknowledge = together(adapter, (ackIds) => calls.acknowledge(subscription, ackIds))
  return async ({ waitSeconds, signal }) => {
    const waitMs = Math.max(0, Math.min(longestPullSeconds, Math.floor(waitSeconds))) * 1000
    // Pub/Sub holds a pull for as long as it likes: it is let go when the time is over, and what it would have brought comes again.
    const over = new AbortController()
    const stop = new AbortController()
    if (waitMs > 0)
      sleep(clock, waitMs, stop.signal).then(
        () => over.abort(),
        () => undefined,
      )
    try {
      const messages = await calls.pull(subscription, { maxMessages, waitMs, signal: AbortSignal.any([signal, over.signal]) })
      return messages.map((message) => received(message, acknowledge))
    } catch (error) {
      if (over.signal.aborted && !signal.aborted && isProviderError(error, 'unavailable')) return []
      throw error
    } finally {
      stop.abort()
    }
  }
}

function received({ ackId, message = {} }: ReceivedMessage, acknowledge: (ackId: string) => Promise<void>): ReceivedDocument {
  const text = Buffer.from(message.data ?? '', 'base64').toString()
  return {
    document: parseJson(text),
    raw: { messageId: message.messageId ?? '', publishTime: message.publishTime ?? '', data: text, attributes: { ...message.attributes } },
    acknowledge: () => acknowledge(ackId),
  }
}

/** What is not JSON stays text, which `parse` then calls malformed. */
function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json // JSON.parse makes nothing else
  } catch {
    return text
  }
}

/** Collects what is asked for within a moment into one call. */
function together({ clock }: Adapter, run: (items: readonly string[]) => Promise<void>): (item: string) => Promise<void> {
  let waiting: { readonly items: string[]; readonly done: Promise<void> } | undefined
  return async (item) => {
    if (waiting !== undefined) {
      waiting.items.push(item)
      return await waiting.done
    }
    const items = [item]
    const done = sleep(clock, ackWindowMs).then(() => {
      waiting = undefined
      return run(items)
    })
    waiting = { items, done }
    await done
  }
}

/** A preemption is an operation of Google's own, which begins when the instance is asked to shut down. */
async function preemptions(adapter: Adapter, nativeIds: readonly string[]): Promise<NeutralSignal[]> {
  const wanted = new Set(nativeIds)
  const sinceMs = adapter.clock.nowMs() - recentMs
  const signals: NeutralSignal[] = []
  for await (const operation of adapter.calls.listOperations('operationType="compute.instances.preempted"')) {
    const nativeId = String(operation.targetId ?? '')
    const at = Date.parse(operation.insertTime ?? '')
    if (wanted.has(nativeId) && at >= sinceMs) signals.push(preemptionSignal(nativeId, new Date(at).toISOString(), operation.name))
  }
  return signals
}

const list = 'resourceStatus.upcomingMaintenance'
/** Google's own, and what its users ask for: maintenance that they have begun early. */
const maintenanceOperations = [
  'compute.instances.migrateOnHostMaintenance',
  'compute.instances.terminateOnHostMaintenance',
  'performMaintenance',
] as const

/**
 * An instance names what is ahead of it, and nothing once that is over: whoever was read was read to the end. Whether it was done, early
 * perhaps, or taken back, the operations say.
 */
async function maintenance(adapter: Adapter, nativeIds: readonly string[]): Promise<ScheduledChanges> {
  const observedAt = now(adapter.clock).toISOString()
  const instances = await readMany(
    adapter,
    [...new Set(nativeIds)].map((nativeId) => ({ nativeId })),
  )
  const effectOf = new Map(
    instances.map((instance) => [idOf(instance), instance.scheduling?.onHostMaintenance === 'TERMINATE' ? 'stop' : 'freeze'] as const),
  )
  const ahead = instances.flatMap((instance) => {
    const upcoming = instance.resourceStatus?.upcomingMaintenance
    const nativeId = idOf(instance)
    return upcoming ? maintenanceSignal(upcoming, { nativeId, list, observedAt, effect: effectOf.get(nativeId) ?? 'unknown' }) : []
  })
  const signals = [...ahead, ...(effectOf.size === 0 ? [] : await doneMaintenance(adapter, effectOf))]
  return { signals, lists: instances.map((instance) => ({ nativeId: idOf(instance), list, observedAt })) }
}

/** Words without an id: an operation does not name the announcement that it carries out. */
async function doneMaintenance(adapter: Adapter, effectOf: ReadonlyMap<string, NeutralSignal['effect']>): Promise<NeutralSignal[]> {
  const sinceMs = adapter.clock.nowMs() - recentMs
  const signals: NeutralSignal[] = []
  const filter = maintenanceOperations.map((type) => `(operationType="${type}")`).join(' OR ')
  for await (const { targetId, insertTime, endTime, status } of adapter.calls.listOperations(filter)) {
    const nativeId = String(targetId ?? '')
    const effect = effectOf.get(nativeId)
    // It is over when it has ended: what was said when it began comes before that.
    const at = Date.parse(endTime ?? insertTime ?? '')
    if (effect === undefined || !(at >= sinceMs) || status !== 'DONE') continue
    const said = { kind: 'maintenance', phase: 'completed', confidence: 'certain', cause: 'platform', canExpedite: false } as const
    signals.push({ ...said, effect, nativeId, list, observedAt: new Date(at).toISOString() })
  }
  return signals
}
