import { Piscina } from 'piscina'
import type { Distribution } from '../distribution/distribution.ts'
import { gridLevels } from '../distribution/distribution.ts'
import { ForecastError } from '../errors.ts'
import type { Score, Verdict } from '../evaluation/scorecard.ts'
import { requireWhole } from '../requirements.ts'
import type { ForecastTask } from './task.ts'
import type { Reply } from './worker.ts'

export interface PoolOptions {
  /** 1 … 64. */
  readonly threads: number
  /** So many tasks may wait beside those that run; the next one is refused. 64 by default. */
  readonly waitingMax?: number
  /** A thread that needs more memory than this is ended, and its task fails. 512 by default. */
  readonly megabytesPerThread?: number
  /** Another file to run in the threads, by a name of its own; it has to keep to `forecastInThread`. */
  readonly worker?: { readonly file: string; readonly name: string }
}

export interface Forecast {
  readonly distribution: Distribution
  /** As many as were asked for, each of one value per step; in the series' unit. */
  readonly paths: readonly Float64Array[]
  readonly members: readonly { readonly name: string; readonly weight: number }[]
  readonly assessment: { readonly score: Score } & Verdict
  /** What was left out of what was asked for, or was not used, and why. */
  readonly notes: readonly string[]
}

/**
 * Why a task has no answer that has nothing to do with its series: `full`, too many tasks wait; `closed`; `crashed`, the thread that ran
 * it ended, and the cause says how.
 */
export class PoolError extends Error {
  override readonly name = 'PoolError'
  readonly kind: 'full' | 'closed' | 'crashed'

  constructor(kind: PoolError['kind'], message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

/**
 * Threads that forecast, so that the caller's thread never computes. Threads run at a lower priority than the caller where the
 * operating system allows it. A thread that ends takes its own task with it and is replaced; the tasks that wait are not touched.
 */
export class ForecastPool {
  readonly #pool: Piscina<ForecastTask, Reply>
  readonly #capacity: number
  #isClosed = false
  /** Not settled yet, running or waiting. */
  #open = 0
  readonly #whenRoom: (() => void)[] = []

  constructor({ threads, waitingMax = 64, megabytesPerThread = 512, worker }: PoolOptions) {
    requireWhole('threads', threads, 1, 64)
    requireWhole('waitingMax', waitingMax, 0, 1_000_000)
    requireWhole('megabytesPerThread', megabytesPerThread, 16, 65_536)
    this.#capacity = threads + waitingMax
    this.#pool = new Piscina({
      filename: worker?.file ?? new URL('worker.ts', import.meta.url).href,
      name: worker?.name ?? 'forecastInThread',
      minThreads: threads,
      maxThreads: threads,
      niceIncrement: 5,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: megabytesPerThread },
    })
    // A thread that ends without a task is replaced, and nobody waits for its error.
    this.#pool.on('error', () => undefined)
  }

  /** Tasks that run or wait. */
  get open(): number {
    return this.#open
  }

  /**
   * One forecast. The series is copied; the caller keeps its array. An aborted task that waits is dropped; one that runs ends with its
   * thread, which is replaced.
   * @throws ForecastError naming what is wrong with the task; PoolError; the signal's reason when it aborts
   */
  async forecast(task: ForecastTask, options: { readonly signal?: AbortSignal } = {}): Promise<Forecast> {
    const { signal } = options
    signal?.throwIfAborted()
    if (this.#isClosed) throw new PoolError('closed', 'the pool is closed')
    if (this.#open >= this.#capacity) throw new PoolError('full', `${this.#open} tasks run or wait, and that is the most`)
    this.#open++
    try {
      return await this.#run(task, signal)
    } finally {
      this.#open--
      this.#whenRoom.shift()?.()
    }
  }

  /**
   * Forecasts of any number of tasks, each as it is done, with the task's place among them. A task is taken from `tasks` only when the
   * pool has room for it, so that a long list is never held in memory; a task that fails is told as such, and the others go on.
   */
  async *forecastEach(
    tasks: Iterable<ForecastTask> | AsyncIterable<ForecastTask>,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<{ readonly index: number } & ({ readonly forecast: Forecast } | { readonly error: Error })> {
    const running = new Map<number, Promise<{ index: number; forecast: Forecast } | { index: number; error: Error }>>()
    let index = 0
    for await (const task of tasks) {
      options.signal?.throwIfAborted()
      while (this.#open >= this.#capacity) {
        if (running.size > 0) yield await this.#next(running)
        else await new Promise<void>((resolve) => void this.#whenRoom.push(resolve))
      }
      const own = index++
      running.set(
        own,
        this.forecast(task, options).then(
          (forecast) => ({ index: own, forecast }),
          (error: unknown) => ({ index: own, error: error instanceof Error ? error : new Error(String(error)) }),
        ),
      )
    }
    while (running.size > 0) yield await this.#next(running)
  }

  async #next<T extends { readonly index: number }>(running: Map<number, Promise<T>>): Promise<T> {
    const done = await Promise.race(running.values())
    running.delete(done.index)
    return done
  }

  /** Waits for what runs, refuses what comes, and ends the threads. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool.close()
  }

  async #run(task: ForecastTask, signal: AbortSignal | undefined): Promise<Forecast> {
    const values = Float64Array.from(task.series.values)
    const sent = { ...task, series: { ...task.series, values } }
    let reply: Reply
    try {
      reply = await this.#pool.run(sent, { transferList: [values.buffer], signal: signal ?? null })
    } catch (error) {
      signal?.throwIfAborted()
      throw new PoolError(this.#isClosed ? 'closed' : 'crashed', `the thread that forecast ended: ${String(error)}`, error)
    }
    if ('refused' in reply) throw new ForecastError(reply.refused.argument, reply.refused.reason)
    const { quantiles, paths, ...rest } = reply.answer
    const rows = (block: Float64Array, width: number): readonly Float64Array[] =>
      Array.from({ length: block.length / width }, (_, row) => block.subarray(row * width, (row + 1) * width))
    const distribution = { levels: gridLevels, values: rows(quantiles, gridLevels.length) }
    return { distribution, paths: rows(paths, task.horizon), ...rest }
  }
}
