import { table } from '../figures.ts'
import { mean } from '../forecast/measure.ts'

/** What one policy came to over all series. */
export class Tally {
  private hours = 0
  private short = 0
  private readonly ratios: { readonly capacity: number; readonly unmet: number }[] = []
  private series = { capacity: 0, demand: 0, unmet: 0 }
  private changes = 0
  private last = Number.NaN

  add(capacity: number, demand: number): void {
    this.hours++
    if (demand > capacity) this.short++
    this.series.unmet += Math.max(0, demand - capacity)
    this.series.capacity += capacity
    this.series.demand += demand
    if (capacity !== this.last && !Number.isNaN(this.last)) this.changes++
    this.last = capacity
  }

  /** Series count alike, whatever their unit. */
  endSeries(): void {
    const { capacity, demand, unmet } = this.series
    if (demand > 0) this.ratios.push({ capacity: capacity / demand, unmet: unmet / demand })
    this.series = { capacity: 0, demand: 0, unmet: 0 }
    this.last = Number.NaN
  }

  get figures(): { readonly shortPercent: number; readonly unmetPercent: number; readonly capacityToDemand: number; readonly changesPerDay: number } {
    return {
      shortPercent: (100 * this.short) / this.hours,
      unmetPercent: 100 * mean(this.ratios.map(({ unmet }) => unmet)),
      capacityToDemand: mean(this.ratios.map(({ capacity }) => capacity)),
      changesPerDay: (24 * this.changes) / this.hours,
    }
  }
}

export class Tallies {
  private readonly byPolicy = new Map<string, Tally>()

  of(policy: string): Tally {
    const tally = this.byPolicy.get(policy) ?? new Tally()
    this.byPolicy.set(policy, tally)
    return tally
  }

  endSeries(): void {
    for (const tally of this.byPolicy.values()) tally.endSeries()
  }

  render(): string {
    const rows = Array.from(this.byPolicy, ([policy, { figures }]) => [
      policy,
      `${figures.shortPercent.toFixed(2)} %`,
      `${figures.unmetPercent.toFixed(2)} %`,
      figures.capacityToDemand.toFixed(2),
      figures.changesPerDay.toFixed(1),
    ])
    return table(['policy', 'hours short', 'unmet demand', 'capacity:demand', 'changes a day'], rows)
  }

  toJSON(): unknown {
    return Object.fromEntries(Array.from(this.byPolicy, ([policy, { figures }]) => [policy, figures]))
  }
}
