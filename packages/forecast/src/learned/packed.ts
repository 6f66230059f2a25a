import type { Forest } from './forest.ts'
import { depth } from './forest.ts'

/** A forest as text: base64 of the number of trees (32 bits), the base, and features, thresholds and leaves one after the other, little-endian. */
export function packForest({ base, features, thresholds, leaves }: Forest): string {
  const bytes = new Uint8Array(8 + features.length + 4 * (thresholds.length + leaves.length))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, features.length / depth, true)
  view.setFloat32(4, base, true)
  bytes.set(features, 8)
  const first = 8 + features.length
  thresholds.forEach((threshold, index) => view.setInt32(first + 4 * index, threshold, true))
  leaves.forEach((leaf, index) => view.setFloat32(first + 4 * (thresholds.length + index), leaf, true))
  return Buffer.from(bytes).toString('base64')
}

export function unpackForest(text: string): Forest {
  const bytes = Buffer.from(text, 'base64')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const trees = view.getUint32(0, true)
  const questions = trees * depth
  const first = 8 + questions
  return {
    base: view.getFloat32(4, true),
    features: Uint8Array.from(bytes.subarray(8, first)),
    thresholds: Int32Array.from({ length: questions }, (_, index) => view.getInt32(first + 4 * index, true)),
    leaves: Float32Array.from({ length: trees * 2 ** depth }, (_, index) => view.getFloat32(first + 4 * (questions + index), true)),
  }
}
