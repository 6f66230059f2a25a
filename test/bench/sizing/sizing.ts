import type { Distribution } from '@understudy/forecast'
import { fitForecaster, quantile, regularSeries } from '@understudy/forecast'
import { AccuracyTracker, settleSize, sizePool } from '@understudy/forecast/sizing'
import type { DemandQuantiles, MeasuredAccuracy, ReadinessTier, SizingAlternative } from '@understudy/forecast/sizing'
import { mkdir, writeFile } from 'node:fs/promises'
import { dataDirectory } from '../data-directory.ts'
import type { Task } from '../forecast/data.ts'
import { cloudSeries, cloudTasks } from '../forecast/data.ts'
import { Tallies } from './tally.ts'

/*
 * `npm run bench -- sizing`: pools for the demand of whole clusters. A missing unit costs 39 times an idle one, so that demand should
 * exceed the pool in 2.5 % of hours. First planned once for the next day, then decided every hour for when new units can serve.
 */

const nominal = 0.025
const hot: ReadinessTier = { name: 'hot', leadSeconds: 0, idleCostPerHour: 1 }
const tiers: readonly ReadinessTier[] = [
  hot,
  { name: 'warm', leadSeconds: 60, idleCostPerHour: 0.4 },
  { name: 'parked', leadSeconds: 600, idleCostPerHour: 0.1 },
]
const costs = { missingCostPerHour: (1 - nominal) / nominal, periodSeconds: 3600 }
const known = 336
/** What is asked for at so many decisions is kept before anything is given up; moves below a twentieth are not made. */
const waitingDecisions = 3
const scaleIn = { deadband: 0.05, largestStep: 0.3, allowsFractions: true }
const aggregates = new Set(['google2011', 'google2019', 'alibaba2018', 'alibaba2020', 'azure2019'])

export async function benchSizing(): Promise<void> {
  const { path, isShort } = dataDirectory()
  // The extracts hold no whole clusters; machines started per hour of a region come nearest.
  const isWanted = (source: string): boolean => (isShort ? source === 'azure2017' : aggregates.has(source))
  const tasks = (await cloudTasks(path)).filter(({ source }) => isWanted(source))
  const dayAhead = planDays(tasks)
  say(`\nPlanned once for the next 24 hours: ${tasks.length} tasks, nominal shortage ${nominal * 100} %\n\n${dayAhead.render()}`)
  const series = (await cloudSeries(path)).filter(({ source }) => isWanted(source)).map(({ values }) => values)
  const hourly = Object.fromEntries([1, 6, 24].map((lead) => [lead, decideHourly(series, lead)]))
  for (const [lead, tallies] of Object.entries(hourly)) {
    say(`\nDecided every hour, units serve ${lead} h later: ${series.length} series\n\n${tallies.render()}`)
  }
  const inTiers = compareTiers(tasks)
  say(
    `\nHot, warm (1 min) and parked (10 min) units at the same costs: ${inTiers.cost.toFixed(2)} of what hot units alone cost, as expected; ${inTiers.realCost.toFixed(2)} as it came`,
  )
  await mkdir('bench-results', { recursive: true })
  const result = { bench: 'sizing', isShort, nominal, costs, tiers, dayAhead, hourly, inTiers }
  await writeFile('bench-results/sizing.json', `${JSON.stringify(result, undefined, 2)}\n`)
  say('Written to bench-results/sizing.json')
}

function planDays(tasks: readonly Task[]): Tallies {
  const tallies = new Tallies()
  for (const { history, future } of tasks) {
    const distribution = fitForecaster(regularSeries({ values: history }), { horizon: future.length }).predict()
    const sorted = history.filter(Number.isFinite).sort()
    const fixed = { 'static: highest of 14 days': sorted.at(-1)!, 'static: p99 of 14 days': sorted[Math.ceil(0.99 * sorted.length) - 1]! }
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

interface Decision {
  readonly forHour: number
  readonly capacities: Readonly<Record<string, number>>
}

/** Walks through each series as an installation would: hour by hour, with what is known then, the models fitted anew every day. */
function decideHourly(series: readonly Float64Array[], lead: number): Tallies {
  const tallies = new Tallies()
  for (const values of series) {
    const tracker = new AccuracyTracker({ nominal, lead })
    const decisions: Decision[] = []
    const targets: number[] = []
    let settled = 0
    let forecaster = fitForecaster(regularSeries({ values: values.subarray(0, known) }), { horizon: 24 })
    for (let hour = known; hour < values.length; hour++) {
      const past = values.subarray(hour - known, hour)
      if (hour > known && (hour - known) % 24 === 0) forecaster = fitForecaster(regularSeries({ values: past }), { horizon: 24 })
      const demand = atStep(forecaster.predict(lead), lead)
      const plain = sized(demand).totalUnits
      const corrected = sized(demand, tracker.measured()).totalUnits
      targets.push(corrected)
      settled = settleSize(settled, corrected, { ...scaleIn, recentTargets: targets.slice(-waitingDecisions) }).units
      const sorted = past.filter(Number.isFinite).sort()
      decisions.push({
        forHour: hour - 1 + lead,
        capacities: {
          'static: p99 of the last 14 days': sorted[Math.ceil(0.99 * sorted.length) - 1]!,
          'sized by the costs': plain,
          'and by measured accuracy': corrected,
          'and slow to scale in': settled,
        },
      })
      const actual = values[hour]!
      const due = decisions[0]
      if (due?.forHour === hour) {
        decisions.shift()
        if (Number.isFinite(actual)) {
          for (const [policy, capacity] of Object.entries(due.capacities)) tallies.of(policy).add(capacity, actual)
          tracker.update(actual > due.capacities['sized by the costs']!)
        }
      }
      forecaster.update([actual])
    }
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

function sized(demand: DemandQuantiles, accuracy?: MeasuredAccuracy, of: readonly ReadinessTier[] = [hot]): SizingAlternative {
  return sizePool({ demand, tiers: of, costs, allowsFractions: true, ...(accuracy === undefined ? {} : { accuracy }) }).choice
}

function atStep({ levels, values }: Distribution, step: number): DemandQuantiles {
  return { levels, values: values[step - 1]! }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
