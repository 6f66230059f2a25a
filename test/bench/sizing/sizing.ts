import type { Forecaster } from '@understudy/forecast'
import { fitForecaster, quantile, regularSeries } from '@understudy/forecast'
import { fitCorrected } from '@understudy/forecast/learned'
import type { ReadinessTier, SizingAlternative } from '@understudy/forecast/sizing'
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { dataDirectory } from '../data-directory.ts'
import type { Task } from '../forecast/data.ts'
import { learntFromOthers } from '../learning/unseen.ts'
import { intervalByDrawing } from '../forecast/by-chance.ts'
import { cloudSeries, cloudTasks } from '../forecast/data.ts'
import { mean } from '../forecast/measure.ts'
import { atStep, costs, hot, nominal, sized, tiers } from './sized.ts'
import { staticCapacityAt, staticPools } from './static-pools.ts'
import { Tallies } from './tally.ts'
import type { Lane } from './walk.ts'
import { walk } from './walk.ts'

/*
 * `npm run bench -- sizing`: pools for the demand of whole clusters. A missing unit costs 39 times an idle one, so that demand should
 * exceed the pool in 2.5 % of hours. First planned once for the next day, from 14 days alone, on three days and on every day; then over and over: every midnight for the
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

type Fit = (source: string, history: Float64Array, horizon: number) => Forecaster

/** What corrects the forecasts of each source is learnt from the other sources first; with `--shipped` it is what the engine comes with. */
export async function benchSizing(args: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({ args: [...args], options: { shipped: { type: 'boolean', default: false } } })
  const { path, isShort } = dataDirectory()
  const correctOf = options.shipped || isShort ? undefined : await learntFromOthers(path)
  const fit: Fit = (source, values, horizon) => {
    const series = regularSeries({ values })
    return correctOf === undefined ? fitForecaster(series, { horizon }) : fitCorrected(series, { horizon }, correctOf(source))
  }
  // The extracts hold no whole clusters; machines started per hour of a region come nearest.
  const isWanted = (source: string): boolean => (isShort ? source === 'azure2017' : aggregates.has(source))
  const tasks = (await cloudTasks(path)).filter(({ source }) => isWanted(source))
  const everyDay = (await cloudTasks(path, 'daily')).filter(({ source }) => isWanted(source))
  const dayAhead = sayPlanned('three days per series', tasks, fit)
  const dayAheadEveryDay = sayPlanned('every day', everyDay, fit)
  const series = (await cloudSeries(path)).filter(({ source }) => isWanted(source))
  const walked = walk(series, lanes, fit)
  for (const [name, tallies] of Object.entries(walked)) {
    say(`\n${name}: ${series.length} series\n\n${tallies.render()}`)
    sayStatic(tallies, 'and by what came of decisions')
  }
  const inTiers = compareTiers(tasks, fit)
  say(
    `\nHot, warm (1 min) and parked (10 min) units at the same costs: ${inTiers.cost.toFixed(2)} of what hot units alone cost, as expected; ${inTiers.realCost.toFixed(2)} as it came`,
  )
  await mkdir('bench-results', { recursive: true })
  const result = { bench: 'sizing', isShort, options, nominal, costs, tiers, dayAhead, dayAheadEveryDay, walked, inTiers }
  await writeFile('bench-results/sizing.json', `${JSON.stringify(result, undefined, 2)}\n`)
  say('Written to bench-results/sizing.json')
}

/** Plans each task by its 14 days alone, and says what came of it and where the shortage might as well lie by chance. */
function sayPlanned(days: string, tasks: readonly Task[], fit: Fit): Tallies {
  const tallies = new Tallies()
  const shortages = tasks.map((task) => planTask(task, tallies, fit))
  say(`\nPlanned once for the next 24 hours, ${days}: ${tasks.length} tasks, nominal shortage ${nominal * 100} %\n\n${tallies.render()}`)
  sayStatic(tallies, policySized)
  // Days of one series within four tell of one another.
  const clusters = [...Map.groupBy(tasks.keys(), (index) => tasks[index]!.cluster).values()].map((cluster) =>
    cluster.map((index) => shortages[index]!),
  )
  const [low, high] = intervalByDrawing(clusters, (drawn) => 100 * mean(drawn.flat()))
  say(`By chance its shortage may be ${low.toFixed(2)} to ${high.toFixed(2)} %`)
  return tallies
}

const policySized = 'sized by the costs'

/** Returns the share of hours in which what the costs ask for was short. */
function planTask({ source, history, future }: Task, tallies: Tallies, fit: Fit): number {
  const distribution = fit(source, history, future.length).predict()
  const fixed = staticPools(history)
  let [short, hours] = [0, 0]
  future.forEach((demand, index) => {
    if (!Number.isFinite(demand)) return
    const step = index + 1
    const at = (level: number): number => quantile(distribution, step, level)
    const units = sized(atStep(distribution, step)).totalUnits
    const policies = {
      ...fixed,
      'the hour of the day before + 20 %': 1.2 * history[history.length - 24 + (index % 24)]!,
      'last value + 30 %': 1.3 * history[history.length - 1]!,
      'forecast: median + 20 %': 1.2 * at(0.5),
      'forecast: 90 % quantile': at(0.9),
      [policySized]: units,
    }
    for (const [policy, capacity] of Object.entries(policies)) tallies.of(policy).add(capacity, demand)
    hours++
    if (demand > units) short++
  })
  tallies.endSeries()
  return hours > 0 ? short / hours : 0
}

/** Expected and real cost of pools in tiers over those of hot units alone, summed over tasks in units of each task's mean demand. */
function compareTiers(tasks: readonly Task[], fit: Fit): { readonly cost: number; readonly realCost: number } {
  const sums = { tiered: 0, hot: 0, realTiered: 0, realHot: 0 }
  for (const { source, history, future } of tasks) {
    const distribution = fit(source, history, future.length).predict()
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
