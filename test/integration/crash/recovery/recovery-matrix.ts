import { cancelOperation, verifyAudit } from '@understudy/control'
import type { Operation } from '@understudy/control'
import { createTestDatabase } from '@understudy/testing'
import { expect } from 'vitest'
import { startWorkerProcess } from '../worker-process.ts'
import type { WorkerProcess } from '../worker-process.ts'
import type { Around } from './change-proxy.ts'
import { openRecoveryWorld } from './recovery-world.ts'
import type { RecoveryWorld } from './recovery-world.ts'
import type { Prepared, Scenario } from './scenarios.ts'

interface Death {
  readonly number: number
  readonly action: string
  readonly side: 'before' | 'after'
  /** Whether somebody cancels the operation while nobody works on it. */
  readonly cancelled: boolean
}

interface MatrixCase {
  readonly sentence: string
  readonly run: (rig: Rig) => Promise<void>
}

export interface Rig {
  undisturbed(scenario: Scenario): Promise<void>
  crash(scenario: Scenario, death: Death): Promise<void>
  finish(): Promise<void>
  close(): Promise<void>
}

/** Kills the worker before and after each change, and each time leaves the operation to the next worker, or has it cancelled. */
export function casesOf(scenario: Scenario, all: boolean): readonly MatrixCase[] {
  const every = scenario.changes.flatMap((action, index) =>
    (['before', 'after'] as const).flatMap((side) => [false, true].map((cancelled): Death => ({ number: index + 1, action, side, cancelled }))),
  )
  return [
    { sentence: 'undisturbed, with the changes that are expected', run: (rig) => rig.undisturbed(scenario) },
    ...(all ? every : spread(every, scenario.sample)).map((death) => ({
      sentence: `killed ${death.side} change ${death.number}, ${death.action}${death.cancelled ? ', and then cancelled' : ''}`,
      run: (rig: Rig) => rig.crash(scenario, death),
    })),
  ]
}

/** So many of them, from the first to the last. */
const spread = <T>(all: readonly T[], count: number): readonly T[] =>
  Array.from({ length: Math.min(count, all.length) }, (_, index) => all[Math.floor(((index + 0.55) * all.length) / Math.min(count, all.length))]!) // within its length

/** A worker process and what it looks after. Scenarios follow one another in it. */
export async function makeRig(): Promise<Rig> {
  const own = await createTestDatabase()
  const world = await openRecoveryWorld(own.url)
  const start = (): WorkerProcess => startWorkerProcess({ databaseUrl: own.url })
  let worker = start()
  await worker.ready
  await world.adopt()
  const once = async (scenario: Scenario, around: (begun: () => Operation) => Around, outcome: 'done' | 'undone'): Promise<void> => {
    const prepared = await prepare(world, scenario)
    const started = Promise.withResolvers<Operation>()
    let begun: Operation | undefined
    world.proxy.watch(async (change, forward) => {
      begun ??= await started.promise
      return around(() => begun!)(change, forward) // set above
    })
    started.resolve(await scenario.start(prepared))
    try {
      const operation = await world.ended(await started.promise)
      const { status, error } = operation
      expect({ status, error }).toEqual({ status: outcome === 'done' ? 'succeeded' : 'cancelled', error: outcome === 'done' ? undefined : error })
      await scenario[outcome](prepared, operation)
      world.proxy.watch(undefined)
      await scenario.cleanUp?.(prepared, operation)
    } catch (error) {
      const timeline = await timelineOf(world, await started.promise)
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${timeline}\nThe last worker said:\n${worker.log()}`, {
        cause: error,
      })
    } finally {
      world.proxy.watch(undefined)
    }
  }
  return {
    async undisturbed(scenario) {
      const changes: string[] = []
      const note: Around = async ({ action }, forward) => {
        changes.push(action)
        await forward()
        return 'answer'
      }
      await once(scenario, () => note, 'done')
      expect(changes).toEqual(scenario.changes)
    },
    async crash(scenario, death) {
      let diedAt: string | undefined
      const isCommitted = death.number >= (scenario.committedFrom ?? Number.POSITIVE_INFINITY)
      const around =
        (begun: () => Operation): Around =>
        async ({ action, number }, forward) => {
          const isIt = number === death.number && diedAt === undefined
          if (!isIt || death.side === 'after') await forward()
          if (!isIt) return 'answer'
          diedAt = action
          await worker.kill()
          if (death.cancelled) {
            const cancelling = cancelOperation(world.control, world.principal, { id: begun().id })
            // Behind the point of no return it is too late.
            await (isCommitted ? expect(cancelling).rejects.toMatchObject({ kind: 'too_late' }) : cancelling)
          }
          worker = start()
          return 'silence'
        }
      await once(scenario, around, death.cancelled && !isCommitted ? 'undone' : 'done')
      expect(diedAt, 'the change it died at').toBe(death.action)
    },
    async finish() {
      const { control, principal } = world
      expect(await control.database.stores.operations.listUnfinished({ limit: 100 })).toEqual([])
      expect(await verifyAudit(control, principal)).toMatchObject({ ok: true })
      expect(await worker.stop(), 'the last worker drains and ends').toBe(0)
    },
    async close() {
      await worker.kill()
      await world.close()
      await own.drop()
    },
  }
}

async function prepare(world: RecoveryWorld, scenario: Scenario): Promise<Prepared> {
  scenario.arrange?.(world, 'then')
  world.write('then')
  const point = await world.keep()
  world.write('now.')
  scenario.arrange?.(world, 'now')
  return { world, point, before: world.look() }
}

async function timelineOf({ control }: RecoveryWorld, { id }: Operation): Promise<string> {
  const { operations } = control.database.stores
  const found = await operations.findById(id)
  const { events } = await operations.timeline(id)
  return `${id} ${found?.status} ${found?.error?.message ?? ''}\n${events.map(({ step, type, attempt }) => `  ${step} ${type} ${attempt}`).join('\n')}`
}
