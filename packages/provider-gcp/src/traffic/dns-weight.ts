import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, TrafficMember } from '@understudy/provider'
import { requireOtherAnswer, sharesByName } from '@understudy/provider/adapter-kit'
import type { Weights } from '@understudy/provider/adapter-kit'
import type { Adapter } from '../adapter.ts'
import type { Instance } from '../clients.ts'
import type { RecordSet, WeightedItem } from '../dns-calls.ts'
import { existing, unlessGone } from '../instance-reader.ts'
import { idOf, zoneOf } from '../instance-state.ts'
import { readDns } from './bindings.ts'
import type { DnsBinding } from './bindings.ts'
import type { Mechanism } from './mechanism.ts'

/** So often a record that somebody else has changed in between is read again. */
const attempts = 5
const recordType = 'A'
/** From a change until every name server of Google answers with it, beyond what clients keep an answer. */
const propagationMs = 60_000

interface Item {
  readonly address: string
  readonly weight: number
}
interface View {
  readonly record: RecordSet
  readonly items: readonly Item[]
}

/**
 * Weighted answers of one name (`routingPolicy.wrr`). Nothing watches whether members answer, and a client follows only when the
 * answer that it has kept expires: whoever was taken out is `draining` until then, which the zone's list of changes tells, to every
 * process.
 */
export function dnsWeight(adapter: Adapter): Mechanism {
  const owners = ownersOf(adapter)
  return {
    async validate(binding) {
      await look(adapter, readDns(binding))
    },
    state: (binding) => state(adapter, owners, readDns(binding)),
    async followSeconds(binding) {
      const { record } = await look(adapter, readDns(binding))
      return (record.ttl ?? 0) + propagationMs / 1000
    },
    async enrol(binding, ref, context) {
      const read = readDns(binding)
      const address = await addressOf(adapter, read, ref, context)
      await change(adapter, read, context, (items) => (items.some((item) => item.address === address) ? items : [...items, { address, weight: 0 }]))
    },
    setWeights: (binding, weights, context) => setWeights(adapter, readDns(binding), weights, context),
    remove: (binding, ref, context) => remove(adapter, owners, readDns(binding), ref, context),
  }
}

async function state(adapter: Adapter, owners: Owners, binding: DnsBinding): Promise<readonly TrafficMember[]> {
  const { items, record } = await look(adapter, binding)
  const left = await leftLately(adapter, binding, record)
  const gone = left.filter((address) => !items.some((item) => item.address === address))
  const names = await owners.of(binding, [...items.map(({ address }) => address), ...gone])
  const draining = sharesByName(
    gone.map((address) => ({ address, weight: 0, health: 'draining' as const })),
    names,
  )
  return [...sharesByName(items, names), ...draining]
}

async function setWeights(adapter: Adapter, binding: DnsBinding, weights: Weights, context: CallContext): Promise<void> {
  const raised = weights.filter(({ weight }) => weight > 0)
  if (raised.length === 0)
    throw providerError('unsupported', 'NoAnswer', 'A name cannot be taken offline by its weights: Google answers with somebody.')
  const wanted = new Map<string, number>()
  for (const { ref, weight } of raised) wanted.set(await addressOf(adapter, binding, ref, context), weight)
  await change(adapter, binding, context, (items) => {
    const known = items.map(({ address }) => ({ address, weight: wanted.get(address) ?? 0 }))
    const added = [...wanted].filter(([address]) => !items.some((item) => item.address === address))
    return [...known, ...added.map(([address, weight]) => ({ address, weight }))]
  })
}

async function remove(adapter: Adapter, owners: Owners, binding: DnsBinding, ref: InstanceRef, context: CallContext): Promise<void> {
  const { items } = await look(adapter, binding)
  const addresses = items.map(({ address }) => address)
  const names = await owners.of(binding, addresses)
  const own = new Set(addresses.filter((address) => names.get(address) === ref.nativeId || address === ref.address))
  if (own.size === 0) return
  requireOtherAnswer(items, own, ref, binding.name)
  await change(adapter, binding, context, (present) => present.filter(({ address }) => !own.has(address)))
}

/** A change deletes exactly what was read: nobody's change in between is undone. */
async function change(
  adapter: Adapter,
  binding: DnsBinding,
  context: CallContext,
  wanted: (items: readonly Item[]) => readonly Item[],
): Promise<void> {
  for (let tried = 1; ; tried++) {
    const view = await look(adapter, binding)
    const items = wanted(view.items)
    if (sameItems(items, view.items)) return
    try {
      return await adapter.calls.createChange(
        binding.managedZone,
        { deletions: [view.record], additions: [weighted(view.record, items)] },
        context.signal,
      )
    } catch (error) {
      // What was to be replaced is not there any more: another writer was faster, or the answer to our own change was lost.
      const isLost = isProviderError(error, 'unavailable') && error.shape.nativeCode !== 'Aborted'
      if ((!isLost && !isProviderError(error, 'conflict', 'not_found')) || tried === attempts) throw error
    }
  }
}

async function look({ calls }: Adapter, { managedZone, name }: DnsBinding): Promise<View> {
  const record = await calls.getRecordSet(managedZone, name, recordType)
  const { routingPolicy, rrdatas } = record
  if (routingPolicy !== undefined && routingPolicy.wrr === undefined)
    throw providerError('invalid', 'OtherPolicy', `${name} has a routing policy that is not by weight.`)
  return { record, items: itemsOf({ ...(routingPolicy?.wrr?.items ? { items: routingPolicy.wrr.items } : {}), ...(rrdatas ? { rrdatas } : {}) }) }
}

/** A plain record answers with all of its addresses alike. */
const itemsOf = ({ items, rrdatas }: { readonly items?: readonly WeightedItem[]; readonly rrdatas?: readonly string[] }): Item[] =>
  items?.flatMap(({ weight, rrdatas: addresses }) =>
    (addresses ?? []).map((address) => ({ address, weight: weight / Math.max(1, addresses?.length ?? 1) })),
  ) ?? (rrdatas ?? []).map((address) => ({ address, weight: 1 }))

const weighted = ({ name, type, ttl }: RecordSet, items: readonly Item[]): RecordSet => ({
  name,
  type,
  ...(ttl === undefined ? {} : { ttl }),
  routingPolicy: { wrr: { items: items.map(({ address, weight }) => ({ weight, rrdatas: [address] })) } },
})

const sameItems = (a: readonly Item[], b: readonly Item[]): boolean =>
  a.length === b.length && a.every(({ address, weight }, index) => b[index]?.address === address && b[index].weight === weight)

/** Addresses that clients may still have kept. */
async function leftLately({ calls, clock }: Adapter, { managedZone, name }: DnsBinding, { ttl = 0 }: RecordSet): Promise<string[]> {
  const sinceMs = clock.nowMs() - ttl * 1000 - propagationMs
  const changes = (await calls.listChanges(managedZone)).filter(({ startTime }) => Date.parse(startTime ?? '') >= sinceMs)
  const deleted = changes.flatMap(({ deletions }) => deletions ?? []).filter((record) => record.name === name && record.type === recordType)
  const served = deleted.flatMap(({ routingPolicy, rrdatas }) =>
    itemsOf({ ...(routingPolicy?.wrr?.items ? { items: routingPolicy.wrr.items } : {}), ...(rrdatas ? { rrdatas } : {}) }).filter(
      ({ weight }) => weight > 0,
    ),
  )
  return [...new Set(served.map(({ address }) => address))]
}

const addressIn = ({ networkInterfaces }: Instance, { addresses }: Pick<DnsBinding, 'addresses'>): string | undefined => {
  const [nic] = networkInterfaces ?? []
  return (addresses === 'internal' ? nic?.networkIP : nic?.accessConfigs?.[0]?.natIP) ?? undefined
}

async function addressOf(adapter: Adapter, binding: DnsBinding, ref: InstanceRef, context: CallContext): Promise<string> {
  if (ref.address !== undefined) return ref.address
  const address = addressIn(await existing(adapter, ref, context), binding)
  if (address === undefined || address === '')
    throw providerError('conflict', 'NoAddress', `${ref.nativeId} has no ${binding.addresses} address that ${binding.name} could answer with.`)
  return address
}

interface Owners {
  of(binding: DnsBinding, addresses: readonly string[]): Promise<ReadonlyMap<string, string>>
}

/** Whose addresses they are. A list of all instances finds a new one; whoever was found once is only asked whether it still has it. */
function ownersOf(adapter: Adapter): Owners {
  const known = new Map<string, { readonly nativeId: string; readonly zone: string }>()
  const still = async (binding: DnsBinding, address: string): Promise<readonly [string, string] | undefined> => {
    const owner = known.get(address)
    if (owner === undefined) return undefined
    const instance = await unlessGone(adapter.calls.getInstance(owner.zone, owner.nativeId))
    return instance !== undefined && addressIn(instance, binding) === address ? [address, owner.nativeId] : undefined
  }
  return {
    async of(binding, addresses) {
      const found = new Map(
        (await Promise.all(addresses.map((address) => still(binding, address)))).flatMap((entry) => (entry === undefined ? [] : [entry])),
      )
      if (addresses.every((address) => found.has(address))) return found
      // A name may lead to several regions.
      for await (const instance of adapter.calls.listInstances(undefined)) {
        const address = addressIn(instance, binding)
        if (address === undefined || !addresses.includes(address)) continue
        known.set(address, { nativeId: idOf(instance), zone: zoneOf(instance) })
        found.set(address, idOf(instance))
      }
      return found
    },
  }
}
