import { requireFinite, requireNotNegative, requireProbability, requireWhole } from '../requirements.ts'
import { dieboldMariano } from './diebold-mariano.ts'

/** One forecast that came due, beside what seasonal naive had said for the same point. */
export interface Outcome {
  readonly actual: number
  readonly forecast: number
  readonly naive: number
  /** The share of the predictive distribution at or below what came (`levelOf`). */
  readonly level: number
  /** Of the predictive distribution (`crps`), in the unit of the others. */
  readonly crps: number
}

/** Without outcomes the count is 0 and the rest says nothing: errors of 0, a ratio of 1, coverages of 0, a p of 0.5. */
export interface Score {
  readonly count: number
  /** Mean absolute error, in the unit of the outcomes. */
  readonly mae: number
  /** MAE over seasonal naive's; below 1 is better than the yardstick. Infinity where seasonal naive alone made no error. */
  readonly ratio: number
  /** Mean continuous ranked probability score, in the unit of the outcomes: the error of the whole distribution, as MAE is of its median. */
  readonly crps: number
  /** Share of outcomes within the central 80 % and 95 %. */
  readonly coverage80: number
  readonly coverage95: number
  /** Share of outcomes per tenth of the predictive distribution; flat where it is calibrated. */
  readonly pit: readonly number[]
  /** Probability of a lead this large over seasonal naive by chance (Diebold–Mariano, one-sided). */
  readonly p: number
}

export type Verdict = {
  readonly verdict: 'act' | 'advise' | 'silent'
  readonly reasons: readonly string[]
}

/** Columns of one kept outcome. */
const [lossColumn, naiveColumn, levelColumn, crpsColumn, columns] = [0, 1, 2, 3, 4]
const tenths = 10

/** The last `size` outcomes of one series so many steps ahead, and their sums: adding one takes constant time. */
export class Scorecard {
  private readonly horizon: number
  private readonly size: number
  /** [outcome × columns + column], in a ring; made when there is something to keep. */
  private kept = new Float64Array(0)
  private next = 0
  private count = 0
  private readonly sums = { loss: 0, naive: 0, crps: 0, within80: 0, within95: 0 }
  private readonly pit = new Int32Array(tenths)

  /**
   * @param horizon how many steps ahead the forecasts were: so many neighbours tell of the same errors
   * @throws ForecastError naming `horizon` or `size`
   */
  constructor(horizon: number, size = 336) {
    requireWhole('horizon', horizon, 1, 10_000)
    requireWhole('size', size, 1, 1_000_000)
    this.horizon = horizon
    this.size = size
  }

  /** @throws ForecastError naming the entry of the outcome that is not finite */
  add(outcome: Outcome): void {
    const loss = Math.abs(requireFinite('actual', outcome.actual) - requireFinite('forecast', outcome.forecast))
    const naive = Math.abs(outcome.actual - requireFinite('naive', outcome.naive))
    const level = requireProbability('level', outcome.level)
    const score = requireNotNegative('crps', outcome.crps)
    if (this.kept.length === 0) this.kept = new Float64Array(this.size * columns)
    const at = this.next * columns
    if (this.count === this.size) this.tally(at, -1)
    else this.count++
    this.kept[at + lossColumn] = loss
    this.kept[at + naiveColumn] = naive
    this.kept[at + levelColumn] = level
    this.kept[at + crpsColumn] = score
    this.tally(at, 1)
    this.next = (this.next + 1) % this.size
    // What adding and taking away leaves of rounding is cleared once a round.
    if (this.next === 0) this.sumAnew()
  }

  score(): Score {
    const { count, sums } = this
    if (count === 0) return { count, mae: 0, ratio: 1, crps: 0, coverage80: 0, coverage95: 0, pit: Array.from(this.pit), p: 0.5 }
    const ordered = (column: number): Float64Array => {
      const first = count === this.size ? this.next : 0
      return Float64Array.from({ length: count }, (_, index) => this.kept[((first + index) % this.size) * columns + column]!)
    }
    const [losses, naive] = [ordered(lossColumn), ordered(naiveColumn)]
    return {
      count,
      mae: Math.max(0, sums.loss) / count,
      ratio: naive.some((loss) => loss > 0) ? Math.max(0, sums.loss) / sums.naive : losses.some((loss) => loss > 0) ? Infinity : 1,
      crps: Math.max(0, sums.crps) / count,
      coverage80: sums.within80 / count,
      coverage95: sums.within95 / count,
      pit: Array.from(this.pit, (share) => share / count),
      p: dieboldMariano(losses, naive, this.horizon).p,
    }
  }

  private tally(at: number, sign: 1 | -1): void {
    const { kept, sums } = this
    const level = kept[at + levelColumn]!
    sums.loss += sign * kept[at + lossColumn]!
    sums.naive += sign * kept[at + naiveColumn]!
    sums.crps += sign * kept[at + crpsColumn]!
    if (Math.abs(level - 0.5) <= 0.4) sums.within80 += sign
    if (Math.abs(level - 0.5) <= 0.475) sums.within95 += sign
    const bin = Math.min(tenths - 1, Math.floor(level * tenths))
    this.pit[bin] = this.pit[bin]! + sign
  }

  private sumAnew(): void {
    Object.assign(this.sums, { loss: 0, naive: 0, crps: 0, within80: 0, within95: 0 })
    this.pit.fill(0)
    for (let index = 0; index < this.count; index++) this.tally(index * columns, 1)
  }
}

/** Below so many outcomes nothing is known yet. */
const leastOutcomes = 48

/**
 * Whether a forecast may change anything by itself. It may not unless it beat seasonal naive on the series' own recent data beyond
 * chance, with intervals that held what they promised.
 */
export function verdictOf(score: Score): Verdict {
  const { count, ratio, coverage80, p } = score
  if (count < leastOutcomes) return { verdict: 'silent', reasons: [`${count} outcomes are known, and ${leastOutcomes} are the least`] }
  if (ratio > 1) return { verdict: 'silent', reasons: [`the error is ${ratio.toFixed(2)} of seasonal naive's`] }
  const reasons: string[] = []
  if (p > 0.1) reasons.push(`the lead over seasonal naive may be chance (p = ${p.toFixed(2)})`)
  if (coverage80 < 0.7) reasons.push(`the 80 % interval held ${(100 * coverage80).toFixed(0)} % of outcomes`)
  if (reasons.length > 0) return { verdict: 'advise', reasons }
  return { verdict: 'act', reasons: [`the error is ${ratio.toFixed(2)} of seasonal naive's (p = ${p.toFixed(2)})`] }
}
