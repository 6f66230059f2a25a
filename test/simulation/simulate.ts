import { verifyAudit } from '@understudy/control'
import type { Tier } from '@understudy/control'
import type { TrafficMechanism } from '@understudy/provider'
import { checkAtTheEnd, readOperations } from './at-the-end.ts'
import { cloudsOf } from './clouds/index.ts'
import type { Cloud } from './clouds/cloud.ts'
import { endMischief, scheduleMischief } from './mischief.ts'
import type { Weather } from './mischief.ts'
import { populate } from './populate.ts'
import { runUntil, settled } from './run.ts'
import { createWorld, minute } from './world.ts'
import type { SimWorld, Site } from './world.ts'

export interface SimulationReport {
  readonly seed: number
  /** Names of the clouds. */
  readonly clouds: readonly string[]
  readonly ticks: number
  readonly crashes: number
  readonly interruptions: number
  /** Failovers that had moved the traffic before the cloud took the primary, and those that had not. */
  readonly inTime: number
  readonly late: number
  readonly operations: Readonly<Record<string, number>>
  readonly virtualSeconds: number
}

export interface SimulationOptions {
  readonly seed: number
  /** An empty, migrated database of its own. */
  readonly databaseUrl: string
  /** Default: as the seed says. */
  readonly clouds?: readonly Cloud[]
  readonly services?: number
  readonly mechanism?: TrafficMechanism
  readonly tier?: (site: Site) => Tier
  /** Whether parked shadows may keep their memory. Default: drawn. */
  readonly memory?: boolean
  readonly weather?: Weather
  /** Minutes of faults, and of calm afterwards in which everything has to come right. */
  readonly chaosMinutes?: number
  readonly calmMinutes?: number
  /** Tells what happens, for finding out why a seed fails. */
  readonly trace?: (line: string) => void
}

/**
 * One seed is one world: accounts of one cloud or of several, services, faults, crashes, all in virtual time over the production
 * code and a real database. Throws when an invariant is violated; the message names the seed and the moment.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { seed, databaseUrl, trace, clouds = cloudsOf(options.seed), weather = 'foul' } = options
  const world = await createWorld({ seed, databaseUrl, clouds, ...(trace ? { trace } : {}) })
  try {
    await populate(world, {
      services: options.services ?? 3,
      ...(options.mechanism === undefined ? {} : { mechanism: options.mechanism }),
      ...(options.tier === undefined ? {} : { tier: options.tier }),
      ...(options.memory === undefined ? {} : { memory: options.memory }),
    })
    // Most worlds begin well protected; some are hit while they are still being built.
    if (weather === 'fair' || world.random.next() < 0.8) await runUntil(world, world.clock.nowMs() + 4 * minute)
    world.chaosUntilMs = world.clock.nowMs() + (options.chaosMinutes ?? 6) * minute
    scheduleMischief(world, weather)
    await runUntil(world, world.chaosUntilMs)
    endMischief(world)
    await runUntil(world, world.clock.nowMs() + (options.calmMinutes ?? 12) * minute)
    const operations = await checkAtTheEnd(world, runUntil)
    const { ok } = await settled(world, verifyAudit(world.control, world.principal, {}))
    if (!ok) throw new Error('the audit chain is broken')
    return {
      seed,
      clouds: clouds.map(({ name }) => name),
      ticks: world.ticks,
      crashes: world.crashes,
      interruptions: world.interruptions,
      ...(await punctuality(world)),
      operations,
      virtualSeconds: (world.clock.nowMs() - world.startedMs) / 1000,
    }
  } catch (error) {
    const seconds = ((world.clock.nowMs() - world.startedMs) / 1000).toFixed(1)
    throw new Error(`seed ${seed}, at ${seconds} virtual seconds: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    world.life.end()
    for (const { dc } of world.sites) dc.close()
    await world.inFlight.settle()
    await world.close()
  }
}

async function punctuality(world: SimWorld): Promise<{ readonly inTime: number; readonly late: number }> {
  const hurried = (await readOperations(world)).filter(({ kind, status, deadline }) => kind === 'failover' && status === 'succeeded' && deadline)
  const inTime = hurried.filter(({ id, deadline }) => (world.redirected.get(id) ?? Number.POSITIVE_INFINITY) <= Number(deadline)).length
  return { inTime, late: hurried.length - inTime }
}
