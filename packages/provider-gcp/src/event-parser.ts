import type { NeutralSignal, ParsedSignal } from '@understudy/provider'

/** Google preempts 30 s after it has said so; an instance may be configured for 120 s, which its own notice does not say. */
export const preemptionNoticeMs = 30_000

interface Received {
  readonly at: string
  readonly nativeId?: string
  readonly documentKind?: string
}
type Fields = Readonly<Record<string, unknown>>

/**
 * Reads what Google sends: audit log entries (as they are, or in the envelope of a Pub/Sub push), and the metadata documents
 * that an agent forwards with their kind. Never throws, and makes no request.
 */
export function parseGcpDocument(document: unknown, received: Received): ParsedSignal {
  if (received.documentKind !== undefined) return parseMetadata(received.documentKind, document, received)
  if (!isObject(document)) return malformed('not a JSON object')
  const entry = isObject(document['message']) ? decoded(document['message']['data']) : document
  if (!isObject(entry)) return malformed('the message holds no JSON object')
  return parseAuditEntry(entry)
}

function parseAuditEntry(entry: Fields): ParsedSignal {
  const payload = entry['protoPayload']
  if (!isObject(payload)) return ignored('not an audit log entry')
  const method = textOf(payload['methodName'])
  const labels = isObject(entry['resource']) && isObject(entry['resource']['labels']) ? entry['resource']['labels'] : {}
  const nativeId = textOf(labels['instance_id'])
  const at = timeOf(entry['timestamp'])
  if (method === undefined) return malformed('an audit log entry without a method')
  const actor = isObject(payload['authenticationInfo']) ? textOf(payload['authenticationInfo']['principalEmail']) : undefined
  const kind = systemEvents[method] ?? endingBy(method, actor)
  if (kind === undefined) return ignored(`${method} says nothing about an interruption`)
  if (isObject(payload['status']) && Number(payload['status']['code'] ?? 0) !== 0) return ignored(`${method} was refused`)
  // Whatever takes time is entered when it begins and again when it ends.
  if (isObject(entry['operation']) && entry['operation']['last'] === true && entry['operation']['first'] !== true)
    return ignored(`the end of ${method}`)
  if (nativeId === undefined) return malformed(`${method} without an instance`)
  if (at === undefined) return malformed(`${method} without a time`)
  const eventId = textOf(entry['insertId'])
  return signalsOf({
    cause: 'platform',
    ...kind(at),
    nativeId,
    observedAt: at,
    confidence: 'certain',
    canExpedite: false,
    ...(eventId === undefined ? {} : { eventId }),
  })
}

type Meaning = Pick<NeutralSignal, 'kind' | 'effect' | 'phase'> & { readonly deadline?: string; readonly cause?: NeutralSignal['cause'] }

/** These come when it has begun: the entry of a preemption is written at its start, with the shutdown under way. */
const systemEvents: Readonly<Record<string, (at: string) => Meaning>> = {
  'compute.instances.preempted': (at) => ({ kind: 'interruption', effect: 'stop', deadline: later(at, preemptionNoticeMs) }),
  'compute.instances.hostError': () => ({ kind: 'failure', effect: 'reboot' }),
  'compute.instances.terminateOnHostMaintenance': (at) => ({ kind: 'maintenance', phase: 'started', effect: 'stop', deadline: at }),
  'compute.instances.migrateOnHostMaintenance': (at) => ({ kind: 'maintenance', phase: 'started', effect: 'freeze', deadline: at }),
}

/** Calls that end an instance. Whether it was we who made them, the entry does not say: `attribute` asks for it. */
const endings: Readonly<Record<string, NeutralSignal['effect']>> = {
  'compute.instances.stop': 'stop',
  'compute.instances.suspend': 'hibernate',
  'compute.instances.delete': 'terminate',
}

function endingBy(method: string, actor: string | undefined): ((at: string) => Meaning) | undefined {
  const effect = endings[method.replace(/^(v1|beta|alpha)\./, '')]
  if (effect === undefined) return undefined
  return () => ({ kind: 'failure', effect, cause: actor === 'system@google.com' ? 'platform' : 'unknown' })
}

export interface UpcomingMaintenance {
  readonly windowStartTime?: string | null
  readonly canReschedule?: boolean | null
  readonly maintenanceStatus?: unknown
}

/** What an instance's own record says of maintenance ahead, or under way. Google starts it early on request, where it says so, and never later. */
export function maintenanceSignal(
  { windowStartTime, canReschedule, maintenanceStatus }: UpcomingMaintenance,
  about: Pick<NeutralSignal, 'nativeId' | 'observedAt' | 'effect' | 'list'>,
): NeutralSignal[] {
  const deadline = timeOf(windowStartTime)
  if (deadline === undefined) return []
  const canExpedite = canReschedule === true && maintenanceStatus === 'PENDING'
  return [{ kind: 'maintenance', ...phaseOf(maintenanceStatus), ...about, deadline, confidence: 'certain', cause: 'platform', canExpedite }]
}

const phaseOf = (status: unknown): Pick<NeutralSignal, 'phase'> => (status === 'ONGOING' ? { phase: 'started' } : {})

/** The guest's own documents name neither the instance nor the time: who forwards them says both. */
function parseMetadata(documentKind: string, document: unknown, { at, nativeId }: Received): ParsedSignal {
  const kind = kindOf(documentKind)
  const read = metadataKinds[kind]
  if (read === undefined) return ignored(`${documentKind} is no metadata document that this adapter reads`)
  if (nativeId === undefined) return malformed(`${documentKind} without an instance`)
  const observedAt = timeOf(at)
  if (observedAt === undefined) return malformed(`${documentKind} without a time`)
  const seen = read(document, observedAt)
  if (typeof seen === 'string' && seen !== '') return malformed(seen)
  // Nothing, where something was announced before, takes that back. A preemption is not taken back.
  const lists = kind === 'gcp-preempted' ? [] : [{ nativeId, list: kind, observedAt }]
  if (typeof seen === 'string') return lists.length === 0 ? ignored(`${documentKind} announces nothing`) : { outcome: 'signals', signals: [], lists }
  const listed = lists.length === 0 ? {} : { list: kind }
  const signal: NeutralSignal = { confidence: 'certain', cause: 'platform', canExpedite: false, nativeId, observedAt, ...listed, ...seen }
  return { outcome: 'signals', signals: [signal], lists }
}

/** By our name, or by the path below `computeMetadata/v1/`. */
const kindOf = (documentKind: string): string => `gcp-${documentKind.replace(/^.*\//, '').replace(/^gcp-/, '')}`

/** Empty text: it announces nothing. Other text: what is wrong with it. */
type Read = (document: unknown, at: string) => (Meaning & Pick<Partial<NeutralSignal>, 'canExpedite'>) | string

const metadataKinds: Readonly<Record<string, Read>> = {
  'gcp-preempted': (document, at) => {
    const value = textOf(document)?.toUpperCase() ?? (document === true ? 'TRUE' : '')
    if (value === 'TRUE') return { kind: 'interruption', effect: 'stop', deadline: later(at, preemptionNoticeMs) }
    return value === 'FALSE' ? '' : 'gcp-preempted is neither TRUE nor FALSE'
  },
  'gcp-maintenance-event': (document, at) => {
    // A live migration is announced a minute ahead.
    const deadline = later(at, 60_000)
    if (document === 'MIGRATE_ON_HOST_MAINTENANCE') return { kind: 'maintenance', effect: 'freeze', deadline }
    if (document === 'TERMINATE_ON_HOST_MAINTENANCE') return { kind: 'maintenance', effect: 'stop', deadline }
    return document === 'NONE' ? '' : 'gcp-maintenance-event has an unknown value'
  },
  'gcp-upcoming-maintenance': (document) => {
    // Where nothing is planned, the server has an error in its place, or an empty object.
    if (document === null || document === 'NONE') return ''
    if (!isObject(document)) return 'gcp-upcoming-maintenance is not an object'
    if (Object.keys(document).length === 0 || 'error' in document) return ''
    // The metadata server writes snake case, the API camel case.
    const deadline = timeOf(document['window_start_time'] ?? document['windowStartTime'])
    if (deadline === undefined) return 'gcp-upcoming-maintenance has no window'
    const canReschedule = document['can_reschedule'] ?? document['canReschedule']
    return {
      kind: 'maintenance',
      effect: 'unknown',
      ...phaseOf(document['maintenance_status'] ?? document['maintenanceStatus']),
      deadline,
      canExpedite: canReschedule === true || canReschedule === 'TRUE' || canReschedule === 'true',
    }
  },
}

export const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString()
const signalsOf = (signal: NeutralSignal): ParsedSignal => ({ outcome: 'signals', signals: [signal] })
const ignored = (reason: string): ParsedSignal => ({ outcome: 'ignored', reason })
const malformed = (reason: string): ParsedSignal => ({ outcome: 'malformed', reason })

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Google writes microseconds; what is passed on is what JavaScript can hold. */
function timeOf(value: unknown): string | undefined {
  const text = textOf(value)
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

function decoded(data: unknown): unknown {
  if (typeof data !== 'string') return undefined
  try {
    return JSON.parse(Buffer.from(data, 'base64').toString())
  } catch {
    return undefined
  }
}
