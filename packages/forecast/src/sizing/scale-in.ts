import { ForecastError } from '../errors.ts'
import { requireAllFinite, requireNotNegative, requireProbability } from '../requirements.ts'

export interface ScaleInRules {
  /** What was asked for at the decisions within the waiting time: the pool shrinks to none of them. */
  readonly recentTargets: readonly number[]
  /** Share of the pool by which the target has to be lower before anything is given up. */
  readonly deadband: number
  /** Share of the pool that one decision may give up. */
  readonly largestStep: number
  /** Units are whole unless this says otherwise, and at least one is given up. */
  readonly allowsFractions?: boolean
}

/** The size to go to. Growth is taken at once; what is given up has been unneeded for a while, is worth it, and goes in steps. */
export function settleSize(current: number, target: number, rules: ScaleInRules): { readonly units: number; readonly reason: string } {
  requireNotNegative('current', current)
  requireNotNegative('target', target)
  requireAllFinite('rules.recentTargets', rules.recentTargets)
  requireProbability('rules.deadband', rules.deadband)
  if (!(requireProbability('rules.largestStep', rules.largestStep) > 0)) throw new ForecastError('rules.largestStep', 'must be above 0')
  if (target >= current) return { units: target, reason: target === current ? 'as wanted' : 'demand grows' }
  const needed = Math.max(target, ...rules.recentTargets)
  if (needed >= current) return { units: current, reason: 'was needed a short while ago' }
  if (current - needed <= rules.deadband * current) return { units: current, reason: 'the difference is within the deadband' }
  const share = current * (1 - rules.largestStep)
  const least = rules.allowsFractions === true ? share : Math.min(current - 1, Math.ceil(share))
  return needed >= least ? { units: needed, reason: 'no longer needed' } : { units: least, reason: 'given up in steps' }
}
