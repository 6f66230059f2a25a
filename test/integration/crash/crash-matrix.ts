import type { Tier } from '@understudy/control'
import { createTestDatabase, startTestRedis } from '@understudy/testing'
import { expect } from 'vitest'
import { createCrashWorld, longNoticeMs } from './crash-world.ts'
import type { CrashWorld, Protected } from './crash-world.ts'
import { expectAtRest, expectFailedOver } from './invariants.ts'
import { startWorkerProcess } from './worker-process.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface MatrixOptions {
  readonly backend: 'postgres' | 'redis'
  readonly tier: Tier
  /** What one failover changes in the cloud when nobody disturbs it, in this order. The first case holds it to that. */
  readonly changes: readonly string[]
  /** How many of them to die at, from the first on. Default: all. */
  readonly dieAtFirst?: number
}

export interface MatrixCase {
  readonly sentence: string
  /** Resolves when this case has passed, and rejects when it has not. */
  readonly outcome: () => Promise<void>
}

export interface CrashMatrix {
  readonly cases: readonly MatrixCase[]
  /** Begins with the first case; they run one after the other, each with a service of its own. Matrices may run beside each other. */
  start(): void
  close(): Promise<void>
}

interface Death {
  readonly number: number
  readonly side: 'before' | 'after'
  readonly action: string
}

/**
 * Kills the worker process, with SIGKILL, before and after each change that a failover makes in the cloud, starts another one,
 * and looks whether all is well.
 */
export function crashMatrix(options: MatrixOptions): CrashMatrix {
  const deaths = options.changes
    .slice(0, options.dieAtFirst)
    .flatMap((action, index) => (['before', 'after'] as const).map((side): Death => ({ number: index + 1, side, action })))
  const steps: { readonly sentence: string; readonly run: (rig: Rig) => Promise<void> }[] = [
    { sentence: 'undisturbed, with the changes that are expected', run: async (rig) => expect(await rig.undisturbed()).toEqual(options.changes) },
    ...deaths.map((death) => ({
      sentence: `when its worker is killed ${death.side} change ${death.number}, ${death.action}`,
      run: async (rig: Rig) => expect(await rig.crash(death), 'the change it died at').toBe(death.action),
    })),
    { sentence: 'and afterwards every promise is kept again, nothing is forgotten, and the audit trail holds', run: (rig) => rig.finish() },
  ]
  const waiting = steps.map(() => Promise.withResolvers<void>())
  // Nobody may be waiting yet when a case fails.
  for (const { promise } of waiting) promise.catch(() => undefined)
  let rig: Promise<Rig> | undefined
  const run = async (): Promise<void> => {
    let failed = false
    for (const [index, step] of steps.entries()) {
      try {
        // Each failure takes the longest a failover may take; the first one says enough.
        if (failed) throw new Error('not tried: a case before this one has failed')
        await step.run(await rig!) // set before this runs
        waiting[index]?.resolve()
      } catch (error) {
        failed = true
        waiting[index]?.reject(error)
      }
    }
  }
  let running: Promise<void> | undefined
  return {
    cases: steps.map(({ sentence }, index) => ({ sentence, outcome: () => waiting[index]!.promise })), // same length
    start() {
      rig = makeRig(options, deaths.length + 1)
      running = run()
    },
    async close() {
      await running
      await (await rig)?.close()
    },
  }
}

interface Rig {
  undisturbed(): Promise<readonly string[]>
  /** Fails one service over, killing the worker there. Answers the change it died at; undefined: the failover made fewer. */
  crash(death: Death): Promise<string | undefined>
  finish(): Promise<void>
  close(): Promise<void>
}

async function makeRig(options: MatrixOptions, services: number): Promise<Rig> {
  const own = await createTestDatabase()
  const redis = options.backend === 'redis' ? await startTestRedis() : undefined
  const world = await createCrashWorld(own.url)
  const start = (): WorkerProcess => startWorkerProcess({ databaseUrl: own.url, redisUrl: redis?.url })
  let worker = start()
  // One that cannot start says why; without it every wait below would end with nothing but that it was too long.
  await worker.ready
  const all = await world.protect('web', services, options.tier)
  const left = [...all]
  /** Takes a service that nothing has happened to, has every change of its failover told, and lets the notice come. */
  const failOver = async (around: Parameters<CrashWorld['proxy']['watch']>[1]): Promise<void> => {
    const next = left.pop()
    if (!next) throw new Error('there are more kills than services')
    world.proxy.watch(namesOf(next), around)
    world.sim.dataCentre.market.interrupt(next.resource.nativeId, { noticeMs: longNoticeMs })
    try {
      await expectFailedOver(world, next, () => worker)
    } finally {
      world.proxy.unwatch()
    }
  }
  return {
    async undisturbed() {
      const changes: string[] = []
      await failOver(async ({ action }, forward) => {
        changes.push(action)
        await forward()
        return 'answer'
      })
      return changes
    },
    async crash(death) {
      let diedAt: string | undefined
      await failOver(async ({ action, number }, forward) => {
        const isIt = number === death.number && diedAt === undefined
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

const namesOf = ({ service, resource, shadow }: Protected): string[] => [
  resource.id,
  resource.nativeId,
  service.listenerArn,
  ...(shadow.nativeId === undefined ? [] : [shadow.nativeId]),
]
