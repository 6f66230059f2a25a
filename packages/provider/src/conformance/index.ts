import { afterAll, beforeAll, describe } from 'vitest'
import { blockConformance } from './blocks.ts'
import { copyConformance } from './copies.ts'
import { commandConformance } from './commands.ts'
import { computeConformance } from './compute.ts'
import { diskConformance } from './disks.ts'
import { failureConformance } from './failures.ts'
import { hostConformance } from './hosts.ts'
import { inventoryConformance } from './inventory.ts'
import { isolationConformance } from './isolation.ts'
import { leftoverConformance } from './leftovers.ts'
import { portableConformance } from './portable.ts'
import { signalConformance } from './signals.ts'
import { snapshotConformance } from './snapshots.ts'
import { trafficConformance } from './traffic.ts'
import type { ConformanceWorld } from './world.ts'

export { captured, clone, describeOf, newContext, refusalOf, stateOf, until } from './steps.ts'
export type { Closed, ConformanceWorld, Counted, FaultyCall, HostGroupWorld } from './world.ts'

/**
 * What every provider has to do, whatever its cloud: one suite, run against the real adapters and against the simulated ones.
 * Cases that a provider's traits rule out are skipped with the reason; that a "no" is really refused is a case of its own.
 */
export function describeConformance(name: string, makeWorld: () => Promise<ConformanceWorld>): void {
  describe(`conformance of ${name}`, () => {
    let world: ConformanceWorld | undefined
    const current = (): ConformanceWorld => {
      if (world === undefined) throw new Error('the world has not been made')
      return world
    }
    beforeAll(async () => {
      world = await makeWorld()
    })
    afterAll(async () => {
      await world?.close()
    })
    inventoryConformance(current)
    computeConformance(current)
    hostConformance(current)
    portableConformance(current)
    trafficConformance(current)
    snapshotConformance(current)
    blockConformance(current)
    copyConformance(current)
    diskConformance(current)
    isolationConformance(current)
    commandConformance(current)
    leftoverConformance(current)
    signalConformance(current)
    failureConformance(current)
  })
}
