import { ingestDocuments, receiveSignals } from '@understudy/control'
import type { Account } from '@understudy/control'
import { sleep } from '@understudy/core'
import type { SignalPollerOptions } from './signal-pollers.ts'
import { together } from './together.ts'

/** What the pollers of one account share. */
interface Polling {
  readonly account: Account
  readonly signal: AbortSignal
  readonly take: (documents: readonly unknown[]) => Promise<void>
  readonly addExtra: () => void
}

const pauseAfterErrorMs = 5000
/** The most that SQS hands out at a time; a cloud whose queues hand out more fills this too. */
const fullReceive = 10
/** Pollers of an account beside those that are always there. */
const extrasMax = 28
/** Receives of one poller whose documents are not durable yet. */
const underWayMax = 16

/** Polls the queue of one account with as many receives as it needs, until `signal` aborts. */
export async function pollAccount(options: SignalPollerOptions, account: Account, signal: AbortSignal): Promise<void> {
  const extras = new Set<Promise<void>>()
  const polling: Polling = {
    account,
    signal,
    take: together((documents) => ingestDocuments(options.control, { account, source: 'queue', documents }), options.onReceived),
    addExtra() {
      if (extras.size >= extrasMax) return
      const extra: Promise<void> = poll(options, polling, true).finally(() => extras.delete(extra))
      extras.add(extra)
    },
  }
  await Promise.all(Array.from({ length: options.parallel }, () => poll(options, polling, false)))
  await Promise.all(extras)
}

/** Receives again and again. As long as the queue hands out all it can, more receive beside it, since each has to wait for its answer. */
async function poll(options: SignalPollerOptions, polling: Polling, isExtra: boolean): Promise<void> {
  const { control } = options
  const { account, signal } = polling
  const underWay = new Set<Promise<void>>()
  let isFull = true
  while (!signal.aborted && (isFull || !isExtra)) {
    isFull = false
    const received = Promise.withResolvers<void>()
    const takeIn = (documents: readonly unknown[]): Promise<void> => {
      isFull = documents.length >= fullReceive
      if (isFull) polling.addExtra()
      received.resolve()
      return polling.take(documents)
    }
    const done: Promise<void> = receiveSignals(control, account, { waitSeconds: isExtra ? 0 : options.waitSeconds, signal }, takeIn)
      .then(() => undefined)
      .catch(async (error: unknown) => {
        if (signal.aborted) return
        options.onError(account.id, error)
        await sleep(control.clock, pauseAfterErrorMs, signal).catch(() => undefined)
      })
      .finally(() => underWay.delete(done))
    underWay.add(done)
    // The next ones are fetched while these are made durable.
    await Promise.race([received.promise, done])
    if (underWay.size >= underWayMax) await Promise.race(underWay)
  }
  await Promise.all(underWay)
}
