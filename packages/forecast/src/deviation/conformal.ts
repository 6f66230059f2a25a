/** How many of the largest past values hold the tail beyond them. */
const tailCount = 8

/** The `level` quantile of values that are sorted from small to large; between neighbours linear. */
export function sortedQuantile(sorted: Float64Array, level: number): number {
  const place = level * (sorted.length - 1)
  const low = Math.floor(place)
  const [a = 0, b = a] = [sorted[low], sorted[low + 1]]
  return a + (place - low) * (b - a)
}

/**
 * What a new value, exchangeable with n sorted past ones, exceeds with probability `alpha`: the ⌈(n + 1)(1 − α)⌉-th of them
 * (Vovk et al. 2005). Beyond what n can resolve, an exponential tail through the largest ones (Pickands 1975).
 */
export function conformalThreshold(sorted: Float64Array, alpha: number): number {
  const n = sorted.length
  const held = Math.min(tailCount, n)
  const tailAlpha = held / (n + 1)
  if (alpha >= tailAlpha) return sorted[Math.min(n - 1, Math.ceil((n + 1) * (1 - alpha)) - 1)] ?? 0
  const { start, meanExcess } = tailOf(sorted, held)
  return start + meanExcess * Math.log(tailAlpha / alpha)
}

/** P(a new value is at least this large); never 0, and the inverse of `conformalThreshold` up to steps. */
export function conformalProbability(sorted: Float64Array, value: number): number {
  const n = sorted.length
  const held = Math.min(tailCount, n)
  const { start, meanExcess } = tailOf(sorted, held)
  if (value > start && held < n) return Math.max(1e-12, (held / (n + 1)) * Math.exp(-(value - start) / Math.max(meanExcess, 1e-9)))
  let low = 0
  let high = n
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return (n - low + 1) / (n + 1)
}

function tailOf(sorted: Float64Array, held: number): { readonly start: number; readonly meanExcess: number } {
  const start = sorted[sorted.length - held] ?? 0
  const excess = sorted.subarray(sorted.length - held).reduce((sum, value) => sum + value - start, 0)
  // The largest of few past values understate what may come; a quarter of their size is taken, at least.
  return { start, meanExcess: Math.max(excess / held, Math.abs(start) / 4, 1e-9) }
}
