import type { HostGroup, Offering, PurchaseModel, Quote } from '@understudy/provider'
import type { Tier } from '../resources/resource.ts'
import { noZone, zoneKeeps } from './hosts.ts'
import type { HostRule } from './hosts.ts'

export interface PlacementQuestion {
  readonly zones: readonly string[]
  readonly primaryZone: string | undefined
  /** Zones in which shadows of this resource stand already: spread before doubling up. */
  readonly occupiedZones: readonly string[]
  /** Zones in which nothing could be made lately, as often as that was: others are asked before. Left out: none. */
  readonly failedZones?: readonly string[] | undefined
  readonly wanted: Tier['zones']
  /** Left out: any. */
  readonly hosts?: HostRule | undefined
  /** That the primary is bound to. */
  readonly hostGroup?: HostGroup | undefined
  readonly instanceType: string
  readonly purchase: PurchaseModel
  readonly avoided: readonly Offering[]
  readonly quotes: readonly Quote[]
}
export interface Placement {
  readonly zone: string
  readonly instanceType: string
  readonly purchase: PurchaseModel
}

/**
 * Places a shadow may stand in, best first. Never the primary's zone unless asked for (`any` or by name); never an offering
 * that has just refused capacity; a zone that has failed less often lately, since what it refused may be forgotten before the last one is
 * asked; a zone without a stand-in before one that has one; then the cheaper one.
 * The owner's own list of zones keeps its order. A group of hosts is asked whatever its zone has refused: it has room of its own.
 */
export function placements(question: PlacementQuestion): readonly Placement[] {
  const { wanted, instanceType, purchase } = question
  return allowedZones(question)
    .filter((zone) => wanted !== 'other' || zone !== question.primaryZone)
    .filter((zone) => zoneKeeps(question.hosts, zone, question.primaryZone, question.hostGroup))
    .filter((zone) => question.hosts === 'same-group' || !question.avoided.some((offering) => covers(offering, { zone, instanceType, purchase })))
    .map((zone, index) => ({
      zone,
      rank: [
        question.failedZones?.filter((failed) => failed === zone).length ?? 0,
        wanted === 'any' && zone === question.primaryZone ? 1 : 0,
        question.occupiedZones.filter((occupied) => occupied === zone).length,
        typeof wanted === 'string' ? priceOf(question.quotes, { zone, instanceType, purchase }) : index,
        index,
      ],
    }))
    .toSorted((a, b) => compareRanks(a.rank, b.rank))
    .map(({ zone }) => ({ zone, instanceType, purchase }))
}

/** A primary in no zone, whose hosts are a matter of its group, has its shadow there too. */
function allowedZones({ wanted, zones, primaryZone, hosts, hostGroup }: PlacementQuestion): readonly string[] {
  if (typeof wanted !== 'string') return wanted.filter((zone) => zones.includes(zone))
  const isGroups = hosts !== undefined && hosts !== 'any' && hostGroup !== undefined
  return isGroups && (primaryZone ?? noZone) === noZone ? [noZone, ...zones] : zones
}

export interface Nowhere {
  /** `zones`: the tier's are not offered · `one-zone`: there is none but the primary's · `hosts`: none that keeps its rule about hosts · `refused`: all have lately refused · `type`: none is large enough. */
  readonly code: 'zones' | 'one-zone' | 'hosts' | 'refused' | 'type'
  readonly reason: string
}

/** Why there is no place at all, in words for who has promised one. Pure; meant for a question that `placements` finds nothing for. */
export function whyNowhere(question: PlacementQuestion): Nowhere {
  const { wanted, zones, primaryZone, instanceType, purchase } = question
  const offered = zones.length === 0 ? 'it names none' : `it has ${zones.join(', ')}`
  if (typeof wanted !== 'string' && !wanted.some((zone) => zones.includes(zone)))
    return { code: 'zones', reason: `The cloud offers none of the zones that the tier names (${wanted.join(', ')}): ${offered}.` }
  if (zones.length === 0) return { code: 'zones', reason: 'The cloud names no zone in which a shadow could be.' }
  if (wanted === 'other' && zones.every((zone) => zone === primaryZone))
    return { code: 'one-zone', reason: `The cloud has no zone but that of the primary (${primaryZone ?? ''}), and the tier asks for another.` }
  if (!allowedZones(question).some((zone) => zoneKeeps(question.hosts, zone, primaryZone, question.hostGroup)))
    return { code: 'hosts', reason: hostReason(question) }
  return {
    code: 'refused',
    reason: `Every zone that the tier allows has lately refused ${instanceType} (${purchase}) for want of capacity or quota. It is asked again later.`,
  }
}

function hostReason({ hosts, hostGroup, primaryZone = 'no zone' }: PlacementQuestion): string {
  if (hosts === 'separate')
    return `No zone but that of the primary (${primaryZone}) is offered, and there nothing keeps a shadow off the hosts of the primary for certain.`
  return hostGroup === undefined
    ? 'The primary is bound to no group of hosts, as it was last read, and the tier asks for a shadow on the same one.'
    : `The group of hosts ${hostGroup.id} is in ${primaryZone}, which the tier does not allow.`
}

/** Whether an avoided offering (absent fields mean "any") covers this placement. */
export const covers = (avoided: Offering, placement: Placement): boolean =>
  (avoided.zone === undefined || avoided.zone === placement.zone) &&
  (avoided.instanceType === undefined || avoided.instanceType === placement.instanceType) &&
  (avoided.purchase === undefined || avoided.purchase === placement.purchase)

function priceOf(quotes: readonly Quote[], placement: Placement): number {
  const quote = quotes.find((q) => q.zone === placement.zone && q.instanceType === placement.instanceType && q.purchase === placement.purchase)
  // A zone without a known price is not refused, only asked last.
  return quote?.usdPerHour ?? Number.MAX_VALUE
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
