import { ForecastError } from '../errors.ts'

/** Something outside a series that may move it, such as weather, a holiday, a price, or another series. */
export type Factor = NumericFactor | CategoricalFactor

interface FactorBase {
  readonly name: string
  /**
   * `ahead`: known for the steps that are forecast too, as a calendar is, or as a forecast of it; `until-now`: only as far as the
   * series itself.
   */
  readonly known: 'ahead' | 'until-now'
}

export interface NumericFactor extends FactorBase {
  readonly kind: 'numeric'
  /** One per step of the series and, when known ahead, of the horizon; in any unit, NaN where there is a gap. */
  readonly values: ArrayLike<number>
}

export interface CategoricalFactor extends FactorBase {
  readonly kind: 'categorical'
  /** As of a numeric factor; a category that the past did not have counts as none. */
  readonly values: readonly string[]
}

/** @throws ForecastError naming `factors` when one is too short, has an infinity or the name of another */
export function requireFactors(factors: readonly Factor[], length: number, horizon: number): void {
  const names = new Set<string>()
  for (const { name, known, kind, values } of factors) {
    if (names.has(name)) throw new ForecastError('factors', `${name} is there twice`)
    names.add(name)
    const least = known === 'ahead' ? length + horizon : length
    if (values.length < least) throw new ForecastError('factors', `${name} has ${values.length} values where ${least} are needed`)
    if (kind !== 'numeric') continue
    for (let index = 0; index < values.length; index++) {
      if (Math.abs(values[index]!) === Infinity) throw new ForecastError('factors', `${name} is ${values[index]} at ${index}`)
    }
  }
}
