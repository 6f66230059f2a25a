import type { FittedMember, Member } from './member.ts'
import { choosingSteps, searchGrid } from './member.ts'
import { Ridge } from './ridge.ts'

/**
 * Several seasonalities as harmonics whose coefficients drift, a level, and an autoregressive error: the trigonometric state space of
 * De Livera, Hyndman, Snyder (2011), TBATS, without the Box-Cox transformation. Written with coefficients on fixed waves instead of
 * rotating states, which is the same model.
 */
export const harmonic: Member = {
  name: 'harmonic',
  fit(values, { periods, horizon }) {
    const waves = wavesFor(periods, values.length)
    if (waves.columns === 1 || values.length < 3 * waves.columns) return undefined
    const start = regress(values, waves)
    return start === undefined ? undefined : fitGains(values, waves, start, periods[0]!, horizon)
  },
}

interface Waves {
  /** The constant and a cosine and a sine per harmonic. */
  readonly columns: number
  /** Rows over one longest period, `columns` entries each. */
  readonly table: Float64Array
  readonly length: number
}

function wavesFor(periods: readonly number[], length: number): Waves {
  const frequencies: number[] = []
  periods.forEach((period, which) => {
    const most = which === 0 ? Math.min(6, period >> 1) : length >= 4 * period ? 6 : 2
    for (let harmonicOf = 1; harmonicOf <= most; harmonicOf++) frequencies.push(harmonicOf / period)
  })
  // All periods have to repeat in the table: a week for day and week.
  const rows = periods.reduce((multiple, period) => (multiple * period) / commonDivisor(multiple, period), 1)
  const columns = 1 + 2 * frequencies.length
  const table = new Float64Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    table[row * columns] = 1
    frequencies.forEach((frequency, which) => {
      table[row * columns + 1 + 2 * which] = Math.cos(2 * Math.PI * frequency * row)
      table[row * columns + 2 + 2 * which] = Math.sin(2 * Math.PI * frequency * row)
    })
  }
  return { columns, table, length: rows }
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b))

function regress(values: Float64Array, waves: Waves): Float64Array | undefined {
  const { columns, table, length } = waves
  const regression = new Ridge(columns)
  for (let index = 0; index < values.length; index++) {
    const row = (index % length) * columns
    regression.add(table.subarray(row, row + columns), values[index]!)
  }
  const coefficients = regression.solve(1)
  return coefficients === undefined ? undefined : shrunken(values, waves, coefficients)
}

/** Neighbouring hours err together, which lets chance look like a wave: so much more power than that of white noise counts as chance. */
const colour = 8

/** Each harmonic shrunken towards 0 by the share of its power that chance explains, as `profile.ts` does with places of a cycle. */
function shrunken(values: Float64Array, waves: Waves, coefficients: Float64Array): Float64Array {
  let variance = 0
  for (let index = 0; index < values.length; index++) variance += (values[index]! - seasonal(coefficients, waves, index)) ** 2 / values.length
  const chance = (colour * 4 * variance) / values.length
  return coefficients.map((coefficient, column) => {
    if (column === 0) return coefficient
    const cosine = coefficients[column - ((column - 1) % 2)]!
    const sine = coefficients[column - ((column - 1) % 2) + 1]!
    return coefficient * Math.max(0, 1 - chance / (cosine * cosine + sine * sine + 1e-12))
  })
}

interface State {
  readonly coefficients: Float64Array
  /** What is left of the last value beside the coefficients. */
  rest: number
}

function fitGains(values: Float64Array, waves: Waves, start: Float64Array, period: number, horizon: number): FittedMember {
  const fresh = (): State => ({ coefficients: Float64Array.from(start), rest: 0 })
  const steps = choosingSteps(period, horizon)
  const grid = [
    [0.002, 0.01, 0.04, 0.1],
    [0.0005, 0.002, 0.006, 0.015],
    [0.3, 0.6, 0.8, 0.9, 0.96],
  ]
  const [level, wave, decay] = searchGrid(grid, [0.01, 0.002, 0.8], (at) => loss(values, waves, fresh(), at, steps)) as [number, number, number]
  const state = fresh()
  values.forEach((value, index) => advance(state, waves, index, value, level, wave, decay))
  let position = values.length
  return {
    predict(into) {
      let ahead = state.rest
      for (let step = 0; step < into.length; step++) {
        ahead *= decay
        into[step] = seasonal(state.coefficients, waves, position + step) + ahead
      }
    },
    update: (value) => advance(state, waves, position++, value, level, wave, decay),
  }
}

function seasonal(coefficients: Float64Array, { columns, table, length }: Waves, index: number): number {
  const row = (index % length) * columns
  let sum = 0
  for (let column = 0; column < columns; column++) sum += coefficients[column]! * table[row + column]!
  return sum
}

function advance(state: State, waves: Waves, index: number, value: number, level: number, wave: number, decay: number): void {
  const { coefficients } = state
  const error = value - seasonal(coefficients, waves, index) - decay * state.rest
  // Normal units have a mean absolute distance of 1: what is beyond 3 is a spike, and teaches as much as 3.
  const lesson = Math.max(-3, Math.min(3, error))
  const row = (index % waves.length) * waves.columns
  coefficients[0] = coefficients[0]! + level * lesson
  for (let column = 1; column < waves.columns; column++) {
    coefficients[column] = coefficients[column]! + wave * lesson * waves.table[row + column]!
  }
  state.rest = value - seasonal(coefficients, waves, index)
}

function loss(values: Float64Array, waves: Waves, state: State, at: readonly number[], steps: readonly number[]): number {
  const [level, wave, decay] = at as [number, number, number]
  const decays = steps.map((step) => decay ** step)
  let sum = 0
  for (let index = 0; index < values.length; index++) {
    for (let which = 0; which < steps.length; which++) {
      const target = index + steps[which]! - 1
      if (target < values.length) sum += Math.abs(values[target]! - seasonal(state.coefficients, waves, target) - decays[which]! * state.rest)
    }
    advance(state, waves, index, values[index]!, level, wave, decay)
  }
  return sum
}
