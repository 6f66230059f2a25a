import type { Random } from '@understudy/core'
import { seededRandom } from '@understudy/core'
import type { Scalar, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core'
import { firstOrigin } from '../combination/backtest.ts'
import type { Member } from '../members/member.ts'
import { planOf } from '../plan.ts'
import { requireWhole } from '../requirements.ts'
import { fillGaps } from '../series/fill.ts'
import { scaleOf } from '../series/scale.ts'
import type { Series } from '../series/series.ts'
import type { RecurrentWeights } from './cell.ts'
import { forgetBias } from './cell.ts'
import type { TrainedRecurrent } from './recurrent-member.ts'
import { recurrentMember } from './recurrent-member.ts'
import type { TensorFlow } from './tensorflow.ts'
import { loadTensorFlow, optionalPackages } from './tensorflow.ts'
import { inputCount, RecurrentWindow } from './window.ts'

const units = 12
const rounds = 40
const learningRate = 0.02
/** Fewer windows than this teach nothing. */
const fewestWindows = 40

export type TrainingResult = { readonly member: Member } | { readonly leftOut: string }

/**
 * Trains the recurrent member on one series: once on what comes before the backtest, which is what the backtest judges, and once on
 * everything. Takes seconds; run it in a thread. The same series and seed give the same weights on the same machine.
 * @returns why there is none, where the optional packages are not installed or the series is too short
 * @throws ForecastError naming `horizon`, `periods` or `seed`
 */
export async function trainRecurrent(
  series: Series,
  options: { readonly horizon: number; readonly periods?: readonly number[]; readonly seed: number },
): Promise<TrainingResult> {
  const plan = planOf(series, options)
  requireWhole('seed', options.seed, 0, 2 ** 31 - 1)
  const period = plan.periods[0]
  if (period === undefined) return { leftOut: 'the series has no cycle that a recurrent network could read' }
  const tf = await loadTensorFlow()
  if (tf === undefined) return { leftOut: `a recurrent network needs ${optionalPackages.join(', ')}, which are not all installed` }
  const { centre, unit } = scaleOf(series.values)
  const values = fillGaps(series.values, period).map((value) => (value - centre) / unit)
  const trained: TrainedRecurrent[] = []
  for (const seen of [firstOrigin(values.length, plan), values.length]) {
    const windows = windowsOf(values.subarray(0, seen), period, plan.horizon)
    if (windows.count < fewestWindows)
      return { leftOut: `${windows.count} windows of the series are too few to train on, ${fewestWindows} are the least` }
    trained.push({ seen, weights: train(tf, windows, plan.horizon, seededRandom(options.seed)) })
  }
  return { member: recurrentMember(trained, period) }
}

interface Windows {
  readonly count: number
  readonly steps: number
  /** [window][step × inputCount + input] */
  readonly inputs: readonly Float64Array[]
  /** [window × horizon + step], distances from what each hour usually is. */
  readonly targets: Float32Array
}

function windowsOf(values: Float64Array, period: number, horizon: number): Windows {
  const first = 2 * period
  const inputs: Float64Array[] = []
  const targets: number[] = []
  if (values.length >= first + horizon) {
    const window = new RecurrentWindow(values.subarray(0, first), period)
    for (let origin = first; origin + horizon <= values.length; origin++) {
      inputs.push(window.sequence())
      for (let step = 0; step < horizon; step++) targets.push(values[origin + step]! - window.base(step))
      window.push(values[origin]!)
    }
  }
  return { count: inputs.length, steps: period, inputs, targets: Float32Array.from(targets) }
}

/** All windows at once and a fixed number of rounds: nothing is drawn but the first weights. Absolute error, Adam (Kingma, Ba 2015). */
function train(tf: TensorFlow, windows: Windows, horizon: number, random: Random): RecurrentWeights {
  const { count, steps, inputs, targets } = windows
  const initial = (rows: number, columns: number): Float32Array => {
    const limit = Math.sqrt(6 / (rows + columns))
    return Float32Array.from({ length: rows * columns }, () => limit * (2 * random.next() - 1))
  }
  const variables: Variable[] = []
  const variable = (values: Float32Array, shape: number[]): Variable => {
    const made = tf.tidy(() => tf.variable(tf.tensor(values, shape)))
    variables.push(made)
    return made
  }
  const kernel = variable(initial(inputCount + units, 4 * units), [inputCount + units, 4 * units])
  const bias = variable(new Float32Array(4 * units), [4 * units])
  const readOut = variable(
    initial(units, horizon).map((weight) => weight / 4),
    [units, horizon],
  )
  const readOutBias = variable(new Float32Array(horizon), [horizon])
  const perStep = Array.from({ length: steps }, (_, step) => {
    const rows = Float32Array.from({ length: count * inputCount }, (_value, index) => {
      return inputs[Math.floor(index / inputCount)]![step * inputCount + (index % inputCount)]!
    })
    return tf.tensor2d(rows, [count, inputCount])
  })
  const wanted = tf.tensor2d(targets, [count, horizon])
  const forget = tf.scalar(forgetBias)
  const loss = (): Scalar => {
    let [memory, shown]: [Tensor2D, Tensor2D] = [tf.zeros([count, units]), tf.zeros([count, units])]
    for (const step of perStep) [memory, shown] = tf.basicLSTMCell(forget, kernel as Tensor2D, bias as Tensor1D, step, memory, shown)
    return tf.mean(tf.abs(tf.sub(tf.add(tf.matMul(shown, readOut as Tensor2D), readOutBias), wanted)))
  }
  const optimiser = tf.train.adam(learningRate)
  for (let round = 0; round < rounds; round++) tf.tidy(() => void optimiser.minimize(loss, false, variables))
  const read = (from: Variable): Float32Array => Float32Array.from(from.dataSync())
  const weights = {
    units,
    inputs: inputCount,
    outputs: horizon,
    kernel: read(kernel),
    bias: read(bias),
    readOut: read(readOut),
    readOutBias: read(readOutBias),
  }
  optimiser.dispose()
  tf.dispose([...variables, ...perStep, wanted, forget])
  return weights
}
