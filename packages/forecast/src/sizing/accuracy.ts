import { ForecastError } from '../errors.ts'
import { requireNotNegative, requirePositive, requireProbability, requireWhole } from '../requirements.ts'

/** How the distribution has done lately: how often demand exceeded the quantile that should be exceeded `nominal` of the time. */
export interface MeasuredAccuracy {
  readonly nominal: number
  /** Of `count` independent decisions; parts of one are what `AccuracyTracker` counts. */
  readonly exceeded: number
  readonly count: number
}

/** How many decisions the claim of the distribution itself is worth. */
const priorCount = 40

/**
 * The probability to ask the distribution for, so that demand exceeds the answer with probability `wanted`: the log-odds are
 * moved by as much as the measured frequency, shrunk towards the nominal one, lies off it.
 */
export function correctForAccuracy(wanted: number, accuracy: MeasuredAccuracy | undefined): number {
  requireProbability('wanted', wanted)
  if (accuracy === undefined || wanted === 0 || wanted === 1) return wanted
  const { nominal, exceeded, count } = accuracy
  if (!(nominal > 0 && nominal < 1)) throw new ForecastError('accuracy.nominal', `must be between 0 and 1, not ${nominal}`)
  requireNotNegative('accuracy.count', count)
  if (!(exceeded >= 0 && exceeded <= count)) {
    throw new ForecastError('accuracy.exceeded', `must be a number from 0 to accuracy.count, not ${exceeded}`)
  }
  const real = (exceeded + priorCount * nominal) / (count + priorCount)
  const odds = (p: number): number => Math.log(p / (1 - p))
  const corrected = odds(wanted) - (odds(Math.min(real, 1 - 1e-9)) - odds(nominal))
  return 1 / (1 + Math.exp(-corrected))
}

/**
 * Counts for `correctForAccuracy` how often a quantile was exceeded. Decisions of which the outcome is known only `lead` decisions
 * later tell of the same outcomes: so many together count as one. What is `memory` decisions old counts 1/e.
 */
export class AccuracyTracker {
  readonly #nominal: number
  readonly #lead: number
  readonly #kept: number
  #exceeded = 0
  #count = 0

  constructor({ nominal, lead = 1, memory = 336 }: { readonly nominal: number; readonly lead?: number; readonly memory?: number }) {
    if (!(requireProbability('nominal', nominal) > 0 && nominal < 1)) throw new ForecastError('nominal', 'must be between 0 and 1')
    requireWhole('lead', lead, 1, 10_000)
    this.#nominal = nominal
    this.#lead = lead
    this.#kept = 1 - 1 / Math.max(1, requirePositive('memory', memory))
  }

  update(wasExceeded: boolean): void {
    this.#exceeded = this.#kept * this.#exceeded + (wasExceeded ? 1 : 0)
    this.#count = this.#kept * this.#count + 1
  }

  measured(): MeasuredAccuracy {
    return { nominal: this.#nominal, exceeded: this.#exceeded / this.#lead, count: this.#count / this.#lead }
  }
}

/**
 * Adaptive conformal control of one level (Gibbs & Candès 2021): after each outcome the asked-for probability moves by
 * γ·(wanted − missed), so that the long-run frequency is the wanted one, whatever the distribution is worth.
 */
export class AdaptiveLevel {
  readonly #wanted: number
  readonly #step: number
  #probability: number

  constructor(wanted: number, step = 0.005) {
    if (!(requireProbability('wanted', wanted) > 0 && wanted < 1)) throw new ForecastError('wanted', 'must be between 0 and 1')
    this.#wanted = wanted
    this.#step = requirePositive('step', step)
    this.#probability = wanted
  }

  /** P(exceeded) to ask the distribution for now. */
  get probability(): number {
    return Math.max(1e-4, Math.min(1 - 1e-4, this.#probability))
  }

  update(wasExceeded: boolean): void {
    // Left to run, a long quiet time would have to be paid back by as long a time of misses.
    this.#probability = Math.max(-0.05, Math.min(1.05, this.#probability + this.#step * (this.#wanted - (wasExceeded ? 1 : 0))))
  }
}
