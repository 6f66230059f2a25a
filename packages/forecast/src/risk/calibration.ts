import { ForecastError } from '../errors.ts'
import { requireProbability } from '../requirements.ts'

/** One bar of a reliability diagram: forecasts between two probabilities, and how often it happened. */
export interface ReliabilityBin {
  readonly count: number
  readonly meanForecast: number
  readonly observedShare: number
}
export interface Calibration {
  readonly count: number
  readonly baseRate: number
  /** Mean squared error of the probability (Brier 1950). */
  readonly brier: number
  /** 1 − Brier / Brier of always saying the base rate; 0 where the outcomes are all alike. */
  readonly brierSkill: number
  /** Probability that an event got the higher forecast than a non-event; 0.5 where the outcomes are all alike. */
  readonly auc: number
  /** Mean distance of forecast and frequency over the bins, weighted by their counts (Naeini et al. 2015). */
  readonly expectedCalibrationError: number
  /** Ten bins of equal width; empty ones are left out. */
  readonly reliability: readonly ReliabilityBin[]
}

/** Scores probabilities against what happened (1) or did not (0); both of length n ≥ 1. */
export function scoreCalibration(forecasts: Float64Array, outcomes: Uint8Array): Calibration {
  if (forecasts.length === 0) throw new ForecastError('forecasts', 'must not be empty')
  if (outcomes.length !== forecasts.length) throw new ForecastError('outcomes', 'must be as long as forecasts')
  forecasts.forEach((p, i) => requireProbability(`forecasts[${i}]`, p))
  const count = forecasts.length
  const baseRate = outcomes.reduce((sum, y) => sum + y, 0) / count
  const brier = forecasts.reduce((sum, p, i) => sum + (p - (outcomes[i] ?? 0)) ** 2, 0) / count
  const uncertainty = baseRate * (1 - baseRate)
  const reliability = reliabilityBins(forecasts, outcomes)
  return {
    count,
    baseRate,
    brier,
    brierSkill: uncertainty === 0 ? 0 : 1 - brier / uncertainty,
    auc: areaUnderRoc(forecasts, outcomes),
    expectedCalibrationError: reliability.reduce((sum, bin) => sum + (bin.count / count) * Math.abs(bin.meanForecast - bin.observedShare), 0),
    reliability,
  }
}

function reliabilityBins(forecasts: Float64Array, outcomes: Uint8Array): readonly ReliabilityBin[] {
  const bins = Array.from({ length: 10 }, () => ({ count: 0, forecast: 0, observed: 0 }))
  forecasts.forEach((p, i) => {
    const bin = bins[Math.min(9, Math.floor(p * 10))]
    if (bin === undefined) return
    bin.count += 1
    bin.forecast += p
    bin.observed += outcomes[i] ?? 0
  })
  return bins
    .filter((bin) => bin.count > 0)
    .map((bin) => ({ count: bin.count, meanForecast: bin.forecast / bin.count, observedShare: bin.observed / bin.count }))
}

/** Mann–Whitney's U by ranks, ties at their mean rank. */
function areaUnderRoc(forecasts: Float64Array, outcomes: Uint8Array): number {
  const order = Array.from(forecasts.keys()).sort((a, b) => (forecasts[a] ?? 0) - (forecasts[b] ?? 0))
  let events = 0
  let rankSum = 0
  for (let start = 0; start < order.length;) {
    let end = start
    let eventsInTie = 0
    const value = forecasts[order[start] ?? 0]
    while (end < order.length && forecasts[order[end] ?? 0] === value) eventsInTie += outcomes[order[end++] ?? 0] ?? 0
    rankSum += eventsInTie * ((start + 1 + end) / 2)
    events += eventsInTie
    start = end
  }
  const others = order.length - events
  return events === 0 || others === 0 ? 0.5 : (rankSum - (events * (events + 1)) / 2) / (events * others)
}
