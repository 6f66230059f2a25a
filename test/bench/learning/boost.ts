import type { Random } from '@understudy/core'
import type { Forest } from '@understudy/forecast/learned'
import { depth, outputs } from '@understudy/forecast/learned'

export interface Boosting {
  readonly trees: number
  /** The share of each tree's values that is taken. */
  readonly rate: number
  readonly random: Random
}

/** Between so many quantiles of a feature questions are asked. */
const edgesMax = 63
/** The shares of features and rows that a tree is grown from. */
const [ofFeatures, ofRows] = [0.4, 0.5]
/** Neighbouring rows, those of one forecast, are taken or left together. */
const together = 24
/** Weight that is added to each leaf: a value that few rows show counts less. */
const [inGain, inLeaf] = [5, 100]

/** Features as the questions see them. */
export interface Binned {
  /** Per feature, ascending. */
  readonly edges: readonly Int32Array[]
  /** Per feature and row: how many edges its value is above. */
  readonly bins: readonly Uint8Array[]
}

/** @param columns one per feature, in `parts` */
export function binned(columns: readonly Int32Array[]): Binned {
  const edges = columns.map(edgesOf)
  return { edges, bins: columns.map((column, feature) => binsOf(column, edges[feature]!)) }
}

/**
 * Boosts trees on the loss of the quantiles `levels`, which share them (stochastic gradient boosting; Friedman 2002): each tree divides the signs of
 * all errors, and its leaves take the quantiles of what is left.
 */
export function boostQuantiles(
  { edges, bins }: Binned,
  targets: Float64Array,
  weights: Float64Array,
  levels: readonly number[],
  { trees, rate, random }: Boosting,
): Forest {
  const rows = targets.length
  const order = new Uint32Array(rows)
  const all = Uint32Array.from({ length: rows }, (_, row) => row)
  const bases = Float32Array.from(levels, (level) => weightedQuantile(targets, weights, all, level, 0))
  const left = Array.from(bases, (base) => targets.map((target) => target - base))
  const features = new Uint8Array(trees * depth)
  const thresholds = new Int32Array(trees * depth)
  const leaves = new Float32Array(trees * outputs * 2 ** depth)
  const leafOf = new Uint8Array(rows)
  const size = 2 ** depth
  for (let tree = 0; tree < trees; tree++) {
    const isTaken = Uint8Array.from({ length: Math.ceil(rows / together) }, () => (random.next() < ofRows ? 1 : 0))
    const sample = all.filter((row) => isTaken[Math.floor(row / together)] === 1)
    leafOf.fill(0)
    for (let depthNow = 0; depthNow < depth; depthNow++) {
      const asked = bins.map((_, feature) => feature).filter(() => random.next() < ofFeatures)
      const { feature, edge } = bestQuestion(asked.length > 0 ? asked : [0], {
        bins,
        edges,
        sample,
        leafOf,
        left,
        weights,
        levels,
        leaves: 1 << depthNow,
      })
      features[tree * depth + depthNow] = feature
      thresholds[tree * depth + depthNow] = edges[feature]![edge]!
      const column = bins[feature]!
      for (let row = 0; row < rows; row++) if (column[row]! > edge) leafOf[row] = leafOf[row]! | (1 << depthNow)
    }
    // Rows by leaf, by counting.
    const starts = new Uint32Array(size + 1)
    for (let row = 0; row < rows; row++) starts[leafOf[row]! + 1] = starts[leafOf[row]! + 1]! + 1
    for (let leaf = 0; leaf < size; leaf++) starts[leaf + 1] = starts[leaf + 1]! + starts[leaf]!
    const next = starts.slice()
    for (let row = 0; row < rows; row++) order[next[leafOf[row]!]!++] = row
    for (let leaf = 0; leaf < size; leaf++) {
      const within = order.subarray(starts[leaf], starts[leaf + 1])
      levels.forEach((level, output) => {
        const value = within.length === 0 ? 0 : rate * weightedQuantile(left[output]!, weights, within, level, inLeaf)
        leaves[(tree * size + leaf) * outputs + output] = value
      })
    }
    left.forEach((errors, output) => {
      for (let row = 0; row < rows; row++) errors[row] = errors[row]! - leaves[(tree * size + leafOf[row]!) * outputs + output]!
    })
  }
  return { bases, features, thresholds, leaves }
}

interface Growing {
  readonly bins: readonly Uint8Array[]
  readonly edges: readonly Int32Array[]
  readonly sample: Uint32Array
  readonly leafOf: Uint8Array
  /** Per level. */
  readonly left: readonly Float64Array[]
  readonly weights: Float64Array
  readonly levels: readonly number[]
  readonly leaves: number
}

/** The question, the same for all leaves, whose answers divide the signs of the errors best. */
function bestQuestion(asked: readonly number[], growing: Growing): { readonly feature: number; readonly edge: number } {
  const { bins, edges, sample, leafOf, left, weights, levels, leaves } = growing
  const width = edgesMax + 1
  const gradients = new Float64Array(leaves * width)
  const totals = new Float64Array(leaves * width)
  let best = { feature: asked[0]!, edge: 0, gain: -Infinity }
  for (const feature of asked) {
    const column = bins[feature]!
    totals.fill(0)
    for (let index = 0; index < sample.length; index++) {
      const row = sample[index]!
      const at = leafOf[row]! * width + column[row]!
      totals[at] = totals[at]! + weights[row]!
    }
    const gains = new Float64Array(edges[feature]!.length)
    levels.forEach((level, output) => {
      const errors = left[output]!
      gradients.fill(0)
      for (let index = 0; index < sample.length; index++) {
        const row = sample[index]!
        const at = leafOf[row]! * width + column[row]!
        gradients[at] = gradients[at]! + weights[row]! * (errors[row]! > 0 ? level : level - 1)
      }
      // The gradients of a level vary by level * (1 - level): counted in that unit, each level has as much of a say.
      const unit = level * (1 - level)
      for (let leaf = 0; leaf < leaves; leaf++) {
        let [all, total] = [0, 0]
        for (let bin = 0; bin < width; bin++) {
          all += gradients[leaf * width + bin]!
          total += totals[leaf * width + bin]!
        }
        let [below, weight] = [0, 0]
        for (let edge = 0; edge < gains.length; edge++) {
          below += gradients[leaf * width + edge]!
          weight += totals[leaf * width + edge]!
          gains[edge] = gains[edge]! + (below ** 2 / (weight + inGain) + (all - below) ** 2 / (total - weight + inGain)) / unit
        }
      }
    })
    gains.forEach((gain, edge) => {
      if (gain > best.gain) best = { feature, edge, gain }
    })
  }
  return best
}

function edgesOf(column: Int32Array): Int32Array {
  const sorted = column.toSorted()
  const edges = Array.from({ length: edgesMax }, (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / (edgesMax + 1))]!)
  return Int32Array.from(new Set(edges))
}

/** How many edges each value is above. */
function binsOf(column: Int32Array, edges: Int32Array): Uint8Array {
  return Uint8Array.from(column, (value) => {
    let [low, high] = [0, edges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (value > edges[middle]!) low = middle + 1
      else high = middle
    }
    return low
  })
}

/** By halving the range; what is found is within a billionth of it. @param atZero weight of an outcome of 0 that the result is drawn to */
function weightedQuantile(values: Float64Array, weights: Float64Array, rows: Uint32Array, level: number, atZero: number): number {
  let [low, high, total] = [Infinity, -Infinity, 0]
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!
    low = Math.min(low, values[row]!)
    high = Math.max(high, values[row]!)
    total += weights[row]!
  }
  for (let round = 0; round < 30; round++) {
    const middle = (low + high) / 2
    let below = 0
    for (let index = 0; index < rows.length; index++) if (values[rows[index]!]! <= middle) below += weights[rows[index]!]!
    if (below >= level * total) high = middle
    else low = middle
  }
  return (high * total) / (total + atZero)
}
