import type { Body, Call, Route } from './call.ts'
import { isObject, objectsIn, partOf, textIn } from './call.ts'
import { GoogleError, notFound } from './fault.ts'
import type { Project } from './project.ts'

/** A managed zone of Cloud DNS: its record sets by name and type, and what has been changed in it, oldest first. */
export interface DnsZoneRecord {
  readonly name: string
  readonly records: Map<string, Body>
  readonly changes: { readonly id: string; readonly startTime: string; readonly additions: readonly Body[]; readonly deletions: readonly Body[] }[]
}

/** Cloud DNS (`dns/v1`). A change deletes exactly what is there, or nothing happens. */
export const dnsRoutes: readonly Route[] = [
  { operation: 'dns.resourceRecordSets.get', run: getRecord },
  { operation: 'dns.changes.list', run: listChanges },
  { operation: 'dns.changes.create', run: createChange },
]

export const recordKey = (name: unknown, type: unknown): string => `${String(name)} ${String(type)}`

function zoneIn(call: Call): DnsZoneRecord {
  const name = partOf(call, 'managedZone')
  const zone = call.project.dnsZones.find((candidate) => candidate.name === name)
  if (zone === undefined) throw new GoogleError(404, 'notFound', `The 'parameters.managedZone' resource named '${name}' does not exist.`)
  return zone
}

function getRecord(call: Call): object {
  const [name, type] = [partOf(call, 'name'), partOf(call, 'type')]
  const record = zoneIn(call).records.get(recordKey(name, type))
  if (record === undefined) throw notFound(`${name} ${type}`)
  return { kind: 'dns#resourceRecordSet', ...record }
}

function listChanges(call: Call): object {
  const { changes } = zoneIn(call)
  const isNewestFirst = call.query.get('sortOrder') === 'descending'
  const shown = (isNewestFirst ? changes.toReversed() : changes).slice(0, Number(call.query.get('maxResults') ?? 100))
  return { kind: 'dns#changesListResponse', changes: shown.map((change) => ({ kind: 'dns#change', status: 'done', ...change })) }
}

function createChange(call: Call): object {
  const { project, body } = call
  const zone = zoneIn(call)
  const [additions, deletions] = [objectsIn(body['additions']), objectsIn(body['deletions'])]
  const kept = new Map(zone.records)
  for (const [index, record] of deletions.entries()) {
    const key = recordKey(record['name'], record['type'])
    const present = kept.get(key)
    if (present === undefined || canonical(present) !== canonical(record))
      throw new GoogleError(412, 'conditionNotMet', `Precondition not met for 'entity.change.deletions[${index}]'`)
    kept.delete(key)
  }
  for (const [index, record] of additions.entries()) {
    const key = recordKey(record['name'], record['type'])
    if (kept.has(key)) throw new GoogleError(409, 'alreadyExists', `The resource 'entity.change.additions[${index}]' already exists`)
    kept.set(key, checked(record, index))
  }
  zone.records.clear()
  for (const [key, record] of kept) zone.records.set(key, record)
  const change = { id: String(zone.changes.length + 1), startTime: new Date(project.dataCentre.now()).toISOString(), additions, deletions }
  zone.changes.push(change)
  return { kind: 'dns#change', status: 'pending', ...change }
}

/** Either data or weighted items with data. */
function checked(record: Body, index: number): Body {
  const at = `entity.change.additions[${index}]`
  const wrr = isObject(record['routingPolicy']) && isObject(record['routingPolicy']['wrr']) ? record['routingPolicy']['wrr'] : undefined
  const items = objectsIn(wrr?.['items'])
  const isPlain = Array.isArray(record['rrdatas']) && record['rrdatas'].length > 0
  if (textIn(record, 'name')?.endsWith('.') !== true || isPlain === items.length > 0)
    throw new GoogleError(400, 'invalid', `Invalid value for '${at}'`)
  for (const { weight, rrdatas } of items) {
    const isWeight = typeof weight === 'number' && weight >= 0 && weight <= 1000
    if (!isWeight || !Array.isArray(rrdatas) || rrdatas.length === 0) throw new GoogleError(400, 'invalid', `Invalid value for '${at}.routingPolicy'`)
  }
  return record
}

const canonical = (record: Body): string => {
  const { kind: _kind, ...rest } = record
  return JSON.stringify(rest, (_key, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
}

/** Who the name leads a client to that has kept no answer: an address, chosen by weight. */
export function resolve(project: Project, zone: string, name: string, random: { int(min: number, max: number): number }): string | undefined {
  const record = project.dnsZones.find((candidate) => candidate.name === zone)?.records.get(recordKey(name, 'A'))
  const wrr = isObject(record?.['routingPolicy']) && isObject(record['routingPolicy']['wrr']) ? record['routingPolicy']['wrr'] : undefined
  const items = objectsIn(wrr?.['items'])
  let left = (random.int(0, 999) / 1000) * items.reduce((sum, { weight }) => sum + Number(weight), 0)
  for (const { weight, rrdatas } of items) {
    left -= Number(weight)
    if (left < 0 && Array.isArray(rrdatas)) return String(rrdatas[0])
  }
  const plain = record?.['rrdatas']
  return Array.isArray(plain) ? String(plain[random.int(0, plain.length - 1)]) : undefined
}
