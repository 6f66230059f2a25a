import { startHelper } from './child.ts'
import { monotonicMs } from './protocol.ts'
import type { Moves, RegionAnswers, RegionReady, RegionRequest } from './protocol.ts'

/** The simulated region in its own process, as the bench sees it. */
export interface Region {
  readonly url: string
  readonly region: string
  readonly eventsQueueUrl: string
  readonly pid: number
  ask<Call extends RegionRequest['call']>(request: Extract<RegionRequest, { readonly call: Call }>): Promise<RegionAnswers[Call]>
  /** Forgets what has moved so far. Nobody may wait meanwhile. */
  forgetMoves(): void
  /** Resolves with the first moment at which each of these entries changed hands; after `limitMs` with those that did. */
  untilMoved(entries: readonly string[], limitMs: number): Promise<ReadonlyMap<string, number>>
  stop(): Promise<void>
}

export async function startRegion(logFile: string): Promise<Region> {
  const { helper, ready } = await startHelper({ entry: 'region.ts', logFile })
  const { url, region, eventsQueueUrl } = (ready as RegionReady).ready
  const asked = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  const moved = new Map<string, number>()
  let onMoved = (): void => undefined
  let lastId = 0
  helper.onMessage((raw) => {
    const message = raw as Partial<Moves> & { readonly id?: number; readonly result?: never; readonly error?: string }
    if (message.moved) {
      for (const { entry, atMs } of message.moved) if (!moved.has(entry)) moved.set(entry, atMs)
      onMoved()
    }
    if (message.id === undefined) return
    const waiting = asked.get(message.id)
    asked.delete(message.id)
    if (message.error === undefined) waiting?.resolve(message.result as never)
    else waiting?.reject(new Error(`the region: ${message.error}`))
  })
  return {
    ...{ url, region, eventsQueueUrl, pid: helper.pid },
    ask: (request) =>
      new Promise((resolve, reject) => {
        lastId += 1
        asked.set(lastId, { resolve, reject })
        helper.send({ id: lastId, ...request })
      }),
    forgetMoves: () => moved.clear(),
    async untilMoved(entries, limitMs) {
      const untilMs = monotonicMs() + limitMs
      const missing = new Set(entries)
      const strike = (): void => {
        for (const entry of missing) if (moved.has(entry)) missing.delete(entry)
      }
      for (strike(); missing.size > 0; strike()) {
        const leftMs = untilMs - monotonicMs()
        if (leftMs <= 0) break
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs)
          onMoved = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      return new Map(entries.flatMap((entry) => (moved.has(entry) ? [[entry, moved.get(entry) ?? 0] as const] : [])))
    },
    stop: () => helper.stop(),
  }
}
