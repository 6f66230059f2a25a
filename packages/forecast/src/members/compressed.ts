import type { Member } from './member.ts'

/** Values beyond about one normal unit from the median count less than in proportion. */
const strength = 2

/**
 * A model that sees `asinh(strength · value)` (Johnson 1949): far values, on either side, weigh by their order of magnitude. Unlike a
 * logarithm it needs no zero point, so that the forecast does not depend on the unit.
 */
export function compressed(member: Member): Member {
  return {
    name: `compressed-${member.name}`,
    mustEarn: member.mustEarn ?? false,
    fit(values, plan) {
      const model = member.fit(
        values.map((value) => Math.asinh(strength * value)),
        plan,
      )
      if (model === undefined) return undefined
      return {
        predict(into) {
          model.predict(into)
          // What the other side of the transformation makes huge is a failure that the backtest has to see as finite.
          for (let step = 0; step < into.length; step++) into[step] = Math.sinh(Math.max(-20, Math.min(20, into[step]!))) / strength
        },
        update: (value) => model.update(Math.asinh(strength * value)),
      }
    },
  }
}
