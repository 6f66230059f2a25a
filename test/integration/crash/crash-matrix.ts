import type { Tier } from '@understudy/control'
import { createTestDatabase, startTestRedis, testRedisUrl } from '@understudy/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCrashWorld, longNoticeMs } from './crash-world.ts'
import type { CrashWorld, Protected } from './crash-world.ts'
import { expectAtRest, expectFailedOver } from './invariants.ts'
import { startWorkerProcess } from './worker-process.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface MatrixOptions {
  readonly backend: 'postgres' | 'redis'
  readonly tier: Tier
  /** What one failover changes in the cloud when nobody disturbs it, in this order. The first test holds it to that. */
  readonly changes: readonly string[]
  /** How many of them to die at, from the first on. Default: all. */
  readonly dieAtFirst?: number
  /** What happens to a service before the notice comes. */
  readonly before?: (world: CrashWorld, service: Protected) => Promise<void>
}

/**
 * Kills the worker process, with SIGKILL, before and after each change that a failover makes in the cloud, starts another one,
 * and looks whether all is well. Each kill has a service of its own; call it within a `describe`.
 */
export function crashMatrix(options: MatrixOptions): void {
  const deaths = options.changes
    .slice(0, options.dieAtFirst)
    .flatMap((action, index) => (['before', 'after'] as const).map((side) => ({ number: index + 1, side, action })))
  describe.skipIf(options.backend === 'redis' && testRedisUrl() === undefined)('comes to a good end', () => {
    let matrix: Matrix
    beforeAll(async () => {
      matrix = await prepareMatrix(options, deaths.length + 1)
    })
    afterAll(() => matrix.close())
    test('undisturbed, with the changes that are expected', async () => {
      expect(await matrix.undisturbed()).toEqual(options.changes)
    })
    for (const death of deaths) {
      test(`when its worker is killed ${death.side} change ${death.number}, ${death.action}`, async () => {
        expect(await matrix.crash(death)).toBe(death.action)
      })
    }
    test('and afterwards every promise is kept again, nothing is forgotten, and the audit trail holds', () => matrix.finish())
  })
}

interface Matrix {
  undisturbed(): Promise<readonly string[]>
  /** Fails one service over, killing the worker there. Answers the change it died at; undefined: the failover made fewer. */
  crash(death: { readonly number: number; readonly side: 'before' | 'after' }): Promise<string | undefined>
  finish(): Promise<void>
  close(): Promise<void>
}

async function prepareMatrix(options: MatrixOptions, services: number): Promise<Matrix> {
  const own = await createTestDatabase()
  const redis = options.backend === 'redis' ? await startTestRedis() : undefined
  const world = await createCrashWorld(own.url)
  const start = (): WorkerProcess => startWorkerProcess({ databaseUrl: own.url, redisUrl: redis?.url })
  let worker = start()
  const all = await world.protect('web', services, options.tier)
  const left = [...all]
  const take = async (): Promise<Protected> => {
    const next = left.pop()
    if (!next) throw new Error('there are more kills than services')
    await options.before?.(world, next)
    return next
  }
  return {
    async undisturbed() {
      const service = await take()
      const changes: string[] = []
      watch(world, service, async ({ action }, forward) => {
        changes.push(action)
        await forward()
        return 'answer'
      })
      interrupt(world, service)
      await expectFailedOver(world, service)
      world.proxy.unwatch()
      return changes
    },
    async crash(death) {
      const service = await take()
      let diedAt: string | undefined
      watch(world, service, async ({ action, number }, forward) => {
        const isIt = number === death.number && diedAt === undefined
        if (!isIt || death.side === 'after') await forward()
        if (!isIt) return 'answer'
        diedAt = action
        await worker.kill()
        worker = start()
        return 'silence'
      })
      interrupt(world, service)
      try {
        await expectFailedOver(world, service)
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : String(error)}\n\nThe worker after the kill said:\n${worker.log()}`, {
          cause: error,
        })
      } finally {
        world.proxy.unwatch()
      }
      return diedAt
    },
    async finish() {
      await expectAtRest(
        world,
        all.map(({ resource }) => resource.id),
      )
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

function watch(world: CrashWorld, { service, resource, shadow }: Protected, around: Parameters<CrashWorld['proxy']['watch']>[1]): void {
  const names = [resource.nativeId, service.listenerArn, ...(shadow.nativeId === undefined ? [] : [shadow.nativeId])]
  world.proxy.watch(names, around)
}

const interrupt = (world: CrashWorld, { resource }: Protected): void =>
  world.sim.dataCentre.market.interrupt(resource.nativeId, { noticeMs: longNoticeMs })
