import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import { sleep } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, TrafficMember } from '@understudy/provider'
import { requireOtherAnswer, sharesByName } from '@understudy/provider/adapter-kit'
import type { Weights } from '@understudy/provider/adapter-kit'
import type { Adapter } from '../adapter.ts'
import { addressOwners } from './address-owners.ts'
import type { AddressOwners } from './address-owners.ts'
import { readName } from './bindings.ts'
import type { NameBinding } from './bindings.ts'
import type { Mechanism } from './mechanism.ts'

/** So often a record that somebody else has changed in between is read again. */
const attempts = 5
/** From a change until every name server of Route 53 answers with it: "generally within 60 seconds", beyond what clients keep an answer. */
const propagationMs = 60_000
const lookMs = 2_000

interface Item {
  readonly address: string
  readonly weight: number
  /** The record as it is: what is changed in it is one weight. */
  readonly record: ResourceRecordSet
}

/**
 * Weighted records of one name, one per member. Nothing watches whether members answer (a record may have a health check of its owner's,
 * which stays). A change deletes exactly what was read and makes what is wanted, in one batch that is done or refused as a whole, so that
 * nobody's change in between is undone.
 */
export function dnsWeight(adapter: Adapter): Mechanism {
  const owners = addressOwners(adapter)
  return {
    async validate(binding) {
      await look(adapter, readName(binding))
    },
    state: (binding) => state(adapter, owners, readName(binding)),
    async followSeconds(binding) {
      const ttls = (await look(adapter, readName(binding))).map(({ record }) => record.TTL ?? 0)
      return Math.max(...ttls) + propagationMs / 1000
    },
    async enrol(binding, ref, context) {
      const read = readName(binding)
      const address = await owners.addressOf(read, ref, context)
      await change(adapter, read, context, (items) =>
        items.some((item) => item.address === address) ? undefined : withShares(items, [[address, 0]]),
      )
    },
    setWeights: (binding, weights, context) => setWeights(adapter, owners, readName(binding), weights, context),
    remove: (binding, ref, context) => remove(adapter, owners, readName(binding), ref, context),
  }
}

async function state(adapter: Adapter, owners: AddressOwners, binding: NameBinding): Promise<readonly TrafficMember[]> {
  const items = await look(adapter, binding)
  const names = await owners.of(
    binding,
    items.map(({ address }) => address),
  )
  return sharesByName(items, names)
}

async function setWeights(adapter: Adapter, owners: AddressOwners, binding: NameBinding, weights: Weights, context: CallContext): Promise<void> {
  const raised = weights.filter(({ weight }) => weight > 0)
  if (raised.length === 0)
    throw providerError('unsupported', 'NoAnswer', 'A name is not taken offline by its weights: where all are 0, Route 53 answers with all alike.')
  const wanted = new Map<string, number>()
  for (const { ref, weight } of raised) wanted.set(await owners.addressOf(binding, ref, context), weight)
  const changeId = await change(adapter, binding, context, (items) => {
    const others = items.flatMap(({ address }) => (wanted.has(address) ? [] : [[address, 0] as const]))
    return withShares(items, [...wanted, ...others])
  })
  if (changeId !== undefined) await inSync(adapter, changeId, context)
}

async function remove(adapter: Adapter, owners: AddressOwners, binding: NameBinding, ref: InstanceRef, context: CallContext): Promise<void> {
  const items = await look(adapter, binding)
  const names = await owners.of(
    binding,
    items.map(({ address }) => address),
  )
  const own = new Set(items.map(({ address }) => address).filter((address) => address === ref.address || names.get(address) === ref.nativeId))
  if (own.size === 0) return
  requireOtherAnswer(items, own, ref, binding.name)
  await change(adapter, binding, context, (present) => present.filter(({ address }) => !own.has(address)).map(({ record }) => record))
}

/** The records with these weights; whoever has none yet gets one like the first. */
function withShares(items: readonly Item[], shares: readonly (readonly [address: string, weight: number])[]): readonly ResourceRecordSet[] {
  const known = items.map((item) => weighted(item, shares.find(([address]) => address === item.address)?.[1] ?? item.weight))
  const added = shares.filter(([address]) => !items.some((item) => item.address === address))
  const { Name, Type, TTL } = items[0]?.record ?? {}
  return [
    ...known,
    ...added.map(([address, Weight]) => ({
      ...{ Name, Type, TTL, Weight },
      SetIdentifier: identifierOf(address),
      ResourceRecords: [{ Value: address }],
    })),
  ]
}

const identifierOf = (address: string): string => `understudy-${address}`
/** A plain record has all of its addresses in one, and no identifier. */
const weighted = ({ record, address }: Item, weight: number): ResourceRecordSet => ({
  ...record,
  SetIdentifier: record.SetIdentifier ?? identifierOf(address),
  Weight: weight,
  ResourceRecords: [{ Value: address }],
})

/** Answers the id of what was accepted; `undefined`: it was so already. */
async function change(
  adapter: Adapter,
  binding: NameBinding,
  context: CallContext,
  wanted: (items: readonly Item[]) => readonly ResourceRecordSet[] | undefined,
): Promise<string | undefined> {
  for (let tried = 1; ; tried++) {
    const items = await look(adapter, binding)
    const before = [...new Set(items.map(({ record }) => record))]
    const after = wanted(items) ?? before
    const gone = before.filter((record) => !after.some((other) => isSame(record, other)))
    const made = after.filter((record) => !before.some((other) => isSame(record, other)))
    if (gone.length + made.length === 0) return undefined
    const Changes = [
      ...gone.map((ResourceRecordSet) => ({ Action: 'DELETE' as const, ResourceRecordSet })),
      ...made.map((ResourceRecordSet) => ({ Action: 'CREATE' as const, ResourceRecordSet })),
    ]
    try {
      const { ChangeInfo } = await adapter.calls.changeResourceRecordSets(
        { HostedZoneId: binding.hostedZoneId, ChangeBatch: { Changes } },
        context.signal,
      )
      return ChangeInfo?.Id
    } catch (error) {
      // What was to be replaced is not there any more: another writer was faster, or the answer to our own change was lost.
      const isStale = isProviderError(error, 'invalid') && error.shape.nativeCode === 'InvalidChangeBatch'
      const isLost = isProviderError(error, 'unavailable') && error.shape.nativeCode !== 'Aborted'
      if ((!isStale && !isLost) || tried === attempts) throw error
    }
  }
}

/** Waits until all name servers have it, as long as that usually takes. It is accepted already: what goes on longer is not a failure. */
async function inSync({ calls, clock }: Adapter, changeId: string, { signal }: CallContext): Promise<void> {
  const untilMs = clock.nowMs() + propagationMs
  while (clock.nowMs() < untilMs) {
    await sleep(clock, lookMs, signal)
    const { ChangeInfo } = await calls.getChange({ Id: changeId }, signal)
    if (ChangeInfo?.Status === 'INSYNC') return
  }
}

async function look({ calls }: Adapter, { hostedZoneId, name }: NameBinding): Promise<readonly Item[]> {
  const records: ResourceRecordSet[] = []
  let next: { readonly StartRecordIdentifier?: string | undefined } | undefined = {}
  while (next !== undefined) {
    const page = await calls.listResourceRecordSets({ HostedZoneId: hostedZoneId, StartRecordName: name, StartRecordType: 'A', ...next })
    const own = (page.ResourceRecordSets ?? []).filter(({ Name, Type }) => Name?.toLowerCase() === name && Type === 'A')
    records.push(...own)
    const goesOn = page.IsTruncated === true && page.NextRecordName?.toLowerCase() === name && page.NextRecordType === 'A'
    next = goesOn ? { StartRecordIdentifier: page.NextRecordIdentifier } : undefined
  }
  if (records.length === 0) throw providerError('not_found', 'NoSuchRecord', `${name} has no address in the hosted zone ${hostedZoneId}.`)
  return records.flatMap((record) => itemsIn(name, record))
}

function itemsIn(name: string, record: ResourceRecordSet): Item[] {
  const { SetIdentifier, Weight, ResourceRecords = [] } = record
  if (ResourceRecords.length === 0 || (SetIdentifier !== undefined && Weight === undefined))
    throw providerError('invalid', 'OtherPolicy', `${name} is an alias, or has a routing policy that is not by weight.`)
  if (SetIdentifier !== undefined && ResourceRecords.length > 1)
    throw providerError('invalid', 'SeveralAddresses', `A weighted record of ${name} has several addresses; give each of them a record of its own.`)
  return ResourceRecords.map(({ Value = '' }) => ({ address: Value, weight: Weight ?? 1, record }))
}

const isSame = (a: ResourceRecordSet, b: ResourceRecordSet): boolean =>
  a === b || (a.SetIdentifier === b.SetIdentifier && a.Weight === b.Weight && a.ResourceRecords?.[0]?.Value === b.ResourceRecords?.[0]?.Value)
