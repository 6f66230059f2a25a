import type { CategoricalFactor, Factor, NumericFactor } from './factor.ts'

/** Writes the columns of one factor for a step of the series into `row` from `at` on. */
export interface FactorColumns {
  readonly count: number
  fill(row: Float64Array, at: number, index: number): void
}

/** Categories beyond the commonest so many count as none. */
const categoriesMax = 12
/** Waves of the day that a factor's effect may follow: heat in the afternoon is not heat at night. */
const waves = 2

/**
 * What a regression may read of a factor at a step.
 * @param length steps of the series that may be learnt from
 * @param period steps of a day, or of what comes nearest
 * @param lag steps back that are known at every step of the horizon
 */
export function columnsOf(factor: Factor, length: number, period: number, lag: number): FactorColumns {
  const shift = factor.known === 'ahead' ? 0 : lag
  return factor.kind === 'numeric' ? numericColumns(factor, length, period, lag, shift) : categoricalColumns(factor, length, period, shift)
}

/**
 * The value, its square, what it is above and below its quartiles, its move since `lag` steps ago, and the first two by the time of
 * day; centred, scaled and clipped to the range that was learnt from, beyond which a square leads anywhere.
 */
function numericColumns({ values }: NumericFactor, length: number, period: number, lag: number, shift: number): FactorColumns {
  const sorted = Float64Array.from({ length }, (_, index) => values[index]!)
    .filter(Number.isFinite)
    .sort()
  const quantile = (level: number): number => sorted[Math.floor(level * (sorted.length - 1))] ?? 0
  const [low, quarter, middle, threeQuarters, high] = [quantile(0), quantile(0.25), quantile(0.5), quantile(0.75), quantile(1)]
  const unit = threeQuarters - quarter > 0 ? threeQuarters - quarter : high - low > 0 ? high - low : 1
  const normal = (value: number): number => (Math.max(low, Math.min(high, value)) - middle) / unit
  const read = (index: number): number => {
    // Beyond the end, and in a gap, the latest that is known; where nothing is, the middle.
    for (let at = Math.min(Math.max(index, 0), values.length - 1); at >= 0; at--) if (Number.isFinite(values[at])) return normal(values[at]!)
    return 0
  }
  return {
    count: 5 + 4 * waves,
    fill(row, at, index) {
      const here = read(index - shift)
      row[at] = here
      row[at + 1] = here * here
      row[at + 2] = Math.max(0, here - normal(threeQuarters))
      row[at + 3] = Math.max(0, normal(quarter) - here)
      row[at + 4] = here - read(index - shift - lag)
      fillWaves(row, at + 5, index, period, here)
      fillWaves(row, at + 5 + 2 * waves, index, period, here * here)
    },
  }
}

/** One for each common category, by the time of day too, and whether it was another `lag` steps ago. */
function categoricalColumns({ values }: CategoricalFactor, length: number, period: number, shift: number): FactorColumns {
  const counts = new Map<string, number>()
  for (let index = 0; index < length; index++) counts.set(values[index]!, (counts.get(values[index]!) ?? 0) + 1)
  // The commonest is what the others are told from.
  const categories = [...counts].sort((a, b) => b[1] - a[1]).slice(1, categoriesMax + 1)
  const places = new Map(categories.map(([category], place) => [category, place]))
  const width = 1 + 2 * waves
  return {
    count: categories.length * width,
    fill(row, at, index) {
      row.fill(0, at, at + categories.length * width)
      const from = index - shift
      const place = from < 0 ? undefined : places.get(values[Math.min(from, values.length - 1)]!)
      if (place === undefined) return
      row[at + place * width] = 1
      fillWaves(row, at + place * width + 1, index, period, 1)
    },
  }
}

function fillWaves(row: Float64Array, at: number, index: number, period: number, amplitude: number): void {
  for (let wave = 1; wave <= waves; wave++) {
    const angle = (2 * Math.PI * wave * index) / period
    row[at + 2 * wave - 2] = amplitude * Math.cos(angle)
    row[at + 2 * wave - 1] = amplitude * Math.sin(angle)
  }
}
