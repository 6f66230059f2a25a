/** When it began, as a point of the window, with the points that are nearly as likely. */
export interface ChangePoint {
  readonly at: number
  readonly from: number
  readonly to: number
}

/** Half of the 95 % quantile of χ² with one degree of freedom: how much log-likelihood a 95 % interval may lose. */
const likelihoodLoss = 1.92

/**
 * The likeliest start of a lasting shift of the mean away from 0, known before, to the end of the scores (maximum likelihood,
 * Hinkley 1970), and the interval of starts whose log-likelihood is within 1.92 of it. `inflation` accounts for dependence.
 */
export function findChangePoint(scores: readonly number[], inflation: number): ChangePoint {
  let sum = 0
  const likelihood = scores.map(() => 0)
  for (let start = scores.length - 1; start >= 0; start--) {
    sum += scores[start] ?? 0
    likelihood[start] = (sum * sum) / (2 * inflation * (scores.length - start))
  }
  const best = Math.max(0, ...likelihood)
  const at = Math.max(0, likelihood.indexOf(best))
  const near = (value: number): boolean => value >= best - likelihoodLoss
  return { at, from: Math.max(0, Math.min(at, likelihood.findIndex(near))), to: Math.max(at, likelihood.findLastIndex(near)) }
}
