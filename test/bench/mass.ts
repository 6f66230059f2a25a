import type { JsonObject } from '@understudy/core'
import { readBreakdown } from './breakdown.ts'
import type { Breakdown } from './breakdown.ts'
import { cpuBetween, cpuSeconds } from './cpu.ts'
import type { CpuSeconds } from './cpu.ts'
import { createEstate } from './estate.ts'
import { percentile } from './figures.ts'
import { startFloor } from './floor-run.ts'
import type { Installation } from './installation.ts'
import { monotonicMs } from './protocol.ts'
import type { SeededMechanism, SeededPair } from './protocol.ts'

export interface MassResult {
  readonly mechanism: SeededMechanism
  readonly resources: number
  readonly limits: 'wide' | 'EC2'
  /** How many were redirected within the time that the bench waits. */
  readonly redirected: number
  readonly first: number
  readonly median: number
  readonly last: number
  /** The same of the floor; only measured where every service has a listener of its own. */
  readonly floor: { readonly first: number; readonly median: number; readonly last: number } | undefined
  readonly breakdown: Breakdown
  readonly cpuSeconds: CpuSeconds
  /** Calls that the region has carried out meanwhile, by operation. */
  readonly calls: Readonly<Record<string, number>>
}

export interface MassOptions {
  readonly mechanism: SeededMechanism
  readonly resources: number
  /** Absent: the limits that EC2 publishes. */
  readonly limits: JsonObject | undefined
  readonly withFloor: boolean
}

/** A binding to a target group declares all of the group's members, so that each service has one of its own. */
const perGroup = 1
/** EC2's notice. */
const noticeSeconds = 120
/** As many operations as a worker takes at a time by default. */
const concurrency = 512
/** AWS's default is 300 s; long enough that no operation ends while others still wait, as in a real region. */
const drainSeconds = 300
const waitMs = 180_000

/** Everything in one zone is to be reclaimed at once: the notices go through the region's queue to the worker. */
export async function measureMass(installation: Installation, postmaster: number | undefined, options: MassOptions): Promise<MassResult> {
  const { region } = installation
  const { mechanism, resources } = options
  const { pairs } = await region.ask({ call: 'seed', seed: { prefix: 'r', count: resources, mechanism, perGroup, drainSeconds } })
  const estate = await createEstate(installation, pairs, options.limits)
  await estate.close()
  const floor = options.withFloor ? await measureFloor(installation, pairs) : undefined
  const running = await installation.start()
  const processes = { ...running.pids, region: region.pid }
  const callsBefore = (await region.ask({ call: 'calls' })).counts
  const before = cpuSeconds(processes, postmaster)
  installation.toggleProfile(running)
  region.forgetMoves()
  const wallMs = Date.now()
  const { atMs } = await region.ask({ call: 'interrupt', instanceIds: pairs.map(({ primaryId }) => primaryId), noticeSeconds })
  const moved = await region.untilMoved(
    pairs.map(({ entry }) => entry),
    waitMs,
  )
  const cpu = cpuBetween(before, cpuSeconds(processes, postmaster))
  installation.toggleProfile(running)
  const calls = callsBetween(callsBefore, (await region.ask({ call: 'calls' })).counts)
  const breakdown = await readBreakdown(installation.databaseUrl, running.workerUrl, wallMs)
  return {
    ...{ mechanism, resources, limits: options.limits === undefined ? 'EC2' : 'wide', redirected: moved.size, floor },
    ...timesOf([...moved.values()], atMs),
    ...{ breakdown, cpuSeconds: cpu, calls },
  }
}

/** Nothing of ours runs meanwhile. */
async function measureFloor(installation: Installation, pairs: readonly SeededPair[]): Promise<NonNullable<MassResult['floor']>> {
  const floor = await startFloor(installation, { concurrency })
  const [first, ...rest] = pairs
  // Connections are opened before the clock starts, as the worker has opened its own.
  if (first && rest.length > 0) {
    await floor.add([first])
    await installation.region.untilMoved([first.entry], waitMs)
    installation.region.forgetMoves()
  }
  const atMs = monotonicMs()
  await floor.add(pairs)
  const moved = await installation.region.untilMoved(
    pairs.map(({ entry }) => entry),
    waitMs,
  )
  await floor.stop()
  return timesOf([...moved.values()], atMs)
}

const timesOf = (moments: readonly number[], startMs: number) => {
  const times = moments.map((moment) => moment - startMs)
  return { first: percentile(times, 0), median: percentile(times, 50), last: percentile(times, 100) }
}

const callsBetween = (before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0)
      .toSorted(([, a], [, b]) => b - a),
  )
