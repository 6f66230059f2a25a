/**
 * A copy without gaps, for models that need every value: a gap becomes the mean of the nearest finite values at the same place of
 * the cycle before and after, or, where there are none, the nearest finite value. Scores never count a filled value.
 * @param values at least one finite entry; NaN where there is a gap
 */
export function fillGaps(values: Float64Array, period: number): Float64Array {
  const filled = Float64Array.from(values)
  for (let index = 0; index < values.length; index++) {
    if (Number.isFinite(values[index])) continue
    const before = nearest(values, index, -period)
    const after = nearest(values, index, period)
    if (before !== undefined && after !== undefined) filled[index] = (before + after) / 2
    else filled[index] = before ?? after ?? nearest(values, index, -1) ?? nearest(values, index, 1) ?? 0
  }
  return filled
}

function nearest(values: Float64Array, from: number, stride: number): number | undefined {
  for (let index = from + stride; index >= 0 && index < values.length; index += stride) {
    const value = values[index]!
    if (Number.isFinite(value)) return value
  }
  return undefined
}
