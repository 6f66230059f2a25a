import { dieboldMariano } from './diebold-mariano.ts'

/** One forecast that came due, beside what seasonal naive had said for the same point. */
export interface Outcome {
  readonly actual: number
  readonly forecast: number
  readonly naive: number
  /** The share of the predictive distribution at or below what came (`levelOf`). */
  readonly level: number
}

export interface Score {
  readonly count: number
  /** Mean absolute error, in the unit of the outcomes. */
  readonly mae: number
  /** MAE over seasonal naive's; below 1 is better than the yardstick. NaN without outcomes. */
  readonly ratio: number
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

/** The last `size` outcomes of one series at one horizon; adding one takes constant time. */
export class Scorecard {
  private readonly outcomes: Outcome[] = []
  private next = 0
  private readonly horizon: number
  private readonly size: number

  constructor(horizon: number, size = 336) {
    this.horizon = horizon
    this.size = size
  }

  add(outcome: Outcome): void {
    this.outcomes[this.next] = outcome
    this.next = (this.next + 1) % this.size
  }

  score(): Score {
    const ordered = this.outcomes.length < this.size ? this.outcomes : [...this.outcomes.slice(this.next), ...this.outcomes.slice(0, this.next)]
    const losses = Float64Array.from(ordered, ({ actual, forecast }) => Math.abs(actual - forecast))
    const naive = Float64Array.from(ordered, (outcome) => Math.abs(outcome.actual - outcome.naive))
    const count = ordered.length
    const within = (share: number): number => ordered.filter(({ level }) => Math.abs(level - 0.5) <= share / 2).length / count
    const pit = Array.from({ length: 10 }, (_, bin) => ordered.filter(({ level }) => Math.min(9, Math.floor(level * 10)) === bin).length / count)
    const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0)
    const naiveLoss = sum(naive)
    const ratio = naiveLoss > 0 ? sum(losses) / naiveLoss : sum(losses) === 0 && count > 0 ? 1 : Infinity
    return {
      count,
      mae: sum(losses) / count,
      ratio: count === 0 ? NaN : ratio,
      coverage80: within(0.8),
      coverage95: within(0.95),
      pit,
      p: dieboldMariano(losses, naive, this.horizon).p,
    }
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
