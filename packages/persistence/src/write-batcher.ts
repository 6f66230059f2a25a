/** What became of one write: a value, or the error that its caller alone gets. */
export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

export interface WriteBatcherOptions<Write> {
  /** Writes all of them in one transaction and answers one outcome for each, in their order. Throws when none was written. */
  readonly flush: (writes: readonly Write[]) => Promise<readonly Outcome[]>
  readonly batchMax: number
  /** Whether a batch that failed with this error may succeed when its writes go one by one. */
  readonly isDivisible: (error: unknown) => boolean
}

interface Waiting<Write> {
  readonly write: Write
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Joins writes that are asked for at the same time into one transaction. The first of them waits for one turn of the event loop; those that
 * come while a transaction is under way wait for its end and go together. One connection is enough: its batches grow with the load.
 */
export class WriteBatcher<Write> {
  readonly #options: WriteBatcherOptions<Write>
  #waiting: Waiting<Write>[] = []
  #running: Promise<void> | undefined

  constructor(options: WriteBatcherOptions<Write>) {
    this.#options = options
  }

  submit(write: Write): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await nextTurn()
      await this.#write(this.#waiting.splice(0, this.#options.batchMax))
    }
    this.#running = undefined
  }

  async #write(batch: readonly Waiting<Write>[]): Promise<void> {
    try {
      const outcomes = await this.#options.flush(batch.map(({ write }) => write))
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index] ?? { ok: false, error: new Error('a write has no outcome') }
        if (outcome.ok) resolve(outcome.value)
        else reject(outcome.error)
      }
    } catch (error) {
      if (batch.length === 1 || !this.#options.isDivisible(error)) {
        for (const { reject } of batch) reject(error)
        return
      }
      // Halving finds the write that the database refuses without making the others wait for one transaction each.
      const middle = batch.length >> 1
      await this.#write(batch.slice(0, middle))
      await this.#write(batch.slice(middle))
    }
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
