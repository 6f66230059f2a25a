import type { ChangePhase, NeutralSignal, ParsedSignal } from '@understudy/provider'
import { plusSeconds, readTime } from './cloud-time.ts'
import { canExpedite, effectOfAction, effectOfEventCode, effectOfHealthCode } from './event-effects.ts'

/** Notice that EC2 gives before it takes a spot instance back; a hibernation begins with the notice. */
const spotNoticeSeconds = 120

interface Received {
  readonly at: string
  readonly nativeId?: string
  readonly documentKind?: string
}
type Fields = Readonly<Record<string, unknown>>

/**
 * Reads an event of EventBridge, by itself or in the notification of an SNS topic, or a document of the instance metadata service that an agent has passed on (then `received`
 * names the instance, and `documentKind` the path below `/latest/meta-data/`, for instance `spot/instance-action`).
 * Pure; never throws. https://docs.aws.amazon.com/eventbridge/latest/userguide/aws-events.html
 */
export function parseAwsDocument(document: unknown, received: Received): ParsedSignal {
  if (received.documentKind !== undefined) return parseMetadata(document, received, received.documentKind)
  if (isFields(document)) {
    if ('detail-type' in document) return parseEvent(document)
    if (isEnvelope(document)) return parseEnvelope(document, received)
    if (received.nativeId !== undefined && 'action' in document) return parseMetadata(document, received, 'spot/instance-action')
    if (received.nativeId !== undefined && 'noticeTime' in document) return parseMetadata(document, received, 'events/recommendations/rebalance')
  }
  if (Array.isArray(document) && received.nativeId !== undefined) return parseBareList(document, received)
  return malformed('it is neither an EventBridge event nor a known metadata document')
}

const isEnvelope = (document: Fields): boolean => typeof document['Type'] === 'string' && 'Message' in document

/** SNS: `Message` is the document as text. https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
function parseEnvelope({ Type: type, Message: message }: Fields, received: Received): ParsedSignal {
  // Confirming means calling an address that a stranger may have written. A person does it once, where it is safe.
  if (type === 'SubscriptionConfirmation')
    return ignored('SNS asks to confirm the subscription: open its SubscribeURL, or confirm it with the AWS CLI.')
  if (type === 'UnsubscribeConfirmation') return ignored('SNS says that the subscription has ended.')
  if (type !== 'Notification' || typeof message !== 'string') return malformed('it is no notification of SNS')
  let document: unknown
  try {
    document = JSON.parse(message)
  } catch {
    return malformed('The Message of the SNS notification is not JSON.')
  }
  return isFields(document) && isEnvelope(document) ? malformed('the notification holds another one') : parseAwsDocument(document, received)
}

function parseEvent(event: Fields): ParsedSignal {
  const { source, detail, id } = event
  const type = event['detail-type']
  const time = readTime(event['time'])
  if (!isFields(detail)) return malformed('detail is not an object')
  if (time === undefined) return malformed('time is not an RFC 3339 time')
  if (typeof id !== 'string' || id === '') return malformed('id is missing')
  if (source === 'aws.health' && type === 'AWS Health Event') return parseHealth(event, detail, id, time)
  if (source !== 'aws.ec2') return ignored(`events of ${String(source)} are of no concern`)
  const known = ['EC2 Spot Instance Interruption Warning', 'EC2 Instance Rebalance Recommendation', 'EC2 Instance State-change Notification']
  if (typeof type !== 'string' || !known.includes(type)) return ignored(`events of the type ${String(type)} are of no concern`)
  const nativeId = instanceIdOf(event, detail)
  if (nativeId === undefined) return malformed('detail.instance-id is missing')
  const about = { nativeId, eventId: id, observedAt: time }
  if (type === known[0]) return interruption(detail['instance-action'], about)
  if (type === known[1])
    return signals({ ...about, kind: 'rebalance', effect: 'unknown', confidence: 'likely', cause: 'platform', canExpedite: false })
  return stateChange(detail['state'], about)
}

interface About {
  readonly nativeId: string
  readonly eventId?: string
  readonly observedAt: string
}

function interruption(action: unknown, about: About): ParsedSignal {
  const effect = effectOfAction(action)
  if (effect === undefined) return malformed('detail.instance-action is none of terminate, stop, hibernate')
  const deadline = effect === 'hibernate' ? about.observedAt : plusSeconds(about.observedAt, spotNoticeSeconds)
  return signals({ ...about, kind: 'interruption', effect, deadline, confidence: 'certain', cause: 'platform', canExpedite: false })
}

/** The event says what happened, not who did it; `attribute` asks EC2 for the reason. It has no deadline: it has happened. */
function stateChange(state: unknown, about: About): ParsedSignal {
  const failure = (effect: 'stop' | 'terminate'): ParsedSignal =>
    signals({ ...about, kind: 'failure', effect, confidence: 'certain', cause: 'unknown', canExpedite: false })
  switch (state) {
    case 'stopping':
    case 'stopped':
      return failure('stop')
    case 'shutting-down':
    case 'terminated':
      return failure('terminate')
    case 'pending':
    case 'running':
      return ignored(`an instance that becomes ${state} is no failure`)
    default:
      return malformed('detail.state is none of the states of an instance')
  }
}

function parseHealth(event: Fields, detail: Fields, id: string, time: string): ParsedSignal {
  if (detail['service'] !== 'EC2') return ignored('the health event is about another service')
  if (detail['eventTypeCategory'] !== 'scheduledChange') return ignored('the health event announces no scheduled change')
  const deadline = readTime(detail['startTime'])
  if (deadline === undefined) return malformed('detail.startTime is no time')
  const nativeIds = [...new Set([...entitiesOf(detail), ...resourcesOf(event)])]
  if (nativeIds.length === 0) return ignored('the health event names no instance')
  const effect = effectOfHealthCode(detail['eventTypeCode'])
  const arn = detail['eventArn']
  const common = {
    kind: 'maintenance',
    effect,
    deadline,
    observedAt: time,
    confidence: 'certain',
    cause: 'platform',
    canExpedite: canExpedite(effect),
    ...healthPhase(detail, time, deadline),
    // Told of again, it has another id and this name.
    ...(typeof arn === 'string' && arn !== '' ? { changeId: arn } : {}),
  } as const
  // One event may name many instances; each needs an id of its own to be counted once.
  return signals(...nativeIds.map((nativeId) => ({ ...common, nativeId, eventId: nativeIds.length === 1 ? id : `${id}/${nativeId}` })))
}

/** Nobody has said which of the two lists it is: what it names counts, and what it leaves out does not. */
function parseBareList(document: readonly unknown[], received: Received): ParsedSignal {
  const parsed = parseMetadata(document, received, 'events/maintenance/scheduled')
  if (parsed.outcome !== 'signals') return parsed
  return parsed.signals.length === 0 ? ignored('no event is scheduled') : { outcome: 'signals', signals: parsed.signals }
}

/**
 * Health closes an event and has no word for why: the description may say so as EC2's does, and a change that is closed before its time was called off.
 * https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
 */
function healthPhase(detail: Fields, time: string, startsAt: string): { readonly phase?: ChangePhase } {
  if (detail['statusCode'] !== 'closed') return {}
  const descriptions = Array.isArray(detail['eventDescription']) ? detail['eventDescription'] : []
  const said = descriptions.map((entry: unknown) => phaseOfDescription(isFields(entry) ? entry['latestDescription'] : undefined)).find(Boolean)
  return { phase: said ?? (Date.parse(time) < Date.parse(startsAt) ? 'cancelled' : 'completed') }
}

/** EC2 keeps events that are over for a week, and says so in front of their description. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusEvent.html */
export function phaseOfDescription(description: unknown): ChangePhase | undefined {
  const word = typeof description === 'string' ? /^\s*\[(Completed|Cancell?ed)\]/i.exec(description)?.[1]?.toLowerCase() : undefined
  return word === undefined ? undefined : word === 'completed' ? 'completed' : 'cancelled'
}

function parseMetadata(document: unknown, received: Received, kind: string): ParsedSignal {
  const { nativeId } = received
  const at = readTime(received.at)
  if (nativeId === undefined) return malformed('a metadata document does not say which instance it comes from')
  if (at === undefined) return malformed('the time of receipt is no time')
  const path = kind.replace(/^\/?(latest\/)?(meta-data\/)?/, '')
  if (path === 'spot/instance-action') {
    if (!isFields(document)) return malformed('the document is not an object')
    const effect = effectOfAction(document['action'])
    const time = readTime(document['time'])
    if (effect === undefined || time === undefined) return malformed('action or time is missing')
    const deadline = effect === 'hibernate' ? at : time
    return signals({ nativeId, observedAt: at, kind: 'interruption', effect, deadline, confidence: 'certain', cause: 'platform', canExpedite: false })
  }
  if (path === 'events/recommendations/rebalance') {
    const observedAt = isFields(document) ? readTime(document['noticeTime']) : undefined
    if (observedAt === undefined) return malformed('noticeTime is missing')
    return signals({ nativeId, observedAt, kind: 'rebalance', effect: 'unknown', confidence: 'likely', cause: 'platform', canExpedite: false })
  }
  if (path === 'events/maintenance/scheduled' || path === 'events/maintenance/history') {
    if (!Array.isArray(document)) return malformed('the document is not a list')
    return maintenanceList(document, nativeId, at, { isHistory: path.endsWith('history') })
  }
  return ignored(`metadata documents of the kind ${kind} are of no concern`)
}

const guestList = 'events/maintenance/scheduled'

/** What is ahead, or what is over: the former is a whole list, in which an event stays as long as it holds. */
function maintenanceList(
  document: readonly unknown[],
  nativeId: string,
  observedAt: string,
  { isHistory }: { readonly isHistory: boolean },
): ParsedSignal {
  const found: NeutralSignal[] = []
  for (const entry of document) {
    if (!isFields(entry)) return malformed('an entry of the list is not an object')
    const deadline = readTime(entry['NotBefore'])
    const eventId = entry['EventId']
    if (deadline === undefined || typeof eventId !== 'string') return malformed('NotBefore or EventId is missing')
    const phase = phaseOfState(entry['State']) ?? phaseOfDescription(entry['Description'])
    const about = { nativeId, eventId, list: guestList, observedAt, phase }
    found.push(scheduledSignal({ ...about, code: entry['Code'], deadline, latest: readTime(entry['NotBeforeDeadline']) }))
  }
  if (isHistory) return found.length === 0 ? ignored('no event is over') : signals(...found)
  return { outcome: 'signals', signals: found, lists: [{ nativeId, list: guestList, observedAt }] }
}

const phaseOfState = (state: unknown): ChangePhase | undefined =>
  state === 'completed' ? 'completed' : state === 'canceled' ? 'cancelled' : undefined

/** One scheduled event, however it became known. */
export function scheduledSignal(event: {
  readonly nativeId: string
  readonly eventId: string
  readonly list: string
  readonly observedAt: string
  readonly phase: ChangePhase | undefined
  readonly code: unknown
  readonly deadline: string
  readonly latest: string | undefined
}): NeutralSignal {
  const effect = effectOfEventCode(event.code)
  return {
    kind: 'maintenance',
    effect,
    nativeId: event.nativeId,
    eventId: event.eventId,
    list: event.list,
    ...(event.phase === undefined ? {} : { phase: event.phase }),
    deadline: event.deadline,
    observedAt: event.observedAt,
    confidence: 'certain',
    cause: 'platform',
    ...(event.latest === undefined ? {} : { canPostponeUntil: event.latest }),
    canExpedite: canExpedite(effect),
  }
}

const instanceId = /^i-[0-9a-z]+$/

function instanceIdOf(event: Fields, detail: Fields): string | undefined {
  const given = detail['instance-id']
  if (given !== undefined) return typeof given === 'string' && instanceId.test(given) ? given : undefined
  return resourcesOf(event)[0]
}

/** Resources are bare ids or ARNs; those of EC2 events have a zone where the region belongs, and no account. */
const resourcesOf = (event: Fields): string[] => (Array.isArray(event['resources']) ? event['resources'] : []).flatMap(idWithin)

const entitiesOf = (detail: Fields): string[] =>
  (Array.isArray(detail['affectedEntities']) ? detail['affectedEntities'] : []).flatMap((entity: unknown) =>
    isFields(entity) ? idWithin(entity['entityValue']) : [],
  )

function idWithin(value: unknown): string[] {
  const last = typeof value === 'string' ? (value.split('/').at(-1) ?? '') : ''
  return instanceId.test(last) ? [last] : []
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const signals = (...found: NeutralSignal[]): ParsedSignal => ({ outcome: 'signals', signals: found })
const ignored = (reason: string): ParsedSignal => ({ outcome: 'ignored', reason })
const malformed = (reason: string): ParsedSignal => ({ outcome: 'malformed', reason })
