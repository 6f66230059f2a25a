import { ForecastError } from './errors.ts'

/** Distribution function of the standard normal; absolute error below 1.2e-7 (Numerical Recipes' erfc, 2nd ed., §6.2). */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  const t = 1 / (1 + 0.5 * z)
  const tail = 0.5 * t * Math.exp(-z * z + polynomial(erfc, t))
  return x >= 0 ? 1 - tail : tail
}

/**
 * Quantile of the standard normal for a probability in (0, 1); relative error below 1.15e-9 (P. J. Acklam's rational
 * approximation).
 */
export function normalQuantile(probability: number): number {
  if (!(probability > 0 && probability < 1)) throw new ForecastError('probability', `must be between 0 and 1, not ${probability}`)
  if (probability > 0.5) return -normalQuantile(1 - probability)
  if (probability < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(probability))
    return polynomial(tailNumerator, q) / (polynomial(tailDenominator, q) * q + 1)
  }
  const q = probability - 0.5
  const r = q * q
  return (polynomial(centreNumerator, r) * q) / (polynomial(centreDenominator, r) * r + 1)
}

const erfc = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223]
const centreNumerator = [-3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1, 2.506628277459239]
const centreDenominator = [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1]
const tailNumerator = [-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783]
const tailDenominator = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416]

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0)
}
