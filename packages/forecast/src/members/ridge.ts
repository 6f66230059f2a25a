/**
 * Ridge regression by the normal equations and Cholesky (Hoerl, Kennard 1970): minimises `|y - X b|² + penalty · |b|²`, column 0,
 * the constant, not punished. Rows are added one at a time; memory is columns².
 */
export class Ridge {
  private readonly gram: Float64Array
  private readonly moments: Float64Array
  readonly columns: number

  constructor(columns: number) {
    this.columns = columns
    this.gram = new Float64Array(columns * columns)
    this.moments = new Float64Array(columns)
  }

  add(row: Float64Array, target: number): void {
    const { columns, gram, moments } = this
    for (let i = 0; i < columns; i++) {
      const value = row[i]!
      moments[i] = moments[i]! + value * target
      for (let j = 0; j <= i; j++) gram[i * columns + j] = gram[i * columns + j]! + value * row[j]!
    }
  }

  /** Coefficients, `columns` of them; undefined where the rows do not determine them. */
  solve(penalty: number): Float64Array | undefined {
    const { columns, moments } = this
    const lower = Float64Array.from(this.gram)
    for (let i = 0; i < columns; i++) lower[i * columns + i] = lower[i * columns + i]! + (i === 0 ? 1e-9 : penalty)
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = lower[i * columns + j]!
        for (let k = 0; k < j; k++) sum -= lower[i * columns + k]! * lower[j * columns + k]!
        if (i !== j) lower[i * columns + j] = sum / lower[j * columns + j]!
        else if (sum > 1e-12) lower[i * columns + i] = Math.sqrt(sum)
        else return undefined
      }
    }
    return substitute(lower, moments, columns)
  }
}

function substitute(lower: Float64Array, right: Float64Array, columns: number): Float64Array {
  const solution = Float64Array.from(right)
  for (let i = 0; i < columns; i++) {
    let sum = solution[i]!
    for (let k = 0; k < i; k++) sum -= lower[i * columns + k]! * solution[k]!
    solution[i] = sum / lower[i * columns + i]!
  }
  for (let i = columns - 1; i >= 0; i--) {
    let sum = solution[i]!
    for (let k = i + 1; k < columns; k++) sum -= lower[k * columns + i]! * solution[k]!
    solution[i] = sum / lower[i * columns + i]!
  }
  return solution
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!
  return sum
}
