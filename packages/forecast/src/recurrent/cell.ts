/** A long short-term memory with one layer and a linear read-out, as training leaves it; plain numbers that may be sent or stored. */
export interface RecurrentWeights {
  /** Cells of memory. */
  readonly units: number
  /** Numbers per step of the input. */
  readonly inputs: number
  /** Steps ahead that the read-out gives. */
  readonly outputs: number
  /** [(inputs + units) × 4 units], the gates in the order in, candidate, forget, out. */
  readonly kernel: Float32Array
  /** [4 units] */
  readonly bias: Float32Array
  /** [units × outputs] and [outputs] */
  readonly readOut: Float32Array
  readonly readOutBias: Float32Array
}

/** What the forget gate is held open by at the start, so that memory lasts until training decides (Jozefowicz et al. 2015). */
export const forgetBias = 1

/**
 * The read-out after a sequence (Hochreiter, Schmidhuber 1997; gates as of Gers et al. 2000).
 * @param sequence [step × inputs + input]
 * @returns one number per output
 */
export function runRecurrent(weights: RecurrentWeights, sequence: Float64Array): Float64Array {
  const { units, inputs, outputs, kernel, bias, readOut, readOutBias } = weights
  const memory = new Float64Array(units)
  const shown = new Float64Array(units)
  const gates = new Float64Array(4 * units)
  for (let start = 0; start < sequence.length; start += inputs) {
    for (let gate = 0; gate < gates.length; gate++) {
      let sum = bias[gate]!
      for (let input = 0; input < inputs; input++) sum += sequence[start + input]! * kernel[input * 4 * units + gate]!
      for (let unit = 0; unit < units; unit++) sum += shown[unit]! * kernel[(inputs + unit) * 4 * units + gate]!
      gates[gate] = sum
    }
    for (let unit = 0; unit < units; unit++) {
      const [enter, candidate, forget, leave] = [gates[unit]!, gates[units + unit]!, gates[2 * units + unit]!, gates[3 * units + unit]!]
      memory[unit] = sigmoid(forget + forgetBias) * memory[unit]! + sigmoid(enter) * Math.tanh(candidate)
      shown[unit] = sigmoid(leave) * Math.tanh(memory[unit]!)
    }
  }
  return Float64Array.from({ length: outputs }, (_, output) => {
    let sum = readOutBias[output]!
    for (let unit = 0; unit < units; unit++) sum += shown[unit]! * readOut[unit * outputs + output]!
    return sum
  })
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
