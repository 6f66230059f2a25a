import type { Clock, Json } from '@understudy/core'
import { contentHash, within } from '@understudy/core'
import type { AuditIntent } from './definition.ts'
import { Dropped } from './held.ts'
import type { Held } from './held.ts'
import type { SagaEvent, SagaEventType, StepFailure } from './log.ts'
import type { Observe } from './observe.ts'
import { FencedOff } from './store.ts'
import type { OperationStatus, SagaStore } from './store.ts'

/**
 * Everything one operation writes goes through here. Any error of the store drops the operation: after an ambiguous failure
 * (the connection broke after the commit, say) only the log knows what happened, and the next claim reads it.
 */
export class Writer {
  readonly events: SagaEvent[]
  readonly #store: SagaStore
  readonly #clock: Clock
  readonly #held: Held
  readonly #observe: Observe
  readonly #timeoutMs: number
  readonly #audited = new Set<string>()
  #staged: SagaEvent[] = []

  constructor(options: {
    readonly store: SagaStore
    readonly clock: Clock
    readonly held: Held
    readonly observe: Observe
    /** The longest a call of the store may take before the operation is dropped. */
    readonly timeoutMs: number
  }) {
    this.#store = options.store
    this.#clock = options.clock
    this.#held = options.held
    this.#observe = options.observe
    this.#timeoutMs = options.timeoutMs
    this.events = [...options.held.operation.events]
  }

  /** Adds an event that will be written with the next flush: one transaction for the end of a step and the start of the next. */
  stage(type: SagaEventType, step: string, attempt: number, data: Json = null): void {
    const event = { sequence: this.events.length + 1, type, step, attempt, data, atMs: this.#clock.nowMs() }
    this.#staged.push(event)
    this.events.push(event)
  }

  /** True when the store has said whether a cancellation is asked for; not every store does. */
  async flush(): Promise<boolean> {
    if (this.#staged.length === 0) return false
    const events = this.#staged
    this.#staged = []
    const answer = await this.#call('append', () => this.#store.append(this.#held.operation, events))
    if (!answer) return false
    if (answer.cancelRequested) this.#held.requestCancel()
    return true
  }

  /** Forgets what is staged: for entries that turn out not to fit the log. */
  discard(): void {
    this.events.length -= this.#staged.length
    this.#staged = []
  }

  async note(step: string, message: string, data?: Json): Promise<void> {
    const entry = { step, message, ...(data === undefined ? {} : { data }), atMs: this.#clock.nowMs() }
    await this.#call('note', () => this.#store.note(this.#held.operation, entry))
  }

  /** `scope` is the step's name, or that of its undo. Resolves when the intent is durable. */
  async audit(scope: string, intent: AuditIntent): Promise<void> {
    const key = contentHash([this.#held.operation.id, scope, intent.action, intent.target])
    if (this.#audited.has(key)) return
    await this.#call('append', () => this.#store.append(this.#held.operation, [], [{ ...intent, key }]))
    this.#audited.add(key)
  }

  async finish(result: { readonly status: OperationStatus; readonly error?: StepFailure; readonly output?: Json }): Promise<void> {
    await this.#call('finish', () => this.#store.finish(this.#held.operation, { ...result, atMs: this.#clock.nowMs() }))
  }

  async release(notBeforeMs: number): Promise<void> {
    await this.#call('release', () => this.#store.release(this.#held.operation, { notBeforeMs }))
  }

  async #call<T>(call: string, write: () => Promise<T>): Promise<T> {
    const { operation } = this.#held
    if (this.#held.lost.aborted) throw new Dropped(operation.id)
    try {
      return await this.#held.whileHeld(within(this.#clock, this.#timeoutMs, write()))
    } catch (error) {
      if (error instanceof Dropped) throw error
      const first = this.#held.drop()
      if (first && error instanceof FencedOff) {
        this.#observe({ type: 'fenced', operationId: operation.id, projectId: operation.projectId, saga: operation.saga })
      } else if (first) {
        this.#observe({ type: 'store_failed', call, operationId: operation.id, error })
      }
      throw new Dropped(operation.id)
    }
  }
}
