import { cancelOperation, verifyAudit } from '@understudy/control'
import type { Operation } from '@understudy/control'
import { createTestDatabase } from '@understudy/testing'
import { expect } from 'vitest'
import type { MutationProxy } from '../mutation-proxy.ts'
import { persistently } from '../unavailable.ts'
import { startWorkerProcess } from '../worker-process.ts'
import type { WorkerProcess } from '../worker-process.ts'
import type { RecoveryCloud, ScenarioTraits } from './clouds/recovery-cloud.ts'
import { openRecoveryWorld } from './recovery-world.ts'
import type { RecoveryWorld } from './recovery-world.ts'
import type { Prepared, Scenario } from './scenarios/scenario.ts'

interface Death {
  readonly number: number
  readonly action: string
  readonly side: 'before' | 'after' | 'while it asks what became of'
  /** Whether somebody cancels the operation while nobody works on it. */
  readonly cancelled: boolean
}
const asking = 'while it asks what became of' satisfies Death['side']

export interface MatrixCase {
  readonly sentence: string
  readonly run: (rig: Rig) => Promise<void>
}

/** A worker process and what it looks after. Cases follow one another in it. */
export interface Rig {
  undisturbed(scenario: Scenario, traits: ScenarioTraits): Promise<void>
  crash(scenario: Scenario, traits: ScenarioTraits, death: Death): Promise<void>
  finish(): Promise<void>
  close(): Promise<void>
}

/**
 * Kills the worker before and after each change, and while it asks what has become of one that was only accepted, and each time leaves
 * the operation to the next worker, or has it cancelled.
 */
export function casesOf(cloud: RecoveryCloud, scenario: Scenario, traits: ScenarioTraits, all: boolean): readonly MatrixCase[] {
  const every = traits.changes.flatMap((action, index) => {
    const sides: readonly Death['side'][] = cloud.isAccepted(action) ? ['before', 'after', asking] : ['before', 'after']
    return sides.flatMap((side) => [false, true].map((cancelled): Death => ({ number: index + 1, action, side, cancelled })))
  })
  return [
    { sentence: 'undisturbed, with the changes that are expected', run: (rig) => rig.undisturbed(scenario, traits) },
    ...(all ? every : spread(every, traits.sample ?? 0)).map((death) => ({
      sentence: `when its worker is killed ${death.side} change ${death.number}, ${death.action}${death.cancelled ? ', and it is cancelled then' : ''}`,
      run: (rig: Rig) => rig.crash(scenario, traits, death),
    })),
  ]
}

/** So many of them, from the first to the last. */
const spread = <T>(all: readonly T[], count: number): readonly T[] =>
  Array.from({ length: Math.min(count, all.length) }, (_, index) => all[Math.floor(((index + 0.55) * all.length) / Math.min(count, all.length))]!) // within its length

type Around = Parameters<MutationProxy['watch']>[1]
interface Expected {
  readonly outcome: () => 'done' | 'undone'
  readonly mustBeKept: boolean
}

export async function makeRig(cloud: RecoveryCloud): Promise<Rig> {
  const own = await createTestDatabase()
  const world = await openRecoveryWorld(own.url, cloud)
  const { proxy } = world.cloud
  const start = (): WorkerProcess => startWorkerProcess({ databaseUrl: own.url, leaseSeconds: cloud.cloud.leaseSeconds })
  let worker = start()
  await worker.ready
  await world.adopt()
  const cancel = ({ id }: Operation): Promise<Operation> => persistently(() => cancelOperation(world.control, world.principal, { id }))
  const carryOut = async (
    scenario: Scenario,
    around: (begun: () => Operation, stuck: (error: unknown) => void) => Around,
    { outcome, mustBeKept }: Expected,
  ): Promise<void> => {
    const prepared = await prepare(world, scenario, mustBeKept)
    const [started, stuck] = [Promise.withResolvers<Operation>(), Promise.withResolvers<never>()]
    stuck.promise.catch(() => undefined)
    let begun: Operation | undefined
    proxy.watch('whatever', async (change, forward) => {
      begun ??= await started.promise
      return around(() => begun!, stuck.reject)(change, forward) // set above
    })
    started.resolve(await scenario.start(prepared))
    try {
      const operation = await Promise.race([world.ended(await started.promise), stuck.promise])
      const { status, error } = operation
      const isDone = outcome() === 'done'
      expect({ status, error }).toEqual({ status: isDone ? 'succeeded' : 'cancelled', error: isDone ? undefined : error })
      await scenario[outcome()](prepared, operation)
      proxy.unwatch()
      await scenario.cleanUp?.(prepared, operation)
    } catch (error) {
      const timeline = await timelineOf(world, await started.promise)
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${timeline}\nThe last worker said:\n${worker.log()}`, {
        cause: error,
      })
    } finally {
      proxy.unwatch()
    }
  }
  return {
    async undisturbed(scenario, traits) {
      const changes: string[] = []
      const note: Around = async ({ action, phase }, forward) => {
        if (phase === 'change') changes.push(action)
        await forward()
        return 'answer'
      }
      await carryOut(scenario, () => note, { outcome: () => 'done', mustBeKept: false })
      const once = (all: readonly string[]): readonly string[] =>
        all.filter((action, index) => !cloud.isRepeated(action) || all.indexOf(action) === index)
      expect(once(changes)).toEqual(once(traits.changes))
    },
    async crash(scenario, { changes, committedFrom = Number.POSITIVE_INFINITY, keptFrom = Number.POSITIVE_INFINITY }, death) {
      let diedAt: string | undefined
      // By its place among its like: another one may have been asked for twice.
      const nth = changes.slice(0, death.number).filter((action) => action === death.action).length
      const [nths, actions] = [new Map<number, number>(), new Map<number, string>()]
      const isCommitted = death.number >= committedFrom
      const around =
        (begun: () => Operation, stuck: (error: unknown) => void): Around =>
        async ({ action, number, phase }, forward) => {
          if (phase === 'change') nths.set(number, [...nths.keys()].filter((one) => actions.get(one) === action).length + 1)
          actions.set(number, action)
          const isThis = action === death.action && nths.get(number) === nth
          const isIt = isThis && (phase === 'question') === (death.side === asking) && diedAt === undefined
          if (!isIt || death.side === 'after') await forward()
          if (!isIt) return 'answer'
          diedAt = action
          try {
            await worker.kill()
            // Behind the point of no return it is too late.
            if (death.cancelled) await (isCommitted ? expect(cancel(begun())).rejects.toMatchObject({ kind: 'too_late' }) : cancel(begun()))
            worker = start()
          } catch (error) {
            // The proxy breaks the connection, and says nothing to anybody who waits for an operation that nobody works on.
            stuck(error)
          }
          return 'silence'
        }
      const outcome = (): 'done' | 'undone' => (death.cancelled && !isCommitted && diedAt !== undefined ? 'undone' : 'done')
      await carryOut(scenario, around, { outcome, mustBeKept: death.number >= keptFrom })
      // What is done when the answer comes is not asked about: it was only seen to end well.
      if (death.side !== asking || diedAt !== undefined) expect(diedAt, 'the change it died at').toBe(death.action)
      else process.stdout.write(`change ${death.number}, ${death.action}, was done at once, and not asked about\n`)
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

async function prepare(world: RecoveryWorld, scenario: Scenario, mustBeKept: boolean): Promise<Prepared> {
  await scenario.arrange?.(world, 'then')
  world.write('then')
  await world.site.calmDown()
  const point = await world.keep()
  world.write('now.')
  await scenario.arrange?.(world, 'now')
  await scenario.begin?.(world, point)
  return { world, point, before: world.look(), mustBeKept }
}

async function timelineOf({ control }: RecoveryWorld, { id }: Operation): Promise<string> {
  const { operations } = control.database.stores
  const found = await operations.findById(id)
  const { events } = await operations.timeline(id)
  return `${id} ${found?.status} ${found?.error?.message ?? ''}\n${events.map(({ step, type, attempt }) => `  ${step} ${type} ${attempt}`).join('\n')}`
}
