import type { Tallies } from './tally.ts'

/** The share of the last 14 days that a static pool would have covered, and what it holds of that quantile. */
const kinds = [
  { name: 'static: p97 of 14 days', level: 0.97, of: 1 },
  { name: 'static: p98 of 14 days', level: 0.98, of: 1 },
  { name: 'static: p99 of 14 days', level: 0.99, of: 1 },
  { name: 'static: p99.5 of 14 days', level: 0.995, of: 1 },
  { name: 'static: highest of 14 days', level: 1, of: 1 },
  { name: 'static: highest of 14 days + 10 %', level: 1, of: 1.1 },
  { name: 'static: highest of 14 days + 25 %', level: 1, of: 1.25 },
] as const

/** What each static pool holds after such a past. */
export function staticPools(past: Float64Array): Readonly<Record<string, number>> {
  const sorted = past.filter(Number.isFinite).sort()
  return Object.fromEntries(kinds.map(({ name, level, of }) => [name, of * sorted[Math.ceil(level * sorted.length) - 1]!]))
}

/** Capacity over demand of a static pool that is short in so many hours, between the two nearest; undefined beyond them. */
export function staticCapacityAt(tallies: Tallies, shortPercent: number): number | undefined {
  const at = kinds.map(({ name }) => tallies.of(name).figures)
  for (let index = 1; index < at.length; index++) {
    const [low, high] = [at[index - 1]!, at[index]!]
    if (shortPercent > low.shortPercent || shortPercent < high.shortPercent) continue
    const share = low.shortPercent > high.shortPercent ? (low.shortPercent - shortPercent) / (low.shortPercent - high.shortPercent) : 0
    return low.capacityToDemand + share * (high.capacityToDemand - low.capacityToDemand)
  }
  return undefined
}
