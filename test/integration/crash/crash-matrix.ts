import { createTestDatabase, startTestRedis } from '@understudy/testing'
import { expect } from 'vitest'
import type { Cloud, Failover } from './clouds/cloud.ts'
import { createCrashWorld, namesOf } from './crash-world.ts'
import type { MutationProxy } from './mutation-proxy.ts'
import { expectAtRest, expectFailedOver } from './invariants.ts'
import { startWorkerProcess } from './worker-process.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface MatrixOptions {
  readonly cloud: Cloud
  readonly failover: Failover
  /** Every moment at which a change begins or has been made; otherwise as many as the failover's sample. */
  readonly all: boolean
}

export interface MatrixCase {
  readonly sentence: string
  /** Resolves when this case has passed, and rejects when it has not. */
  readonly outcome: () => Promise<void>
}

export interface CrashMatrix {
  readonly cases: readonly MatrixCase[]
  /** The cases one after the other, each with a service of its own. Matrices may run beside each other. Never rejects. */
  run(): Promise<void>
}

interface Death {
  readonly number: number
  readonly side: 'before' | 'after' | 'while it asks what became of'
  readonly action: string
}

const asking = 'while it asks what became of' satisfies Death['side']

/**
 * Kills the worker process, with SIGKILL, before and after each change that a failover makes in the cloud, and while it asks what has
 * become of one that was only accepted, starts another one, and looks whether all is well.
 */
export function crashMatrix(options: MatrixOptions): CrashMatrix {
  const { cloud, failover } = options
  const every = failover.changes.slice(0, failover.dieAtFirst).flatMap((action, index) => {
    const sides: readonly Death['side'][] = cloud.isAccepted(action) ? ['before', 'after', asking] : ['before', 'after']
    return sides.map((side): Death => ({ number: index + 1, side, action }))
  })
  const deaths = options.all || failover.sample === undefined ? every : spread(every, failover.sample)
  const steps: { readonly sentence: string; readonly run: (rig: Rig) => Promise<void> }[] = [
    { sentence: 'undisturbed, with the changes that are expected', run: async (rig) => expect(await rig.undisturbed()).toEqual(failover.changes) },
    ...deaths.map((death) => ({
      sentence: `when its worker is killed ${death.side} change ${death.number}, ${death.action}`,
      run: async (rig: Rig) => {
        const diedAt = await rig.crash(death)
        // What is done when the answer comes is not asked about: the failover was only seen to end well.
        if (death.side !== asking || diedAt !== undefined) expect(diedAt, 'the change it died at').toBe(death.action)
      },
    })),
    { sentence: 'and afterwards every promise is kept again, nothing is forgotten, and the audit trail holds', run: (rig) => rig.finish() },
  ]
  const waiting = steps.map(() => Promise.withResolvers<void>())
  // Nobody may be waiting yet when a case fails.
  for (const { promise } of waiting) promise.catch(() => undefined)
  return {
    cases: steps.map(({ sentence }, index) => ({ sentence, outcome: () => waiting[index]!.promise })), // same length
    async run() {
      let failure: unknown
      const rig = await makeRig(options, deaths.length + 1).catch((error: unknown) => void (failure = error))
      for (const [index, step] of steps.entries()) {
        try {
          // Each failure takes the longest a failover may take; the first one says enough.
          if (!rig || failure !== undefined) throw new Error('not tried: what came before has failed', { cause: failure })
          await step.run(rig)
          waiting[index]?.resolve()
        } catch (error) {
          failure ??= error
          waiting[index]?.reject(error)
        }
      }
      await rig?.close()
    },
  }
}

/** So many of them, from the first to the last. */
const spread = <T>(all: readonly T[], count: number): readonly T[] => all.filter((_, index) => (index * count) % all.length < count)

interface Rig {
  undisturbed(): Promise<readonly string[]>
  /** Fails one service over, killing the worker there. Answers the change it died at; undefined: the failover made fewer. */
  crash(death: Death): Promise<string | undefined>
  finish(): Promise<void>
  close(): Promise<void>
}

async function makeRig({ cloud, failover }: MatrixOptions, services: number): Promise<Rig> {
  const own = await createTestDatabase()
  const redis = failover.queue === 'redis' ? await startTestRedis() : undefined
  const world = await createCrashWorld(own.url, cloud)
  const start = (): WorkerProcess => startWorkerProcess({ databaseUrl: own.url, redisUrl: redis?.url, leaseSeconds: cloud.leaseSeconds })
  let worker = start()
  // One that cannot start says why; without it every wait below would end with nothing but that it was too long.
  await worker.ready
  const all = await world.protect('web', services, failover.tier)
  const left = [...all]
  /** Takes a service that nothing has happened to, has every change of its failover told, and lets the notice come. */
  const failOver = async (around: Parameters<MutationProxy['watch']>[1]): Promise<void> => {
    const next = left.pop()
    if (!next) throw new Error('there are more kills than services')
    world.cloud.proxy.watch(namesOf(world, next), around)
    try {
      await world.interrupt(next.resource.nativeId)
      await expectFailedOver(world, next, () => worker)
    } finally {
      world.cloud.proxy.unwatch()
    }
  }
  return {
    async undisturbed() {
      const changes: string[] = []
      await failOver(async ({ action, phase }, forward) => {
        if (phase === 'change') changes.push(action)
        await forward()
        return 'answer'
      })
      return changes
    },
    async crash(death) {
      let diedAt: string | undefined
      await failOver(async ({ action, number, phase }, forward) => {
        const isIt = number === death.number && (phase === 'question') === (death.side === asking) && diedAt === undefined
        if (!isIt || death.side === 'after') await forward()
        if (!isIt) return 'answer'
        diedAt = action
        await worker.kill()
        worker = start()
        return 'silence'
      })
      return diedAt
    },
    async finish() {
      const ids = all.map(({ resource }) => resource.id)
      await expectAtRest(world, ids)
      expect(await worker.stop(), 'the last worker drains and ends').toBe(0)
    },
    async close() {
      await worker.kill()
      await world.close()
      await own.drop()
      await redis?.stop()
    },
  }
}
