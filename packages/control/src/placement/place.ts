import type { Offering, PurchaseModel, Quote } from '@understudy/provider'
import type { Tier } from '../resources/resource.ts'

export interface PlacementQuestion {
  readonly zones: readonly string[]
  readonly primaryZone: string | undefined
  /** Zones in which shadows of this resource stand already: spread before doubling up. */
  readonly occupiedZones: readonly string[]
  readonly wanted: Tier['zones']
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
 * that has just refused capacity; a zone without a stand-in before one that has one; then the cheaper one.
 * The owner's own list of zones keeps its order.
 */
export function placements(question: PlacementQuestion): readonly Placement[] {
  const { wanted, instanceType, purchase } = question
  const allowed = typeof wanted === 'string' ? question.zones : wanted.filter((zone) => question.zones.includes(zone))
  return allowed
    .filter((zone) => wanted !== 'other' || zone !== question.primaryZone)
    .filter((zone) => !question.avoided.some((offering) => covers(offering, { zone, instanceType, purchase })))
    .map((zone, index) => ({
      zone,
      rank: [
        wanted === 'any' && zone === question.primaryZone ? 1 : 0,
        question.occupiedZones.filter((occupied) => occupied === zone).length,
        typeof wanted === 'string' ? priceOf(question.quotes, { zone, instanceType, purchase }) : index,
        index,
      ],
    }))
    .toSorted((a, b) => compareRanks(a.rank, b.rank))
    .map(({ zone }) => ({ zone, instanceType, purchase }))
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
