import { providerError, type CallContext, type InstanceRef, type TrafficBinding } from '@understudy/provider'
import type { NameChange } from '../datacentre/dns.ts'
import type { NameRecord } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { readNameBinding } from './bindings.ts'
import type { Mechanism } from './traffic.ts'

interface View {
  readonly zoneId: string
  readonly name: string
  readonly ttl: number
  readonly records: readonly NameRecord[]
}

/** Weighted answers of one name, one record per member. Whoever is taken out is gone at once: virtual clients keep no answers. */
export function weightedNames(adapter: SimAdapter): Mechanism {
  return {
    async validate(binding) {
      await look(adapter, binding)
    },
    async followSeconds(binding) {
      return (await look(adapter, binding)).ttl
    },
    async state(binding) {
      const records = weighted(await look(adapter, binding))
      const total = records.reduce((sum, { weight = 0 }) => sum + weight, 0)
      return records.map(({ values: [address = ''], weight = 0 }) => {
        return { nativeId: ownerOf(adapter, address), weight: total === 0 ? 0 : Math.round((weight / total) * 100), health: 'unknown' }
      })
    },
    async enrol(binding, ref, context) {
      const view = await look(adapter, binding)
      const address = await addressOf(adapter, ref, context)
      if (view.records.some(({ values }) => values.includes(address))) return
      await change(adapter, view, [...weighted(view), member(view, address, 0)], context)
    },
    async setWeights(binding, weights, context) {
      const view = await look(adapter, binding)
      const raised = weights.filter(({ weight }) => weight > 0)
      if (raised.length === 0)
        throw providerError('unsupported', 'NoAnswer', 'A name is not taken offline by weights: when all are 0, all are answered.')
      const wanted = new Map<string, number>()
      for (const { ref, weight } of raised) wanted.set(await addressOf(adapter, ref, context), weight)
      const known = weighted(view, (address) => wanted.get(address) ?? 0)
      const missing = [...wanted].filter(([address]) => !known.some(({ setIdentifier }) => setIdentifier === address))
      await change(adapter, view, [...known, ...missing.map(([address, weight]) => member(view, address, weight))], context)
    },
    async remove(binding, ref, context) {
      const view = await look(adapter, binding)
      const members = weighted(view)
      const kept = members.filter(({ setIdentifier = '' }) => setIdentifier !== ref.address && ownerOf(adapter, setIdentifier) !== ref.nativeId)
      if (kept.length === members.length) return
      if (kept.every(({ weight = 0 }) => weight === 0))
        throw providerError('conflict', 'LastMember', `${ref.nativeId} is the only one that the name answers with. Give another its weight first.`)
      await change(adapter, view, kept, context)
    },
  }
}

async function look(adapter: SimAdapter, binding: TrafficBinding): Promise<View> {
  const { zoneId, name } = readNameBinding(binding)
  const zone = await adapter.call('ListResourceRecordSets', () => adapter.dc.dns.zone(zoneId), { effect: 'read' })
  const records = zone.records.filter((record) => record.name === name && record.type === 'A')
  if (records.length === 0) throw providerError('not_found', 'NoSuchRecord', `${name} has no address in ${zoneId}.`)
  return { zoneId, name, ttl: records[0]?.ttl ?? 60, records }
}

const ownerOf = ({ dc }: SimAdapter, address: string): string =>
  [...dc.instances.all()].find((instance) => instance.publicIp === address && instance.state !== 'terminated')?.instanceId ?? address

async function addressOf(adapter: SimAdapter, ref: InstanceRef, context: CallContext): Promise<string> {
  const address = ref.address ?? (await adapter.existing(ref, context)).publicIp
  if (address === undefined) throw providerError('conflict', 'NoAddress', `${ref.nativeId} has no public address that a name could answer with.`)
  return address
}

const member = ({ name, ttl }: Pick<NameRecord, 'name' | 'ttl'>, address: string, weight: number): NameRecord => ({
  name,
  type: 'A',
  ttl,
  values: [address],
  setIdentifier: address,
  weight,
})

/** A plain record answers with all of its addresses alike. */
const weighted = ({ records }: View, weightOf = (_address: string, before: number): number => before): NameRecord[] =>
  records.flatMap((record) => record.values.map((address) => member(record, address, weightOf(address, record.weight ?? 1))))

async function change(adapter: SimAdapter, { zoneId, records }: View, wanted: readonly NameRecord[], { signal }: CallContext): Promise<void> {
  const isIn = (record: NameRecord, others: readonly NameRecord[]): boolean =>
    others.some((other) => JSON.stringify(other) === JSON.stringify(record))
  const changes: NameChange[] = [
    ...records.filter((record) => !isIn(record, wanted)).map((record) => ({ action: 'DELETE', record }) as const),
    ...wanted.filter((record) => !isIn(record, records)).map((record) => ({ action: 'CREATE', record }) as const),
  ]
  if (changes.length === 0) return
  await adapter.call('ChangeResourceRecordSets', () => adapter.dc.dns.change(zoneId, changes), { effect: 'repeatable' }, signal)
}
