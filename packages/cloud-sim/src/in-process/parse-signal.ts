import type { ChangePhase, NeutralSignal, ParsedSignal, SignalEffect, SignalKind } from '@understudy/provider'

const maintenanceEffects: Readonly<Record<string, SignalEffect>> = {
  'instance-reboot': 'reboot',
  'system-reboot': 'reboot',
  'system-maintenance': 'freeze',
  'instance-retirement': 'stop',
  'instance-stop': 'stop',
}

/** Reads an EventBridge document; `noticeMs`: how long before the end this cloud warns. Pure. */
export function parseEvent(document: unknown, noticeMs: number): ParsedSignal {
  if (!isRecord(document)) return { outcome: 'malformed', reason: 'the document is not a JSON object' }
  const { 'detail-type': type, source, id, time, detail } = document
  if (typeof type !== 'string' || typeof source !== 'string') return { outcome: 'malformed', reason: 'detail-type and source must be text' }
  if (!isRecord(detail)) return { outcome: 'malformed', reason: 'detail must be an object' }
  const observedMs = typeof time === 'string' ? Date.parse(time) : Number.NaN
  if (Number.isNaN(observedMs)) return { outcome: 'malformed', reason: 'time must be a date' }
  const common = { observedAt: new Date(observedMs).toISOString(), ...(typeof id === 'string' ? { eventId: id } : {}) }
  switch (type) {
    case 'EC2 Spot Instance Interruption Warning':
      return interruption(detail, observedMs + noticeMs, common)
    case 'EC2 Instance Rebalance Recommendation':
      return oneInstance(detail, (nativeId) => ({
        ...common,
        nativeId,
        kind: 'rebalance',
        effect: 'unknown',
        confidence: 'likely',
        cause: 'platform',
        canExpedite: false,
      }))
    case 'EC2 Instance State-change Notification':
      return stateChange(detail, common)
    case 'AWS Health Event':
      return health(detail, common)
    default:
      return { outcome: 'ignored', reason: `nothing follows from ${type}` }
  }
}

type Common = Pick<NeutralSignal, 'observedAt' | 'eventId' | 'changeId' | 'list' | 'phase'>
type Fields = Readonly<Record<string, unknown>>

function interruption(detail: Fields, endMs: number, common: Common): ParsedSignal {
  const action = detail['instance-action']
  if (action !== 'terminate' && action !== 'stop' && action !== 'hibernate')
    return { outcome: 'malformed', reason: `unknown instance-action ${String(action)}` }
  // A hibernation begins at once.
  const deadline = action === 'hibernate' ? common.observedAt : new Date(endMs).toISOString()
  return oneInstance(detail, (nativeId) => ({
    ...common,
    nativeId,
    kind: 'interruption',
    effect: action,
    deadline,
    confidence: 'certain',
    cause: 'platform',
    canExpedite: false,
  }))
}

/** Only an end that has happened says something; who wanted it is not in the document. */
function stateChange(detail: Fields, common: Common): ParsedSignal {
  const { state } = detail
  const effect = state === 'stopped' || state === 'stopping' ? 'stop' : state === 'terminated' || state === 'shutting-down' ? 'terminate' : undefined
  if (!effect) return { outcome: 'ignored', reason: `state ${String(state)} endangers nothing` }
  return oneInstance(detail, (nativeId) => ({
    ...common,
    nativeId,
    kind: 'failure',
    effect,
    confidence: 'certain',
    cause: 'unknown',
    canExpedite: false,
  }))
}

function health(detail: Fields, event: Common): ParsedSignal {
  if (detail['service'] !== 'EC2' || detail['eventTypeCategory'] !== 'scheduledChange')
    return { outcome: 'ignored', reason: 'not a scheduled change of EC2' }
  const startMs = Date.parse(String(detail['startTime']))
  const entities = detail['affectedEntities']
  if (Number.isNaN(startMs) || !Array.isArray(entities)) return { outcome: 'malformed', reason: 'startTime and affectedEntities are needed' }
  const over = startMs > Date.parse(event.observedAt) ? 'canceled' : 'completed'
  const common = { ...event, changeId: String(detail['eventArn']), ...phaseOf(detail['statusCode'] === 'closed' ? over : 'active') }
  const effect: SignalEffect = /RETIREMENT|STOP/.test(String(detail['eventTypeCode']))
    ? 'stop'
    : /REBOOT/.test(String(detail['eventTypeCode']))
      ? 'reboot'
      : 'unknown'
  const signals = entities.flatMap((entity: unknown): NeutralSignal[] => {
    const nativeId = isRecord(entity) ? entity['entityValue'] : undefined
    if (typeof nativeId !== 'string' || !nativeId.startsWith('i-')) return []
    return [maintenanceSignal(nativeId, effect, startMs, common)]
  })
  return signals.length === 0 ? { outcome: 'ignored', reason: 'no instance is affected' } : { outcome: 'signals', signals }
}

export const maintenanceSignal = (nativeId: string, effect: SignalEffect, startMs: number, common: Common): NeutralSignal => ({
  ...common,
  nativeId,
  kind: 'maintenance' satisfies SignalKind,
  effect,
  deadline: new Date(startMs).toISOString(),
  confidence: 'certain',
  cause: 'platform',
  // A stop and a start move the instance to another host, which settles it.
  canExpedite: true,
})

export const phaseOf = (state: 'active' | 'completed' | 'canceled'): { readonly phase?: ChangePhase } =>
  state === 'active' ? {} : { phase: state === 'canceled' ? 'cancelled' : 'completed' }

export const effectOfEvent = (code: string): SignalEffect => maintenanceEffects[code] ?? 'unknown'

function oneInstance(detail: Fields, make: (nativeId: string) => NeutralSignal): ParsedSignal {
  const nativeId = detail['instance-id']
  if (typeof nativeId !== 'string' || nativeId === '') return { outcome: 'malformed', reason: 'detail.instance-id must be text' }
  return { outcome: 'signals', signals: [make(nativeId)] }
}

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
