/** How fast the usual value of an hour follows what happens at it. */
const gain = 0.15
/** Numbers per step of the input: how far the value is from its hour's usual one, and where in the cycle it is. */
export const inputCount = 3
/** Beyond so many normal units a distance is an outlier, which a small network must not spend its weights on. */
const largest = 4

/** The last cycle as the network sees it, kept up to date with each value. Values are in normal units, without gaps. */
export class RecurrentWindow {
  readonly period: number
  private readonly usual: Float64Array
  private readonly last: Float64Array
  private length: number

  /** @param values at least `period` of them */
  constructor(values: Float64Array, period: number) {
    this.period = period
    this.usual = values.slice(0, period)
    this.last = values.slice(0, period)
    this.length = period
    for (let index = period; index < values.length; index++) this.push(values[index]!)
  }

  push(value: number): void {
    const slot = this.length % this.period
    this.usual[slot] = this.usual[slot]! + gain * (value - this.usual[slot]!)
    this.last[slot] = value
    this.length++
  }

  /** What `step` steps ahead usually is, 0 being the next. */
  base(step: number): number {
    return this.usual[(this.length + step) % this.period]!
  }

  /** The last cycle from the oldest value on; [step × inputCount + input]. */
  sequence(): Float64Array {
    const { period } = this
    const sequence = new Float64Array(period * inputCount)
    for (let step = 0; step < period; step++) {
      const slot = (this.length + step) % period
      const angle = (2 * Math.PI * slot) / period
      const distance = this.last[slot]! - this.usual[slot]!
      sequence.set([Math.max(-largest, Math.min(largest, distance)), Math.sin(angle), Math.cos(angle)], step * inputCount)
    }
    return sequence
  }
}
