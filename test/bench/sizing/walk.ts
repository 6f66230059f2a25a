import type { Distribution, Forecaster } from '@understudy/forecast'
import { exceedanceOf, RealisedLevels, RealisedLevelsGroup, settleSize } from '@understudy/forecast/sizing'
import type { DemandQuantiles } from '@understudy/forecast/sizing'
import { atStep, sized } from './sized.ts'
import { staticPools } from './static-pools.ts'
import { Tallies } from './tally.ts'

/** One way to decide: at which hours, for which steps ahead, and how many neighbouring decisions tell of the same outcomes. */
export interface Lane {
  readonly lead: number
  readonly stepsAt: (hour: number) => readonly number[]
  readonly isSlowToScaleIn: boolean
}

interface Decision {
  readonly forHour: number
  readonly demand: DemandQuantiles
  readonly capacities: Readonly<Record<string, number>>
}

const [known, horizon] = [336, 24]
/** What is asked for at so many decisions is kept before anything is given up; moves below a twentieth are not made. */
const waitingDecisions = 3
const scaleIn = { deadband: 0.05, largestStep: 0.3, allowsFractions: true }

/** Of one series, hour by hour. */
interface Demand {
  readonly source: string
  readonly values: Float64Array
}

/**
 * Walks through all series side by side as an installation would: hour by hour, with what is known then of any of them, the models
 * fitted anew every day.
 * @param fit fits the history of a series of the source
 */
export function walk<T extends Readonly<Record<string, Lane>>>(
  all: readonly Demand[],
  lanes: T,
  fit: (source: string, history: Float64Array, horizon: number) => Forecaster,
): Readonly<Record<keyof T & string, Tallies>> {
  const long = all.filter(({ values }) => values.length > known)
  const fitAt = ({ source, values }: Demand, hour: number): Forecaster => fit(source, values.subarray(hour, hour + known), horizon)
  const groups = Object.entries(lanes).map(([name, lane]) => ({ name, lane, group: new RealisedLevelsGroup() }))
  const walkers = long.map((demand) => ({
    ...demand,
    walks: groups.map(({ lane, group }) => new LaneWalk(lane, group)),
    forecaster: fitAt(demand, 0),
  }))
  for (let hour = 0; hour < Math.max(...long.map(({ values }) => values.length - known)); hour++) {
    const going = walkers.filter(({ values }) => known + hour < values.length)
    for (const walker of going) {
      if (hour > 0 && hour % 24 === 0) walker.forecaster = fitAt(walker, hour)
      const distribution = walker.forecaster.predict()
      const fixed = staticPools(walker.values.subarray(hour, hour + known))
      for (const one of walker.walks) one.decide(hour, distribution, fixed)
    }
    for (const { values, walks, forecaster } of going) {
      const actual = values[known + hour]!
      for (const one of walks) one.settle(hour, actual)
      forecaster.update([actual])
    }
  }
  const tallies = groups.map(({ name }, lane) => [name, tally(walkers.map(({ walks }) => walks[lane]!))] as const)
  return Object.fromEntries(tallies) as Record<keyof T & string, Tallies>
}

/** The decisions of one lane for one series. */
class LaneWalk {
  readonly outcomes: { readonly capacities: Decision['capacities']; readonly actual: number }[] = []
  private readonly lane: Lane
  private readonly levels: RealisedLevels
  private readonly waiting: Decision[] = []
  private readonly targets: number[] = []
  private settled = 0

  constructor(lane: Lane, group: RealisedLevelsGroup) {
    this.lane = lane
    this.levels = new RealisedLevels({ lead: lane.lead, group })
  }

  decide(hour: number, distribution: Distribution, fixed: Readonly<Record<string, number>>): void {
    for (const step of this.lane.stepsAt(hour)) {
      const demand = atStep(distribution, step)
      const recalibrated = sized(demand, this.levels).totalUnits
      const capacities = {
        ...fixed,
        'sized by the costs': sized(demand).totalUnits,
        'and by what came of decisions': recalibrated,
        ...(this.lane.isSlowToScaleIn ? { 'and slow to scale in': this.settledAt(recalibrated) } : {}),
      }
      this.waiting.push({ forHour: hour + step - 1, demand, capacities })
    }
  }

  settle(hour: number, actual: number): void {
    while (this.waiting[0]?.forHour === hour) {
      const { capacities, demand } = this.waiting.shift()!
      if (!Number.isFinite(actual)) continue
      this.outcomes.push({ capacities, actual })
      this.levels.update(exceedanceOf(demand, actual))
    }
  }

  private settledAt(target: number): number {
    this.targets.push(target)
    this.settled = settleSize(this.settled, target, { ...scaleIn, recentTargets: this.targets.slice(-waitingDecisions) }).units
    return this.settled
  }
}

function tally(walks: readonly LaneWalk[]): Tallies {
  const tallies = new Tallies()
  for (const { outcomes } of walks) {
    for (const { capacities, actual } of outcomes) {
      for (const [policy, capacity] of Object.entries(capacities)) tallies.of(policy).add(capacity, actual)
    }
    tallies.endSeries()
  }
  return tallies
}
