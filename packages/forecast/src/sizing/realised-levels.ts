import { ForecastError } from '../errors.ts'
import { requirePositive, requireProbability, requireWhole } from '../requirements.ts'

/** What is to be asked of a distribution, so that something happens with the wanted probability. */
export interface Recalibration {
  /** Never falls as `wanted` rises. */
  ask(wanted: number): number
}

/** How many decisions the claim of the distributions themselves is worth, and at most all other series of the group. */
const [claimWeight, groupWeight] = [20, 200]
/** Bins are a tenth wide in log-odds, so that small probabilities are told apart as well as large ones. */
const [bins, binsPerUnit] = [280, 10]
const edges = Float64Array.from({ length: bins + 1 }, (_, edge) => 1 / (1 + Math.exp(-(edge - bins / 2) / binsPerUnit)))

/** Counts of P(exceeded) by bin. */
class Counts {
  readonly inBins = new Uint32Array(bins)
  total = 0

  add(bin: number, sign: 1 | -1): void {
    this.inBins[bin]! += sign
    this.total += sign
  }
}

/** Series that are sized alike, by decisions of the same lead: what came of all tells each of them what its distribution is worth. */
export class RealisedLevelsGroup {
  /** @internal */
  readonly counts = new Counts()
}

/**
 * What came of decisions, as the probability of exceeding it that had been told. Of true distributions these are uniform (Dawid 1984);
 * where more are small than should be, less has to be asked for: the wanted share of them is below what is asked (Kuleshov et al.
 * 2018, recalibration by the realised levels). A series' own outcomes are shrunk to those of its group, and both to the distributions' claim.
 */
export class RealisedLevels implements Recalibration {
  private readonly lead: number
  private readonly kept: Uint16Array
  private readonly own = new Counts()
  private readonly group: RealisedLevelsGroup
  private next = 0

  /**
   * @param options `lead`: so many neighbouring decisions tell of the same outcomes, and count as one; `memory`: how many decisions are kept
   * @throws ForecastError naming `lead` or `memory`
   */
  constructor(options: { readonly lead?: number; readonly memory?: number; readonly group?: RealisedLevelsGroup } = {}) {
    const { lead = 1, memory = 336, group = new RealisedLevelsGroup() } = options
    requirePositive('lead', lead)
    if (lead < 1) throw new ForecastError('lead', `must be at least 1, not ${lead}`)
    requireWhole('memory', memory, 1, 100_000)
    this.lead = lead
    this.kept = new Uint16Array(memory)
    this.group = group
  }

  /** @param exceedance P(demand exceeds what came), as `exceedanceOf` tells it of the distribution before any correction */
  update(exceedance: number): void {
    const p = requireProbability('exceedance', exceedance)
    const bin = Math.max(0, Math.min(bins - 1, Math.floor(binsPerUnit * Math.log(p / (1 - p)) + bins / 2)))
    if (this.own.total === this.kept.length) this.count(this.kept[this.next]!, -1)
    this.kept[this.next] = bin
    this.next = (this.next + 1) % this.kept.length
    this.count(bin, 1)
  }

  ask(wanted: number): number {
    requireProbability('wanted', wanted)
    if (wanted === 0 || wanted === 1) return wanted
    const { own, lead } = this
    const all = this.group.counts
    const perOwn = 1 / lead
    const perAny = all.total > 0 ? Math.min(1 / lead, groupWeight / all.total) : 0
    const target = wanted * (perOwn * own.total + perAny * all.total + claimWeight)
    let below = 0
    for (let bin = 0; bin < bins; bin++) {
      const [low, high] = [bin === 0 ? 0 : edges[bin]!, bin === bins - 1 ? 1 : edges[bin + 1]!]
      const within = perOwn * own.inBins[bin]! + perAny * all.inBins[bin]! + claimWeight * (high - low)
      if (below + within >= target) return low + ((target - below) / within) * (high - low)
      below += within
    }
    return 1
  }

  private count(bin: number, sign: 1 | -1): void {
    this.own.add(bin, sign)
    this.group.counts.add(bin, sign)
  }
}
