import type { Random } from '@understudy/core'
import { SimError } from './sim-error.ts'
import type { HostedZone, NameRecord } from './types.ts'
import type { World } from './world.ts'

export interface NameChange {
  readonly action: 'CREATE' | 'DELETE' | 'UPSERT'
  readonly record: NameRecord
}

/** From a change until every name server answers with it. */
const propagationMs = 2_000

/** Public zones with plain and weighted records, as Route 53 keeps them: several records of one name differ in their identifier. */
export class Dns {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }

  createZone(name: string): HostedZone {
    const zone: HostedZone = { id: this.#world.id('Z').replaceAll('-', '').toUpperCase(), name, records: [], changes: [] }
    this.#world.state.hostedZones.set(zone.id, zone)
    return zone
  }

  zones(): readonly HostedZone[] {
    return [...this.#world.state.hostedZones.values()]
  }

  zone(id: string): HostedZone {
    const zone = this.#world.state.hostedZones.get(id)
    if (zone === undefined) throw new SimError('NoSuchHostedZone', `No hosted zone found with ID: ${id}`, 404)
    return zone
  }

  /** All of the changes or none. A deletion names exactly what is there. Answers the id of the change. */
  change(zoneId: string, changes: readonly NameChange[]): string {
    const zone = this.zone(zoneId)
    let records: readonly NameRecord[] = zone.records
    for (const { action, record } of changes) {
      check(zone, record)
      const present = records.find((candidate) => isSame(candidate, record))
      if (action === 'CREATE' && present !== undefined) throw refused(`Tried to create resource record set ${textOf(record)} but it already exists`)
      if (action === 'DELETE' && (present === undefined || JSON.stringify(present) !== JSON.stringify(record)))
        throw refused(
          `Tried to delete resource record set ${textOf(record)} but ${present ? 'the values provided do not match' : 'it was not found'}`,
        )
      const others = records.filter((candidate) => candidate !== present)
      records = action === 'DELETE' ? others : [...others, record]
    }
    for (const record of records) {
      const isMixed = records.some(
        (other) => isOneName(other, record) && (other.setIdentifier === undefined) !== (record.setIdentifier === undefined),
      )
      if (isMixed)
        throw refused(`RRSet with DNS name ${record.name}, type ${record.type} cannot be created as weighted sets must contain only weighted records`)
    }
    zone.records = records.map((record) => ({ ...record }))
    const id = `C${zone.id}${zone.changes.length + 1}`
    zone.changes.push({ id, atMs: this.#world.now() })
    return id
  }

  /** `undefined`: no such change. */
  changeStatus(id: string): { readonly status: 'PENDING' | 'INSYNC'; readonly atMs: number } | undefined {
    const change = this.zones()
      .flatMap(({ changes }) => changes)
      .find((candidate) => candidate.id === id)
    return change && { status: this.#world.now() >= change.atMs + propagationMs ? 'INSYNC' : 'PENDING', atMs: change.atMs }
  }

  /** What a client that has kept no answer is told: one address, by weight. `undefined`: nobody has the name. */
  resolve(name: string, random: Random): { readonly address: string; readonly ttl: number } | undefined {
    const records = this.zones().flatMap((zone) => zone.records.filter((record) => record.type === 'A' && record.name === name))
    const total = records.reduce((sum, { weight = 1 }) => sum + weight, 0)
    // When all weigh nothing, all are answered alike.
    let left = (random.int(0, 999_999) / 1_000_000) * (total === 0 ? records.length : total)
    const chosen = records.find(({ weight = 1 }) => (left -= total === 0 ? 1 : weight) < 0)
    const address = chosen?.values[random.int(0, chosen.values.length - 1)]
    return chosen === undefined || address === undefined ? undefined : { address, ttl: chosen.ttl }
  }
}

const isOneName = (a: NameRecord, b: NameRecord): boolean => a.name === b.name && a.type === b.type
const isSame = (a: NameRecord, b: NameRecord): boolean => isOneName(a, b) && a.setIdentifier === b.setIdentifier
const textOf = ({ name, type, setIdentifier }: NameRecord): string =>
  `[name='${name}', type='${type}'${setIdentifier === undefined ? '' : `, set-identifier='${setIdentifier}'`}]`
const refused = (message: string): SimError => new SimError('InvalidChangeBatch', `[${message}]`)

function check(zone: HostedZone, { name, ttl, values, setIdentifier = '1', weight = 0 }: NameRecord): void {
  if (name !== zone.name && !name.endsWith(`.${zone.name}`)) throw refused(`RRSet with DNS name ${name} is not permitted in zone ${zone.name}`)
  if (values.length === 0) throw refused(`RRSet with DNS name ${name} has no values`)
  if (!Number.isInteger(ttl) || ttl < 0) throw refused(`RRSet with DNS name ${name} has an invalid TTL`)
  if (setIdentifier.length < 1 || setIdentifier.length > 128) throw refused('SetIdentifier must have 1 to 128 characters')
  if (!Number.isInteger(weight) || weight < 0 || weight > 255) throw refused('Weight must be from 0 to 255')
}
