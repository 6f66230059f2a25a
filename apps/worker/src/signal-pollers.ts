import { ingestDocuments, receiveSignals } from '@understudy/control'
import type { Account, Control } from '@understudy/control'
import { sleep } from '@understudy/core'
import { together } from './together.ts'

export interface SignalPollers {
  stop(): Promise<void>
}

export interface SignalPollerOptions {
  readonly control: Control
  /** Long polls of one account at a time: a mass reclaim comes in batches of ten. */
  readonly parallel: number
  readonly waitSeconds: number
  /** How often new accounts are looked for. */
  readonly refreshMs: number
  readonly onReceived: () => void
  readonly onError: (accountId: string, error: unknown) => void
}

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

/** Listens to the event queue of every account that has one. Documents are acknowledged only when what follows from them is durable. */
export function startSignalPollers(options: SignalPollerOptions): SignalPollers {
  const { control } = options
  const stopping = new AbortController()
  const polled = new Map<string, { readonly version: number; readonly abort: AbortController; readonly done: Promise<unknown> }>()

  /** Receives again and again. As long as the queue hands out all it can, more receive beside it, since each has to wait for its answer. */
  const poll = async (polling: Polling, isExtra: boolean): Promise<void> => {
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

  const pollAll = async (account: Account, signal: AbortSignal): Promise<void> => {
    const extras = new Set<Promise<void>>()
    const polling: Polling = {
      account,
      signal,
      take: together((documents) => ingestDocuments(control, { account, source: 'queue', documents }), options.onReceived),
      addExtra() {
        if (extras.size >= extrasMax) return
        const extra: Promise<void> = poll(polling, true).finally(() => extras.delete(extra))
        extras.add(extra)
      },
    }
    await Promise.all(Array.from({ length: options.parallel }, () => poll(polling, false)))
    await Promise.all(extras)
  }

  const refresh = async (): Promise<void> => {
    const accounts = await control.database.stores.accounts.listAll()
    for (const [id, entry] of polled) {
      if (!accounts.some((account) => account.id === id && account.version === entry.version)) {
        entry.abort.abort()
        polled.delete(id)
      }
    }
    for (const account of accounts) {
      if (polled.has(account.id) || stopping.signal.aborted) continue
      const provider = await control.providers.open(account)
      if (!provider.signals?.receive) continue
      const abort = new AbortController()
      const signal = AbortSignal.any([abort.signal, stopping.signal])
      polled.set(account.id, { version: account.version, abort, done: pollAll(account, signal) })
    }
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await refresh().catch((error: unknown) => options.onError('all', error))
      await sleep(control.clock, options.refreshMs, stopping.signal).catch(() => undefined)
    }
  })()

  return {
    async stop() {
      stopping.abort()
      await loop
      await Promise.allSettled([...polled.values()].map((entry) => entry.done))
    },
  }
}
