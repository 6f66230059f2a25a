import type { Clock } from '@understudy/core'

/** How long the first of several equal calls waits for company. */
export const batchWindowMs = 20

export interface CoalesceOptions<Item, Result> {
  readonly clock: Clock
  /** How long the first item waits for company. */
  readonly windowMs: number
  /** Most items in one call to the cloud. */
  readonly maxItems: number
  /** Items with equal keys may share a call. Default: all may. */
  readonly keyOf?: (item: Item) => string
  /** One call for all items; answers in the same order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>
  /** True when one bad item may have failed the call for all: the batch is then halved until the bad one is alone. */
  readonly isolates?: (error: unknown) => boolean
}

/**
 * Adds one item to the next call. `urgent`: goes out at once, together with what else was asked in the same turn of the event
 * loop, when no call of its key is waiting or under way.
 */
export type Coalesced<Item, Result> = (item: Item, options?: { readonly urgent?: boolean }) => Promise<Result>

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}
interface Lane<Item, Result> {
  waiting: Waiting<Item, Result>[]
  underWay: number
  cancelTimer: (() => void) | undefined
}

/**
 * Turns many single calls into few calls for many. A lone urgent item is never delayed; the urgent items of a mass reclaim find
 * a call under way and gather behind it for one window, so that a thousand of them cost tens of calls and not a thousand.
 */
export function coalesce<Item, Result>(options: CoalesceOptions<Item, Result>): Coalesced<Item, Result> {
  const lanes = new Map<string, Lane<Item, Result>>()

  const flush = (key: string, lane: Lane<Item, Result>): void => {
    lane.cancelTimer?.()
    lane.cancelTimer = undefined
    const batch = lane.waiting.splice(0, options.maxItems)
    if (batch.length > 0) {
      lane.underWay += 1
      void runBatch(options, batch).finally(() => {
        lane.underWay -= 1
        if (lane.underWay === 0 && lane.waiting.length === 0) lanes.delete(key)
      })
    }
    if (lane.waiting.length > 0) flush(key, lane)
  }

  return (item, { urgent = false } = {}) =>
    new Promise((resolve, reject) => {
      const key = options.keyOf?.(item) ?? ''
      const lane = lanes.get(key) ?? { waiting: [], underWay: 0, cancelTimer: undefined }
      lanes.set(key, lane)
      const isIdle = lane.waiting.length === 0 && lane.underWay === 0
      lane.waiting.push({ item, resolve, reject })
      if (lane.waiting.length >= options.maxItems) flush(key, lane)
      else if (urgent && isIdle) queueMicrotask(() => flush(key, lane))
      else lane.cancelTimer ??= options.clock.schedule(options.windowMs, () => flush(key, lane))
    })
}

async function runBatch<Item, Result>(options: CoalesceOptions<Item, Result>, batch: readonly Waiting<Item, Result>[]): Promise<void> {
  try {
    const results = await options.run(batch.map(({ item }) => item))
    if (results.length !== batch.length) throw new Error(`coalesce: ${batch.length} items, ${results.length} results`)
    for (const [index, waiting] of batch.entries()) waiting.resolve(results[index]!) // the lengths are equal
  } catch (error) {
    if (batch.length > 1 && options.isolates?.(error) === true) {
      const middle = Math.ceil(batch.length / 2)
      await Promise.all([runBatch(options, batch.slice(0, middle)), runBatch(options, batch.slice(middle))])
      return
    }
    for (const waiting of batch) waiting.reject(error)
  }
}

/** The parts of a list, each at most `size` long. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size))
  return chunks
}
