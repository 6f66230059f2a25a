import type { ChangePhase, NeutralSignal, ParsedSignal, SignalEffect } from '@understudy/provider'

export type Fields = Readonly<Record<string, unknown>>

const effects: Readonly<Record<string, { readonly kind: NeutralSignal['kind']; readonly effect: SignalEffect }>> = {
  Preempt: { kind: 'interruption', effect: 'terminate' },
  Terminate: { kind: 'interruption', effect: 'terminate' },
  Freeze: { kind: 'maintenance', effect: 'freeze' },
  Reboot: { kind: 'maintenance', effect: 'reboot' },
  Redeploy: { kind: 'maintenance', effect: 'redeploy' },
}

/** The last two are said by Event Grid only; in a guest's document an event that is over is no longer named. */
const phases: Readonly<Record<string, ChangePhase>> = { Scheduled: 'announced', Started: 'started', Completed: 'completed', Canceled: 'cancelled' }

/**
 * One event as it stands in a guest's document and in Event Grid alike; undefined for one that says nothing to us. The `EventId` is the same
 * wherever Azure tells of it. https://learn.microsoft.com/azure/virtual-machines/linux/scheduled-events
 */
export function fromScheduledEvent(event: Fields, { nativeId, at }: { readonly nativeId: string; readonly at: string }): NeutralSignal | undefined {
  const known = effects[textIn(event, 'EventType') ?? '']
  const phase = phases[textIn(event, 'EventStatus') ?? ''] ?? 'announced'
  const isOver = phase === 'completed' || phase === 'cancelled'
  // Whether an interruption has come, the machine itself says.
  if (known === undefined || (known.kind === 'interruption' && isOver)) return undefined
  const notBefore = Date.parse(textIn(event, 'NotBefore') ?? '')
  // A started event has no time any more: what it announced is happening.
  const deadline = Number.isNaN(notBefore) ? (phase === 'started' ? at : undefined) : new Date(notBefore).toISOString()
  // A guest reads it in capitals, Event Grid writes it small.
  const eventId = textIn(event, 'EventId')?.toLowerCase()
  return {
    ...known,
    ...(phase === 'announced' || known.kind === 'interruption' ? {} : { phase }),
    nativeId,
    ...(eventId === undefined ? {} : { eventId }),
    ...(deadline === undefined ? {} : { deadline }),
    observedAt: at,
    confidence: 'certain',
    cause: textIn(event, 'EventSource') === 'User' ? 'user' : 'platform',
    canExpedite: phase === 'announced',
  }
}

/**
 * What Event Grid says of an event, with its end in a word. Machines are named by their names; the group they are in is that of the
 * resource the event is of, which may be a scale set. https://learn.microsoft.com/azure/virtual-machines/scheduled-events-event-grid-details
 */
export function announcedByEventGrid(data: Fields, { at }: { readonly at: string }): ParsedSignal {
  const info = data['resourceInfo']
  const properties = isFields(info) ? info['properties'] : undefined
  if (!isFields(info) || !isFields(properties)) return { outcome: 'malformed', reason: 'the event has no properties' }
  const group = /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+(?=\/providers\/Microsoft\.Compute\/)/i.exec(textIn(info, 'id') ?? '')?.[0]
  if (group === undefined) return { outcome: 'ignored', reason: 'the event is not about virtual machines' }
  const names = (Array.isArray(properties['Resources']) ? properties['Resources'] : []).filter((name) => typeof name === 'string' && name !== '')
  const signals = names.flatMap(
    (name: string) => fromScheduledEvent(properties, { nativeId: `${group}/providers/Microsoft.Compute/virtualMachines/${name}`, at }) ?? [],
  )
  return signals.length === 0
    ? { outcome: 'ignored', reason: 'the event announces nothing, and takes nothing back' }
    : { outcome: 'signals', signals }
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const textIn = (fields: Fields, key: string): string | undefined => (typeof fields[key] === 'string' ? fields[key] : undefined)
