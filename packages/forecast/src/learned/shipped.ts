import type { Correct } from './correction.ts'
import { correctBy } from './correction.ts'
import { unpackForest } from './packed.ts'
import { shippedText } from './shipped-model.ts'

/** The correction that the engine comes with; read when the first series wants it. */
export const correctByShipped: Correct = (...of) => (shipped ??= correctBy(unpackForest(shippedText)))(...of)
let shipped: Correct | undefined
