import type { Control } from '@understudy/control'
import { sleep } from '@understudy/core'
import { pollAccount } from './poll-account.ts'

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

/** Listens to the event queue of every account that has one. Documents are acknowledged only when what follows from them is durable. */
export function startSignalPollers(options: SignalPollerOptions): SignalPollers {
  const { control } = options
  const stopping = new AbortController()
  const polled = new Map<string, { readonly version: number; readonly abort: AbortController; readonly done: Promise<unknown> }>()

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
      polled.set(account.id, { version: account.version, abort, done: pollAccount(options, account, signal) })
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
