import { fitForecaster, quantile, regularSeries } from '@understudy/forecast'
import type { ReadinessTier, SizingAlternative } from '@understudy/forecast/sizing'
import { mkdir, writeFile } from 'node:fs/promises'
import { dataDirectory } from '../data-directory.ts'
import type { Task } from '../forecast/data.ts'
import { cloudSeries, cloudTasks } from '../forecast/data.ts'
import { atStep, costs, hot, nominal, sized, tiers } from './sized.ts'
import { staticCapacityAt, staticPools } from './static-pools.ts'
import { Tallies } from './tally.ts'
import type { Lane } from './walk.ts'
import { walk } from './walk.ts'

/*
 * `npm run bench -- sizing`: pools for the demand of whole clusters. A missing unit costs 39 times an idle one, so that demand should
 * exceed the pool in 2.5 % of hours. First planned once for the next day, from 14 days alone, then over and over: every midnight for the
 * next day, and every hour for when new units can serve, with what came of earlier decisions.
 */

const aggregates = new Set(['google2011', 'google2019', 'alibaba2018', 'alibaba2020', 'azure2019'])

const everyHour = (lead: number): Lane => ({ lead, stepsAt: () => [lead], isSlowToScaleIn: true })
const nextDay = Array.from({ length: 24 }, (_, index) => index + 1)
const lanes = {
  // A plan looks 12 hours ahead in the mean.
  'Planned every midnight for the next 24 hours': { lead: 12, stepsAt: (hour: number) => (hour % 24 === 0 ? nextDay : []), isSlowToScaleIn: false },
  'Decided every hour, units serve 1 h later': everyHour(1),
  'Decided every hour, units serve 6 h later': everyHour(6),
  'Decided every hour, units serve 24 h later': everyHour(24),
} satisfies Readonly<Record<string, Lane>>

export async function benchSizing(): Promise<void> {
  const { path, isShort } = dataDirectory()
  // The extracts hold no whole clusters; machines started per hour of a region come nearest.
  const isWanted = (source: string): boolean => (isShort ? source === 'azure2017' : aggregates.has(source))
  const tasks = (await cloudTasks(path)).filter(({ source }) => isWanted(source))
  const dayAhead = planTasks(tasks)
  say(`\nPlanned once for the next 24 hours: ${tasks.length} tasks, nominal shortage ${nominal * 100} %\n\n${dayAhead.render()}`)
  sayStatic(dayAhead, 'sized by the costs')
  const series = (await cloudSeries(path)).filter(({ source }) => isWanted(source)).map(({ values }) => values)
  const walked = walk(series, lanes)
  for (const [name, tallies] of Object.entries(walked)) {
    say(`\n${name}: ${series.length} series\n\n${tallies.render()}`)
    sayStatic(tallies, 'and by what came of decisions')
  }
  const inTiers = compareTiers(tasks)
  say(
    `\nHot, warm (1 min) and parked (10 min) units at the same costs: ${inTiers.cost.toFixed(2)} of what hot units alone cost, as expected; ${inTiers.realCost.toFixed(2)} as it came`,
  )
  await mkdir('bench-results', { recursive: true })
  const result = { bench: 'sizing', isShort, nominal, costs, tiers, dayAhead, walked, inTiers }
  await writeFile('bench-results/sizing.json', `${JSON.stringify(result, undefined, 2)}\n`)
  say('Written to bench-results/sizing.json')
}

function planTasks(tasks: readonly Task[]): Tallies {
  const tallies = new Tallies()
  for (const { history, future } of tasks) {
    const distribution = fitForecaster(regularSeries({ values: history }), { horizon: future.length }).predict()
    const fixed = staticPools(history)
    future.forEach((demand, index) => {
      const step = index + 1
      const at = (level: number): number => quantile(distribution, step, level)
      const policies = {
        ...fixed,
        'the hour of the day before + 20 %': 1.2 * history[history.length - 24 + (index % 24)]!,
        'last value + 30 %': 1.3 * history[history.length - 1]!,
        'forecast: median + 20 %': 1.2 * at(0.5),
        'forecast: 90 % quantile': at(0.9),
        'sized by the costs': sized(atStep(distribution, step)).totalUnits,
      }
      for (const [policy, capacity] of Object.entries(policies)) if (Number.isFinite(demand)) tallies.of(policy).add(capacity, demand)
    })
    tallies.endSeries()
  }
  return tallies
}

/** Expected and real cost of pools in tiers over those of hot units alone, summed over tasks in units of each task's mean demand. */
function compareTiers(tasks: readonly Task[]): { readonly cost: number; readonly realCost: number } {
  const sums = { tiered: 0, hot: 0, realTiered: 0, realHot: 0 }
  for (const { history, future } of tasks) {
    const distribution = fitForecaster(regularSeries({ values: history }), { horizon: future.length }).predict()
    const mean = future.reduce((sum, value) => sum + value, 0) / future.length
    future.forEach((demand, index) => {
      const pool = atStep(distribution, index + 1)
      const inTiers = sized(pool, undefined, tiers)
      const alone = sized(pool)
      sums.tiered += inTiers.expectedCostPerHour / mean
      sums.hot += alone.expectedCostPerHour / mean
      sums.realTiered += realCost(inTiers, demand, tiers) / mean
      sums.realHot += realCost(alone, demand, [hot]) / mean
    })
  }
  return { cost: sums.tiered / sums.hot, realCost: sums.realTiered / sums.realHot }
}

function realCost({ units }: SizingAlternative, demand: number, of: readonly ReadinessTier[]): number {
  let left = demand
  let cost = 0
  for (const { name, leadSeconds, idleCostPerHour } of of) {
    const held = units[name] ?? 0
    const used = Math.min(held, left)
    cost += (held - used) * idleCostPerHour + (used * costs.missingCostPerHour * leadSeconds) / 3600
    left -= used
  }
  return cost + left * costs.missingCostPerHour
}

/** A static pool that is short more often is smaller for that reason alone: what one has to hold that is short as often. */
function sayStatic(tallies: Tallies, policy: string): void {
  const { shortPercent, capacityToDemand } = tallies.of(policy).figures
  const equal = staticCapacityAt(tallies, shortPercent)
  const of = equal === undefined ? 'no static pool is short so seldom' : `a static pool that is short as often holds ${equal.toFixed(2)}`
  say(`\n${policy}: ${shortPercent.toFixed(2)} % short at ${capacityToDemand.toFixed(2)} of demand; ${of}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
