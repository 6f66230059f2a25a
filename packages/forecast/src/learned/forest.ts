/** Questions that each tree asks, one after the other. */
export const depth = 4
/** What each tree says something of: a low quantile, the median and a high one. */
export const outputs = 3

/**
 * Boosted oblivious trees (Kohavi 1994; Prokhorenkova et al. 2018): every node of a level asks the same question, so that a tree is `depth`
 * comparisons and a table of 2 ** depth rows. The sums of all trees' values are the predictions. Trees are shared by what is predicted, of which each
 * leaf has a value: to find the leaf is most of the work.
 */
export interface Forest {
  /** `outputs` values: what is said where no tree says anything. */
  readonly bases: Float32Array
  /** `depth` per tree: which feature is asked for, and whether it is above what. */
  readonly features: Uint8Array
  readonly thresholds: Int32Array
  /** `2 ** depth` times `outputs` per tree; bit `l` of the leaf's place is set where the answer at level `l` is yes. */
  readonly leaves: Float32Array
}

/** Features are kept in so many parts of one: whole numbers are compared without a branch, in half the time. */
export const parts = 2 ** 16

/**
 * @param table feature `f` of row `r` is at `f * rows + r`, in `parts`
 * @param into output `o` of row `r` comes to `o * rows + r`
 */
export function predictForest({ bases, features, thresholds, leaves }: Forest, table: Int32Array, rows: number, into: Float64Array): void {
  for (let output = 0; output < outputs; output++) into.fill(bases[output]!, output * rows, (output + 1) * rows)
  for (let question = 0, tree = 0; question < features.length; question += depth, tree += outputs * 2 ** depth) {
    const first = features[question]! * rows
    const second = features[question + 1]! * rows
    const third = features[question + 2]! * rows
    const fourth = features[question + 3]! * rows
    const aboveFirst = thresholds[question]!
    const aboveSecond = thresholds[question + 1]!
    const aboveThird = thresholds[question + 2]!
    const aboveFourth = thresholds[question + 3]!
    for (let row = 0; row < rows; row++) {
      // The sign of a difference is the answer.
      const low = ((aboveFirst - table[first + row]!) >>> 31) | (((aboveSecond - table[second + row]!) >>> 31) << 1)
      const high = (((aboveThird - table[third + row]!) >>> 31) << 2) | (((aboveFourth - table[fourth + row]!) >>> 31) << 3)
      const leaf = tree + outputs * (low | high)
      into[row] = into[row]! + leaves[leaf]!
      into[rows + row] = into[rows + row]! + leaves[leaf + 1]!
      into[2 * rows + row] = into[2 * rows + row]! + leaves[leaf + 2]!
    }
  }
}
