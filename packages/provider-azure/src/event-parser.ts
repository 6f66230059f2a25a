import type { NeutralSignal, ParsedSignal, SignalEffect, Signals } from '@understudy/provider'
import { announcedByEventGrid, fromScheduledEvent } from './scheduled-event.ts'
import type { Fields } from './scheduled-event.ts'

type Received = Parameters<Signals['parse']>[1]

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const textIn = (fields: Fields, key: string): string | undefined => (typeof fields[key] === 'string' ? fields[key] : undefined)
const ignored = (reason: string): ParsedSignal => ({ outcome: 'ignored', reason })
const malformed = (reason: string): ParsedSignal => ({ outcome: 'malformed', reason })

/**
 * Reads what Azure says about a VM: the scheduled events of its guest (with the VM's id beside it, since the document knows
 * names only), and what Event Grid says of health and of operations, in its own schema and as CloudEvents. Pure.
 */
export function parseAzureDocument(document: unknown, received: Received): ParsedSignal {
  if (Array.isArray(document)) return document.length === 1 ? parseAzureDocument(document[0], received) : malformed('one event is expected at a time')
  if (!isFields(document)) return malformed('an event is a JSON object')
  if (Array.isArray(document['Events'])) return scheduledEvents(document['Events'], document['DocumentIncarnation'], received)
  const type = textIn(document, 'eventType') ?? textIn(document, 'type')
  if (type === undefined) return malformed('the event has no type')
  const data = document['data']
  const read = readers[type]
  if (read === undefined) return ignored(`events of the type ${type} say nothing about instances`)
  if (!isFields(data)) return malformed('the event has no data')
  const eventId = textIn(document, 'id')
  const at = timeIn(document, 'eventTime') ?? timeIn(document, 'time') ?? received.at
  return read(data, { at, ...(eventId === undefined ? {} : { eventId }) })
}

interface About {
  readonly at: string
  readonly eventId?: string
}

const readers: Readonly<Record<string, (data: Fields, about: About) => ParsedSignal>> = {
  'Microsoft.ResourceNotifications.MaintenanceResources.ScheduledEventEmitted': announcedByEventGrid,
  'Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged': availabilityChange,
  'Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated': annotation,
  'Microsoft.Resources.ResourceActionSuccess': resourceOperation,
  'Microsoft.Resources.ResourceDeleteSuccess': resourceOperation,
}

/** The whole list of what is ahead of a machine, under way included. What is over is left out: `ReadList` tells it. */
function scheduledEvents(events: readonly unknown[], incarnation: unknown, { at, nativeId }: Received): ParsedSignal {
  if (nativeId === undefined) return malformed('scheduled events name machines by name: the id of the virtual machine has to come with them')
  const name = nativeId.split('/').pop()?.toLowerCase()
  const list = 'scheduledevents'
  const signals: NeutralSignal[] = []
  for (const event of events) {
    if (!isFields(event)) return malformed('a scheduled event is a JSON object')
    const resources = Array.isArray(event['Resources']) ? event['Resources'] : []
    if (!resources.some((resource) => typeof resource === 'string' && resource.toLowerCase() === name)) continue
    const signal = fromScheduledEvent(event, { nativeId, at })
    if (signal !== undefined) signals.push(signal.kind === 'maintenance' ? { ...signal, list } : signal)
  }
  const counted = Number.isSafeInteger(incarnation) ? { sequence: Number(incarnation) } : {}
  return { outcome: 'signals', signals, lists: [{ nativeId, list, observedAt: at, ...counted }] }
}

function availabilityChange(data: Fields, about: About): ParsedSignal {
  const properties = healthProperties(data)
  if (isParsed(properties)) return properties
  if (textIn(properties, 'availabilityState') !== 'Unavailable') return ignored('the virtual machine has not become unavailable')
  return failure({ ...about, at: timeIn(properties, 'occurredTime') ?? about.at }, textIn(properties, 'targetResourceId'), 'unknown', 'unknown')
}

/** Azure's own account of why a machine is not there: `reason` and `context` say whose doing it is. */
function annotation(data: Fields, about: About): ParsedSignal {
  const properties = healthProperties(data)
  if (isParsed(properties)) return properties
  const name = textIn(properties, 'annotationName') ?? ''
  const effect = annotated.find(([pattern]) => pattern.test(name))?.[1]
  if (effect === undefined) return ignored(`the annotation ${name} does not say that the virtual machine goes`)
  const context = textIn(properties, 'context') ?? ''
  const cause = /customer/i.test(context) ? 'user' : /platform/i.test(context) ? 'platform' : 'unknown'
  return failure({ ...about, at: timeIn(properties, 'occurredTime') ?? about.at }, textIn(properties, 'targetResourceId'), effect, cause)
}
const annotated: readonly (readonly [RegExp, SignalEffect])[] = [
  [/Delet/i, 'terminate'],
  [/Deallocat|Evict|Preempt|Stop|PowerOff/i, 'stop'],
  [/Redeploy|Migrat/i, 'redeploy'],
  [/Reboot|Restart|Crash|HostFault|NodeFault/i, 'reboot'],
]

/** An operation of Resource Manager that has succeeded. Who asked is a person or us: `attribute`, or a look at the machine, tells. */
function resourceOperation(data: Fields, about: About): ParsedSignal {
  const operation = /^microsoft\.compute\/virtualmachines\/(delete|deallocate\/action|poweroff\/action)$/i.exec(
    textIn(data, 'operationName') ?? '',
  )?.[1]
  if (operation === undefined) return ignored('the operation does not stop a virtual machine')
  return failure(about, textIn(data, 'resourceUri'), operation.toLowerCase() === 'delete' ? 'terminate' : 'stop', 'unknown')
}

const isParsed = (value: Fields | ParsedSignal): value is ParsedSignal => 'outcome' in value

function healthProperties(data: Fields): Fields | ParsedSignal {
  const info = data['resourceInfo']
  const properties = isFields(info) ? info['properties'] : undefined
  if (!isFields(properties)) return malformed('the event has no properties')
  if (textIn(properties, 'targetResourceType')?.toLowerCase() !== 'microsoft.compute/virtualmachines')
    return ignored('it is not about a virtual machine')
  return properties
}

function failure({ at, eventId }: About, nativeId: string | undefined, effect: SignalEffect, cause: NeutralSignal['cause']): ParsedSignal {
  if (nativeId === undefined) return malformed('the event names no resource')
  const signal: NeutralSignal = {
    kind: 'failure',
    effect,
    nativeId,
    ...(eventId === undefined ? {} : { eventId }),
    observedAt: at,
    confidence: 'certain',
    cause,
    canExpedite: false,
  }
  return { outcome: 'signals', signals: [signal] }
}

function timeIn(fields: Fields, key: string): string | undefined {
  const ms = Date.parse(textIn(fields, key) ?? '')
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}
