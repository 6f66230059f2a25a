/** `normal = (value - centre) / unit`, so that models, their penalties and their clips see the same numbers whatever the unit is. */
export interface Scale {
  readonly centre: number
  /** 1 for a constant series, which has none of its own. */
  readonly unit: number
}

/** Centre: the median. Unit: the mean absolute distance from it, which a single spike moves less than it moves a variance. */
export function scaleOf(values: Float64Array): Scale {
  const sorted = values.filter(Number.isFinite).sort()
  const centre = sorted[sorted.length >> 1]!
  let sum = 0
  for (const value of sorted) sum += Math.abs(value - centre) / sorted.length
  // What is left of a constant after rounding is no scale.
  return { centre, unit: sum > 1e-12 * Math.abs(centre) ? sum : 1 }
}
