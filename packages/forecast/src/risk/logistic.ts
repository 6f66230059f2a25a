/** Rows × columns in row order, with a 0 or 1 for each row. */
export interface LabelledRows {
  readonly columns: number
  readonly values: Float64Array
  readonly labels: Uint8Array
}

/**
 * Logistic regression by Newton's method (Hastie et al., The Elements of Statistical Learning, 2nd ed., §4.4.1) with a normal
 * prior on each weight: mean `prior[j]`, variance 1/`penalty`. Few rows leave the weights near the prior. The first column has to
 * be the constant, whose prior is a hundred times weaker.
 */
export function fitLogistic(rows: LabelledRows, prior: Float64Array, penalty: number): Float64Array {
  const { columns } = rows
  const weights = Float64Array.from(prior)
  for (let step = 0; step < 25; step++) {
    const { gradient, hessian } = derivatives(rows, weights)
    for (let j = 0; j < columns; j++) {
      const strength = j === 0 ? penalty / 100 : penalty
      gradient[j] = (gradient[j] ?? 0) - strength * ((weights[j] ?? 0) - (prior[j] ?? 0))
      hessian[j * columns + j] = (hessian[j * columns + j] ?? 0) + strength
    }
    const move = solveSymmetric(hessian, gradient)
    // A step of more than 2 in log-odds per unit comes from a nearly flat likelihood: go there, but not at once.
    const largest = move.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
    const scale = largest > 2 ? 2 / largest : 1
    for (let j = 0; j < columns; j++) weights[j] = (weights[j] ?? 0) + scale * (move[j] ?? 0)
    if (largest < 1e-6) break
  }
  return weights
}

export function logistic(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit))
}

function derivatives(rows: LabelledRows, weights: Float64Array): { gradient: Float64Array; hessian: Float64Array } {
  const { columns, values, labels } = rows
  const gradient = new Float64Array(columns)
  const hessian = new Float64Array(columns * columns)
  for (let row = 0; row < labels.length; row++) {
    const start = row * columns
    let logit = 0
    for (let j = 0; j < columns; j++) logit += (values[start + j] ?? 0) * (weights[j] ?? 0)
    const p = logistic(logit)
    const residual = (labels[row] ?? 0) - p
    const weight = p * (1 - p)
    for (let j = 0; j < columns; j++) {
      const value = values[start + j] ?? 0
      gradient[j] = (gradient[j] ?? 0) + residual * value
      for (let k = 0; k <= j; k++) hessian[j * columns + k] = (hessian[j * columns + k] ?? 0) + weight * value * (values[start + k] ?? 0)
    }
  }
  return { gradient, hessian }
}

/** Solves A x = b by Cholesky for a positive definite A of which only the lower half is read. */
function solveSymmetric(lower: Float64Array, right: Float64Array): Float64Array {
  const n = right.length
  const factor = Float64Array.from(lower)
  const at = (i: number, j: number): number => factor[i * n + j] ?? 0
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = at(i, j)
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k)
      factor[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / at(j, j)
    }
  }
  const x = Float64Array.from(right)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = (x[i] ?? 0) - at(i, k) * (x[k] ?? 0)
    x[i] = (x[i] ?? 0) / at(i, i)
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = (x[i] ?? 0) - at(k, i) * (x[k] ?? 0)
    x[i] = (x[i] ?? 0) / at(i, i)
  }
  return x
}
