import { failureOf, hostReconcilers, serviceSigner } from '@understudy/control'
import type { Control, Prober, Reconciler, SagaDeps, WebhookSender } from '@understudy/control'
import { startOutboxRelay } from '@understudy/queue'
import type { OpenQueue } from '@understudy/queue'
import { createRunner } from '@understudy/saga'
import type { Observe, Runner } from '@understudy/saga'
import { jobs } from './jobs.ts'
import { networkProber } from './prober.ts'
import { reconcilers } from './reconcilers.ts'
import { sagas } from './sagas.ts'
import { startSignalPollers } from './signal-pollers.ts'

export interface WorkerOptions {
  readonly control: Control
  readonly queue: OpenQueue
  readonly runnerId: string
  readonly concurrencyMax: number
  readonly leaseMs: number
  readonly sender: WebhookSender
  readonly observe: Observe
  readonly onError: (where: string, error: unknown) => void
  readonly pollers?: { readonly parallel: number; readonly waitSeconds: number; readonly refreshMs: number }
  /** Default: everything of `reconcilers.ts`. */
  readonly reconcilers?: readonly Reconciler[]
  /** Default: over the network. */
  readonly prober?: Prober
  /** How often the database is searched for what no bell has told of. Default 2 s. */
  readonly sweepMs?: number
  /** How often the outbox is emptied when nobody pokes it. Default 250 ms. */
  readonly relayMs?: number
}

export interface RunningWorker {
  readonly runner: Runner
  /** Stops taking work, lets what runs come to a step boundary, gives the leases back. */
  stop(): Promise<void>
}

/** The sweep finds what no bell has told of: after an emptied queue, a lost outbox row, a lease that ran out. */
const usualSweepMs = 2000

/** Everything a worker does: runs operations, hosts the reconcilers, listens to the clouds' queues, carries the outbox. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { control, queue } = options
  const { database, clock } = control
  const onError = (where: string) => (error: unknown) => options.onError(where, error)
  const deps: SagaDeps = {
    database,
    clock,
    ids: control.ids,
    settings: control.settings,
    openProvider: (accountId) => openProvider(control, accountId),
    vault: control.vault,
    prober: options.prober ?? networkProber,
    signer: serviceSigner(control),
  }
  const runner = createRunner({
    store: database.sagas,
    sagas: sagas(deps),
    clock,
    random: control.random,
    runnerId: options.runnerId,
    classify: failureOf,
    observe: options.observe,
    leaseMs: options.leaseMs,
    // An undo that gives up leaves work for a person: as often as its budget allows.
    undoAttemptsMax: 100,
    concurrencyMax: options.concurrencyMax,
  })
  const host = hostReconcilers(control, options.reconcilers ?? reconcilers({ sender: options.sender }), {
    runner: options.runnerId,
    onError: (name, error) => options.onError(`reconciler ${name}`, error),
  })
  await queue.consume(jobs(runner, host))
  const relay = startOutboxRelay({
    database,
    queue,
    clock,
    onError: onError('outbox'),
    ...(options.relayMs === undefined ? {} : { everyMs: options.relayMs }),
  })
  const pollers = startSignalPollers({
    control,
    ...(options.pollers ?? { parallel: 4, waitSeconds: 20, refreshMs: 5000 }),
    onReceived: () => {
      // This process can begin at once; the outbox tells the others.
      void runner.wake()
      relay.poke()
    },
    onError: (accountId, error) => options.onError(`signals of ${accountId}`, error),
  })
  const stopSweep = startSweep(control, runner, options.sweepMs ?? usualSweepMs)
  return {
    runner,
    async stop() {
      stopSweep()
      await Promise.all([pollers.stop(), queue.drain(), host.stop()])
      await runner.drain()
      await relay.stop()
    },
  }
}

function startSweep(control: Control, runner: Runner, sweepMs: number): () => void {
  let cancel = (): void => undefined
  let stopped = false
  const sweep = (): void => {
    void runner.wake().finally(() => {
      if (!stopped) cancel = control.clock.schedule(sweepMs, sweep)
    })
  }
  cancel = control.clock.schedule(0, sweep)
  return () => {
    stopped = true
    cancel()
  }
}

/** An account row is read anew each time: its credentials may have been replaced meanwhile. */
async function openProvider(control: Control, accountId: string) {
  const account = await control.database.stores.accounts.findById(accountId)
  if (!account) throw new Error(`the account ${accountId} of an operation no longer exists`)
  return control.providers.open(account)
}
