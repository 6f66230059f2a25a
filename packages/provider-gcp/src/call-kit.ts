import { providerError } from '@understudy/provider'
import type { Offering } from '@understudy/provider'
import type { Operation } from './clients.ts'
import type { CallEffect } from './errors.ts'
import type { Clients, RestRequest, RestService } from './sdk.ts'

const requestTimeoutMs = 30_000
/** A server holds a wait for up to two minutes. */
export const waitTimeoutMs = 150_000
/** HTTP numbers beside gRPC's: the SDK's own table of what to repeat holds the latter, and its errors carry the former. */
export const readOptions = {
  timeout: requestTimeoutMs,
  retry: {
    retryCodes: [14, 429, 500, 502, 503, 504],
    backoffSettings: {
      initialRetryDelayMillis: 200,
      retryDelayMultiplier: 2,
      maxRetryDelayMillis: 2_000,
      initialRpcTimeoutMillis: 10_000,
      rpcTimeoutMultiplier: 1,
      maxRpcTimeoutMillis: 10_000,
      totalTimeoutMillis: 20_000,
    },
  },
}
/** An iteration pages by itself, and the SDK warns whoever does not say so. */
export const listOptions = { ...readOptions, autoPaginate: false }
/** The SDK repeats no change by itself, and neither do we here: who knows the intent repeats it with the same request id. */
export const changeOptions = { timeout: requestTimeoutMs, retry: null }

interface CallFacts {
  readonly signal?: AbortSignal | undefined
  readonly offering?: Offering | undefined
}
export type Tell = <T>(effect: CallEffect, call: (clients: Clients) => Promise<T>, more?: CallFacts) => Promise<T>
export type Accepted = (
  call: (clients: Clients) => Promise<readonly [{ readonly latestResponse: unknown }, ...unknown[]]>,
  more?: CallFacts,
) => Promise<Operation>

interface ScopedPage {
  readonly warning?: { readonly code?: unknown; readonly message?: string | null } | null
}

/**
 * All items of an aggregated list. It spans every region of the project, and `returnPartialSuccess` keeps the failure of one zone
 * from taking all others along. A zone that `matters` and could not be asked must not look like one in which there is nothing:
 * `unavailable`, after everything else has been handed out.
 */
export async function* pages<Page extends ScopedPage, Item>(
  tell: Tell,
  list: {
    readonly open: (clients: Clients) => AsyncIterable<[string, Page]>
    readonly itemsOf: (page: Page) => readonly Item[] | null | undefined
    readonly matters: (zone: string) => boolean
  },
): AsyncGenerator<Item> {
  let unreachable: string | undefined
  for await (const [scope, page] of listed(tell, list.open)) {
    const zone = scope.slice(scope.lastIndexOf('/') + 1)
    if (page.warning?.code === 'UNREACHABLE' && list.matters(zone)) unreachable ??= `Google could not ask ${zone}: ${page.warning.message ?? ''}`
    yield* list.itemsOf(page) ?? []
  }
  if (unreachable !== undefined) throw providerError('unavailable', 'UNREACHABLE', unreachable)
}

/** The same for what is plain REST. */
export type Ask = (effect: CallEffect, service: RestService, request: RestRequest) => Promise<unknown>

/** All items of a list; each page is one call. */
export async function* listed<Item>(tell: Tell, open: (clients: Clients) => AsyncIterable<Item>): AsyncGenerator<Item> {
  let iterator: AsyncIterator<Item> | undefined
  let hasGiven = false
  for (;;) {
    const step = await tell('read', async (clients) => {
      try {
        return await (iterator ??= open(clients)[Symbol.asyncIterator]()).next()
      } catch (error) {
        // An iterator that has failed says that it is at its end: asked again, it would make a short list look like a whole one.
        iterator = hasGiven ? failing(error) : undefined
        throw error
      }
    })
    if (step.done === true) return
    hasGiven = true
    yield step.value
  }
}

const failing = (error: unknown): AsyncIterator<never> => ({ next: () => Promise.reject(error instanceof Error ? error : new Error(String(error))) })
