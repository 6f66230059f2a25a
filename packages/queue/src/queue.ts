import type { Bell } from '@understudy/control'
import { within } from '@understudy/core'
import type { Clock, JsonObject } from '@understudy/core'
import type { Job, Queue, Worker } from 'bullmq'
import { connect } from './backend.ts'
import type { BackendConnection, QueueBackend } from './backend.ts'
import { catalogue, isJobName } from './catalogue.ts'
import type { JobHandlers, JobName } from './catalogue.ts'

const queueName = 'understudy'

export interface QueueHealth {
  readonly ok: boolean
  readonly backend: QueueBackend['kind']
  /** Why it is not ok. */
  readonly reason?: string
  readonly waiting?: number
  readonly lastConsumedMs?: number
}

export interface OpenQueue {
  readonly backend: QueueBackend['kind']
  /** Rings at once, in batches; what cannot be delivered is dropped, because the outbox and the sweep ring again. */
  readonly bell: Bell
  /** Delivers jobs and answers when the backend has them; throws when it cannot. Used by the outbox relay. */
  deliver(jobs: readonly { readonly topic: string; readonly payload: JsonObject; readonly priority: number }[]): Promise<void>
  /** Waits until the backend answers, for as long as it takes. */
  ready(): Promise<void>
  /** Begins to consume, as soon as the backend answers. Throws when a job of the catalogue has no handler. */
  consume(handlers: JobHandlers, options?: { readonly concurrency?: number }): Promise<void>
  /** A consumer is well when it has consumed something lately, or when the queue has just been seen to be empty. */
  health(): Promise<QueueHealth>
  /** Stops consuming and waits for the handlers under way. */
  drain(): Promise<void>
  close(): Promise<void>
}

export interface QueueOptions {
  readonly backend: QueueBackend
  readonly clock: Clock
  readonly onError: (error: unknown) => void
  /** Separates installations (and tests) that share one Redis. */
  readonly prefix?: string
}

/** Redis is greeted and told goodbye for this long; when it is away then, the queue goes on without. */
const patienceMs = 2000

/** A consumer that has consumed nothing for this long, with jobs waiting, is not well. */
const silenceMaxMs = 30_000

/** Answers also while Redis is away: work is found without the bell, only later. `ready` waits for it. */
export async function openQueue(options: QueueOptions): Promise<OpenQueue> {
  const connection = connect(options.backend, options.onError)
  const name = options.prefix === undefined ? queueName : `${queueName}-${options.prefix}`
  const queue = connection.queue(name, {
    defaultJobOptions: { removeOnComplete: true, removeOnFail: 100 },
  })
  queue.on('error', options.onError)
  const ready = queue.waitUntilReady().then(() => undefined)
  // Postgres has made its tables then, before a consumer looks for them; and it has the rows, so that nothing goes on without it.
  await (connection.kind === 'postgres' ? ready : patiently(ready, options))
  return new BullQueue(connection, queue, name, options)
}

class BullQueue implements OpenQueue {
  readonly backend: QueueBackend['kind']
  readonly bell: Bell
  readonly #connection: BackendConnection
  readonly #queue: Queue
  readonly #name: string
  readonly #options: QueueOptions
  #worker: Worker | undefined
  #lastConsumedMs: number
  #pending = new Map<string, { topic: string; payload: JsonObject; priority: number }>()
  #flush: Promise<void> | undefined
  readonly #underWay = new Set<Promise<void>>()

  constructor(connection: BackendConnection, queue: Queue, name: string, options: QueueOptions) {
    this.#connection = connection
    this.#queue = queue
    this.#name = name
    this.#options = options
    this.backend = connection.kind
    this.#lastConsumedMs = options.clock.nowMs()
    this.bell = { ring: (topic, message) => this.#ring(topic, message) }
  }

  /** Rings of one turn, and those that come while a delivery is under way, go out together; equal keys once. */
  #ring(topic: string, message: { readonly key: string; readonly payload: JsonObject; readonly priority: number }): void {
    this.#pending.set(`${topic} ${message.key}`, { topic, payload: message.payload, priority: message.priority })
    this.#flush ??= Promise.resolve().then(async () => {
      try {
        while (this.#pending.size > 0) {
          const batch = [...this.#pending.values()]
          this.#pending.clear()
          await this.deliver(batch)
        }
      } catch (error) {
        this.#options.onError(error)
      } finally {
        this.#flush = undefined
      }
    })
  }

  async deliver(jobs: readonly { readonly topic: string; readonly payload: JsonObject; readonly priority: number }[]): Promise<void> {
    const known = jobs.filter((job) => isJobName(job.topic))
    for (const job of jobs) if (!isJobName(job.topic)) this.#options.onError(new Error(`no job is called ${job.topic}`))
    if (known.length === 0) return
    if (!this.#connection.isConnected()) throw new Error(`the queue on ${this.backend} is not connected`)
    await this.#queue.addBulk(
      known.map((job) => {
        const definition = catalogue[job.topic as JobName]
        return {
          name: job.topic,
          data: job.payload,
          opts: { priority: job.priority, attempts: definition.attempts, backoff: { type: 'exponential', delay: definition.backoffMs } },
        }
      }),
    )
  }

  async consume(handlers: JobHandlers, options: { readonly concurrency?: number } = {}): Promise<void> {
    const missing = Object.keys(catalogue).filter((job) => !Object.hasOwn(handlers, job))
    if (missing.length > 0) throw new Error(`no handler for ${missing.join(', ')}`)
    this.#worker = this.#connection.worker(this.#name, (job) => this.#tracked(this.#handle(handlers, job)), {
      concurrency: options.concurrency ?? 16,
      // Handlers only ring an inner bell and return; a stalled one is safe to give to somebody else soon.
      lockDuration: 30_000,
    })
    this.#worker.on('error', this.#options.onError)
    if (this.backend === 'postgres') await this.#worker.waitUntilReady()
  }

  async ready(): Promise<void> {
    await this.#queue.waitUntilReady()
  }

  async #tracked(handling: Promise<void>): Promise<void> {
    this.#underWay.add(handling)
    try {
      await handling
    } finally {
      this.#underWay.delete(handling)
    }
  }

  async #handle(handlers: JobHandlers, job: Job): Promise<void> {
    this.#lastConsumedMs = this.#options.clock.nowMs()
    if (!isJobName(job.name)) throw new Error(`no job is called ${job.name}`)
    const payload: unknown = catalogue[job.name].schema.parse(job.data)
    // The schema of this very name has just parsed it.
    await (handlers[job.name] as (payload: unknown) => Promise<void> | void)(payload)
  }

  async health(): Promise<QueueHealth> {
    const base = { backend: this.backend, lastConsumedMs: this.#lastConsumedMs }
    try {
      if (!this.#connection.isConnected()) return { ...base, ok: false, reason: `the queue does not answer: ${this.backend} is not connected` }
      const counts = await this.#queue.getJobCounts('waiting', 'prioritized')
      const waiting = (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0)
      const silentMs = this.#options.clock.nowMs() - this.#lastConsumedMs
      if (this.#worker && waiting > 0 && silentMs > silenceMaxMs) {
        return { ...base, ok: false, waiting, reason: `${waiting} jobs wait and nothing was consumed for ${Math.round(silentMs / 1000)} s` }
      }
      return { ...base, ok: true, waiting }
    } catch (error) {
      return { ...base, ok: false, reason: `the queue does not answer: ${error instanceof Error ? error.message : String(error)}` }
    }
  }

  async drain(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    // Told gently, a consumer waits for a backend that is away, and it may not come back.
    const closed = worker?.close(!this.#connection.isConnected())
    await Promise.allSettled(this.#underWay)
    if (closed) await patiently(closed, this.#options)
    await this.#flush
  }

  async close(): Promise<void> {
    await this.drain()
    if (this.#connection.isConnected()) await patiently(this.#queue.close(), this.#options)
    await this.#connection.close()
  }
}

/** Waits for a deed of the backend, though not for ever; what goes wrong with it is told and keeps nobody. */
async function patiently(deed: Promise<void>, { clock, onError }: Pick<QueueOptions, 'clock' | 'onError'>): Promise<void> {
  await within(clock, patienceMs, deed.catch(onError)).catch(() => undefined)
}
