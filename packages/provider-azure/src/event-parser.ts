import type { NeutralSignal, ParsedSignal, SignalEffect, Signals } from '@understudy/provider'

type Fields = Readonly<Record<string, unknown>>
type Received = Parameters<Signals['parse']>[1]

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const textIn = (fields: Fields, key: string): string | undefined => (typeof fields[key] === 'string' ? fields[key] : undefined)
const ignored = (reason: string): ParsedSignal => ({ outcome: 'ignored', reason })
const malformed = (reason: string): ParsedSignal => ({ outcome: 'malformed', reason })

/**
 * Reads what Azure says about a VM: the scheduled events of its guest (with the VM's id beside it, since the document knows
 * names only), and health annotations of Event Grid in its own schema and as CloudEvents. Pure.
 */
export function parseAzureDocument(document: unknown, received: Received): ParsedSignal {
  if (Array.isArray(document)) return document.length === 1 ? parseAzureDocument(document[0], received) : malformed('one event is expected at a time')
  if (!isFields(document)) return malformed('an event is a JSON object')
  if (Array.isArray(document['Events'])) return scheduledEvents(document['Events'], received)
  const type = textIn(document, 'eventType') ?? textIn(document, 'type')
  if (type === undefined) return malformed('the event has no type')
  const data = document['data']
  if (type !== 'Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged')
    return ignored(`events of the type ${type} say nothing about instances`)
  if (!isFields(data)) return malformed('the event has no data')
  return availabilityChange(data, textIn(document, 'id'), received)
}

const effects: Readonly<Record<string, { readonly kind: NeutralSignal['kind']; readonly effect: SignalEffect }>> = {
  Preempt: { kind: 'interruption', effect: 'terminate' },
  Terminate: { kind: 'interruption', effect: 'terminate' },
  Freeze: { kind: 'maintenance', effect: 'freeze' },
  Reboot: { kind: 'maintenance', effect: 'reboot' },
  Redeploy: { kind: 'maintenance', effect: 'redeploy' },
}

function scheduledEvents(events: readonly unknown[], { at, nativeId }: Received): ParsedSignal {
  if (nativeId === undefined) return malformed('scheduled events name machines by name: the id of the virtual machine has to come with them')
  const name = nativeId.split('/').pop()?.toLowerCase()
  const signals: NeutralSignal[] = []
  for (const event of events) {
    if (!isFields(event)) return malformed('a scheduled event is a JSON object')
    const known = effects[textIn(event, 'EventType') ?? '']
    const resources = Array.isArray(event['Resources']) ? event['Resources'] : []
    if (known === undefined || !resources.some((resource) => typeof resource === 'string' && resource.toLowerCase() === name)) continue
    const notBefore = Date.parse(textIn(event, 'NotBefore') ?? '')
    const started = textIn(event, 'EventStatus') === 'Started'
    // A started event has no time any more: what it announced is happening.
    const deadline = Number.isNaN(notBefore) ? (started ? at : undefined) : new Date(notBefore).toISOString()
    const eventId = textIn(event, 'EventId')
    signals.push({
      ...known,
      nativeId,
      ...(eventId === undefined ? {} : { eventId }),
      ...(deadline === undefined ? {} : { deadline }),
      observedAt: at,
      confidence: 'certain',
      cause: textIn(event, 'EventSource') === 'User' ? 'user' : 'platform',
      canExpedite: !started,
    })
  }
  return signals.length === 0 ? ignored('no scheduled event concerns this virtual machine') : { outcome: 'signals', signals }
}

function availabilityChange(data: Fields, eventId: string | undefined, { at }: Received): ParsedSignal {
  const info = data['resourceInfo']
  const properties = isFields(info) ? info['properties'] : undefined
  if (!isFields(properties)) return malformed('the event has no properties')
  const nativeId = textIn(properties, 'targetResourceId')
  if (nativeId === undefined) return malformed('the event names no resource')
  if (textIn(properties, 'targetResourceType')?.toLowerCase() !== 'microsoft.compute/virtualmachines')
    return ignored('it is not about a virtual machine')
  if (textIn(properties, 'availabilityState') !== 'Unavailable') return ignored('the virtual machine has not become unavailable')
  const occurred = Date.parse(textIn(properties, 'occurredTime') ?? '')
  const signal: NeutralSignal = {
    kind: 'failure',
    effect: 'unknown',
    nativeId,
    ...(eventId === undefined ? {} : { eventId }),
    observedAt: Number.isNaN(occurred) ? at : new Date(occurred).toISOString(),
    confidence: 'certain',
    cause: 'unknown',
    canExpedite: false,
  }
  return { outcome: 'signals', signals: [signal] }
}
