/** Over how many points evidence is gathered. */
export const windowLengths = [3, 6, 12, 24, 36, 72] as const
/** A point counts for no more typical errors than this, so that a single spike is never a change. */
const winsorLimit = 3
/** Means of the errors, of either sign, and means of their sizes. */
export const statisticCount = 2 * windowLengths.length

export function winsorise(score: number): number {
  return Math.max(-winsorLimit, Math.min(winsorLimit, score))
}

/**
 * The running maxima of |mean of the last L scores| and of the mean of their sizes, for each length L. Scores are winsorised.
 * The time of an `add` does not grow with the points before.
 */
export class WindowMeans {
  readonly maxima = new Float64Array(statisticCount)
  readonly #sums: number[] = [0]
  readonly #sizes: number[] = [0]

  add(score: number): void {
    const clipped = winsorise(score)
    this.#sums.push((this.#sums.at(-1) ?? 0) + clipped)
    this.#sizes.push((this.#sizes.at(-1) ?? 0) + Math.abs(clipped))
    const end = this.#sums.length - 1
    windowLengths.forEach((length, index) => {
      if (end < length) return
      const mean = Math.abs((this.#sums[end] ?? 0) - (this.#sums[end - length] ?? 0)) / length
      const size = ((this.#sizes[end] ?? 0) - (this.#sizes[end - length] ?? 0)) / length
      this.maxima[index] = Math.max(this.maxima[index] ?? 0, mean)
      const sizeIndex = index + windowLengths.length
      this.maxima[sizeIndex] = Math.max(this.maxima[sizeIndex] ?? 0, size)
    })
  }
}
