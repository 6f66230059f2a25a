import type { Forest } from './forest.ts'
import { depth, outputs } from './forest.ts'

/** Bytes before the features. */
const head = 4 + 4 * outputs

/** A forest as text: base64 of the number of trees (32 bits), and bases, features, thresholds and leaves one after the other, little-endian. */
export function packForest({ bases, features, thresholds, leaves }: Forest): string {
  const bytes = new Uint8Array(head + features.length + 4 * (thresholds.length + leaves.length))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, features.length / depth, true)
  bases.forEach((base, output) => view.setFloat32(4 + 4 * output, base, true))
  bytes.set(features, head)
  const first = head + features.length
  thresholds.forEach((threshold, index) => view.setInt32(first + 4 * index, threshold, true))
  leaves.forEach((leaf, index) => view.setFloat32(first + 4 * (thresholds.length + index), leaf, true))
  return Buffer.from(bytes).toString('base64')
}

export function unpackForest(text: string): Forest {
  const bytes = Buffer.from(text, 'base64')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const trees = view.getUint32(0, true)
  const questions = trees * depth
  const first = head + questions
  return {
    bases: Float32Array.from({ length: outputs }, (_, output) => view.getFloat32(4 + 4 * output, true)),
    features: Uint8Array.from(bytes.subarray(head, first)),
    thresholds: Int32Array.from({ length: questions }, (_, index) => view.getInt32(first + 4 * index, true)),
    leaves: Float32Array.from({ length: trees * outputs * 2 ** depth }, (_, index) => view.getFloat32(first + 4 * (questions + index), true)),
  }
}
