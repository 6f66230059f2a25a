import { primariesReconciler, shadowsReconciler } from '@understudy/control'
import type { Control } from '@understudy/control'
import { startWorker } from '@understudy/worker'
import { checkEveryMoment } from './invariants.ts'
import { lossyQueue } from './lossy-queue.ts'
import { Life, mortalDatabase } from './mortal.ts'
import type { SimWorld } from './world.ts'

const minute = 60_000

/** A new process: a new runner id, nothing in memory. */
export async function startLife(world: SimWorld): Promise<void> {
  const life = new Life()
  world.life = life
  world.incarnation += 1
  const clock = life.clock(world.clock)
  const control: Control = {
    ...world.control,
    clock,
    database: mortalDatabase(world.control.database, life),
    providers: { ...world.control.providers, open: async (account) => life.shroud(await world.control.providers.open(account)) },
  }
  world.worker = await startWorker({
    control,
    queue: lossyQueue(clock, world.random, world.queueFaults),
    runnerId: `life-${world.incarnation}`,
    concurrencyMax: 64,
    leaseMs: 20_000,
    sender: { send: () => Promise.reject(new Error('a simulation has no webhooks')) },
    observe: (event) => {
      if (event.type === 'finished' || event.type === 'stuck')
        world.trace(`${event.saga} ${event.operationId} ${event.type === 'finished' ? event.status : 'stuck'} ${event.failure?.message ?? ''}`)
      if (
        event.type === 'step_finished' &&
        event.saga === 'failover' &&
        event.step === 'traffic' &&
        event.action === 'run' &&
        event.outcome === 'succeeded'
      )
        world.redirected.set(event.operationId, world.clock.nowMs())
      if (event.type === 'step_finished')
        world.trace(`  ${event.saga} ${event.operationId} ${event.step} ${event.action} ${event.outcome} ${event.failure?.message ?? ''}`)
    },
    onError: (where, error) => world.trace(`error in ${where}: ${String(error)}`),
    pollers: { parallel: 1, waitSeconds: 20, refreshMs: minute },
    reconcilers: [shadowsReconciler, primariesReconciler],
    sweepMs: 5000,
    relayMs: 5000,
  })
}

/** Moves time from one event to the next; everything that can happen without time passing happens first. */
export async function runUntil(world: SimWorld, untilMs: number, done: () => boolean = () => false): Promise<void> {
  const watched = world.services.map((service) => service.watched)
  while (!done()) {
    await world.inFlight.settle()
    if (world.violation !== undefined) throw world.violation
    checkEveryMoment(watched)
    const next = world.clock.nextDueMs
    if (next === undefined || next > untilMs) {
      world.clock.advance(Math.max(0, untilMs - world.clock.nowMs()))
      return
    }
    world.clock.advanceToNext()
    world.ticks += 1
  }
}

/** Lets virtual time pass until a promise of the world has settled. */
export async function settled<T>(world: SimWorld, work: Promise<T>): Promise<T> {
  const outcome: { value?: T; error?: unknown; state: 'waiting' | 'done' | 'failed' } = { state: 'waiting' }
  const finished = world.inFlight.track(work).then(
    (value) => Object.assign(outcome, { value, state: 'done' as const }),
    (error: unknown) => Object.assign(outcome, { error, state: 'failed' as const }),
  )
  await runUntil(world, world.clock.nowMs() + 10 * minute, () => outcome.state !== 'waiting')
  await finished
  if (outcome.state === 'failed') throw outcome.error
  return outcome.value as T
}
