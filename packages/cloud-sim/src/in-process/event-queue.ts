import type { JsonObject } from '@understudy/core'
import type { ReceivedDocument } from '@understudy/provider'
import type { DataCentre } from '../datacentre/datacentre.ts'

/** How long a document that was handed out and not acknowledged stays hidden. */
const visibilityMs = 60_000
const batchMax = 10
/** A warning that is an hour old warns of nothing any more. */
const retentionMs = 3_600_000

interface Message {
  readonly document: JsonObject
  readonly sentAtMs: number
  hiddenUntilMs: number
}

/** What a queue behind the event bus is to a poller: at least once, a batch at a time, back again unless acknowledged. */
export class EventQueue {
  readonly #dc: DataCentre
  readonly #unsubscribe: () => void
  readonly #messages = new Set<Message>()
  readonly #waiting = new Set<() => void>()

  constructor(dc: DataCentre) {
    this.#dc = dc
    this.#unsubscribe = dc.subscribe((event) => {
      if (event.kind !== 'cloud_event') return
      this.#messages.add({ document: event.event, sentAtMs: dc.now(), hiddenUntilMs: 0 })
      this.#forgetOld()
      for (const wake of this.#waiting) wake()
    })
  }

  get length(): number {
    return this.#messages.size
  }

  async receive({ waitSeconds, signal }: { readonly waitSeconds: number; readonly signal: AbortSignal }): Promise<readonly ReceivedDocument[]> {
    const ready = this.#take()
    if (ready.length > 0 || waitSeconds <= 0 || signal.aborted) return ready
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel()
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#dc.clock.schedule(waitSeconds * 1000, done)
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
    return signal.aborted ? [] : this.#take()
  }

  close(): void {
    this.#unsubscribe()
    for (const wake of this.#waiting) wake()
  }

  /** Sets keep the order of insertion: the oldest come first. */
  #forgetOld(): void {
    for (const message of this.#messages) {
      if (this.#dc.now() - message.sentAtMs < retentionMs) return
      this.#messages.delete(message)
    }
  }

  #take(): ReceivedDocument[] {
    this.#forgetOld()
    const nowMs = this.#dc.now()
    const taken: ReceivedDocument[] = []
    for (const message of this.#messages) {
      if (message.hiddenUntilMs > nowMs) continue
      message.hiddenUntilMs = nowMs + visibilityMs
      taken.push({
        document: structuredClone(message.document),
        raw: message.document,
        acknowledge: async () => void this.#messages.delete(message),
      })
      if (taken.length === batchMax) break
    }
    return taken
  }
}
