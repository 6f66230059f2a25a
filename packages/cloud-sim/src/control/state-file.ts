import type { Clock, JsonObject } from '@understudy/core'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How long changes are collected before they are written, and how many times longer than the writing itself takes. */
const debounceMs = 250
const restFactor = 10

/**
 * The whole simulation as one JSON file, replaced as a whole: a reader, or a process that starts after a crash, finds
 * either the former state or the new one.
 */
export class StateFile {
  readonly #directory: string
  readonly #snapshot: () => JsonObject
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  #cancel: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()
  #closed = false
  #lastWriteMs = 0

  constructor(options: { directory: string; clock: Clock; snapshot: () => JsonObject; onError: (error: unknown) => void }) {
    this.#directory = options.directory
    this.#clock = options.clock
    this.#snapshot = options.snapshot
    this.#onError = options.onError
  }

  /** Something has changed: the file is written soon. */
  touch(): void {
    if (this.#closed) return
    this.#cancel ??= this.#clock.schedule(Math.max(debounceMs, this.#lastWriteMs * restFactor), () => {
      this.#cancel = undefined
      this.save().catch(this.#onError)
    })
  }

  /** Writes now, after whatever is being written. */
  save(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write()) // an earlier failure was reported where it happened
    return this.#writing
  }

  /** Writes the last state. Nothing is written afterwards: another process may own the directory by then. */
  close(): Promise<void> {
    this.#closed = true
    return this.save()
  }

  async #write(): Promise<void> {
    const path = statePath(this.#directory)
    const startedMs = this.#clock.nowMs()
    await mkdir(this.#directory, { recursive: true })
    await writeFile(`${path}.new`, JSON.stringify(this.#snapshot()), { mode: 0o600 })
    await rename(`${path}.new`, path)
    this.#lastWriteMs = this.#clock.nowMs() - startedMs
  }
}

/** The state a former process left, or undefined. Throws when there is one that cannot be read. */
export async function loadState(directory: string): Promise<JsonObject | undefined> {
  try {
    return JSON.parse(await readFile(statePath(directory), 'utf8')) as JsonObject // written by `StateFile`; a foreign file fails when it is restored
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`the simulation's state in ${statePath(directory)} cannot be read; move it away to start afresh`, { cause: error })
  }
}

const statePath = (directory: string): string => join(directory, 'state.json')
