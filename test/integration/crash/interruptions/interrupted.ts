import { clouds } from '../clouds/index.ts'
import type { Cloud } from '../clouds/cloud.ts'
import { crashMatrixConfig } from '../config.ts'
import { namesOf } from '../crash-world.ts'
import type { CrashWorld, Protected } from '../crash-world.ts'

const { all, cloud: only } = crashMatrixConfig()

/** Those whose failovers are interrupted: the first for `npm test`, for what is lost is the same; all, or one, by `npm run crash-matrix -- --interruptions`. */
export const interruptedClouds: readonly Cloud[] = all ? clouds.filter(({ name }) => only === undefined || name === only) : clouds.slice(0, 1)

/** At which of its changes a failover to a running shadow does what, from 1. */
export interface Turns {
  readonly shift: number
  readonly end: number
  readonly promote: number
}

export function turnsOf({ title, failovers }: Cloud): Turns {
  const changes = failovers.find((failover) => failover.title.startsWith('to a running shadow'))?.changes ?? []
  const end = 1 + changes.findIndex((action) => action === 'TerminateInstances' || action.endsWith('.delete'))
  if (end === 0) throw new Error(`No change ends the former primary on ${title}.`)
  return { shift: 1, end, promote: end + 1 }
}

export const idsOf = (services: readonly Protected[]): string[] => services.map(({ resource }) => resource.id)

export const interrupt = (world: CrashWorld, { resource }: Protected, copies = 1): Promise<void> => world.interrupt(resource.nativeId, copies)

/** Does something in front of one change of a failover, and then lets it go on. Answers whether it has been done. */
export function inFrontOf(world: CrashWorld, service: Protected, number: number, deed: () => Promise<void>): () => boolean {
  let done = false
  world.cloud.proxy.watch(namesOf(world, service), async (mutation, forward) => {
    if (mutation.number === number && mutation.phase === 'change' && !done) {
      done = true
      await deed()
    }
    await forward()
    return 'answer'
  })
  return () => done
}
