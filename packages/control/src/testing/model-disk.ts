import type { Block, Blocks } from '@understudy/provider'
import { createHash } from 'node:crypto'
import { chunkBlocks } from '../recovery/digests/chunk.ts'

export const blockBytes = 16

/** A disk of few blocks in several chunks, and its snapshots; `undefined` stands for a block without bytes. Quicker than a
 * simulated cloud, and of the size that a property needs. */
export class ModelDisk {
  readonly present = new Map<number, number>()
  readonly snapshots = new Map<string, { readonly content: ReadonlyMap<number, number>; readonly changed: readonly number[] }>()
  #changed = new Set<number>()
  /** Of another line: changes cannot be told. */
  #line = 0
  readonly #lines = new Map<string, number>()

  write(index: number, value: number | undefined): void {
    this.#changed.add(index)
    if (value === undefined) this.present.delete(index)
    else this.present.set(index, value)
  }
  replace(): void {
    this.#line += 1
  }
  snapshot(id: string): void {
    this.snapshots.set(id, { content: new Map(this.present), changed: [...this.#changed] })
    this.#lines.set(id, this.#line)
    this.#changed = new Set()
  }
  readonly blocks: Blocks = {
    open: () => Promise.resolve(),
    close: () => Promise.resolve(),
    list: ({ nativeId }, { from, since }) => {
      if (since !== undefined && this.#lines.get(since.nativeId) !== this.#lines.get(nativeId)) return Promise.resolve('unrelated')
      const { content } = this.#get(nativeId)
      const indexes = since === undefined ? [...content.keys()] : this.#differing(since.nativeId, nativeId)
      const blocks = indexes
        .filter((index) => index >= from)
        .toSorted((a, b) => a - b)
        .map((index): Block => (content.has(index) ? { index, keptBytes: blockBytes } : { index, cleared: true, keptBytes: 0 }))
      return Promise.resolve({ sizeBytes: 3 * chunkBlocks * blockBytes, blocks })
    },
    read: ({ nativeId }, { index }) => Promise.resolve(bytesOf(this.#get(nativeId).content.get(index) ?? 0)),
  }
  /** What a cloud lists: everything that was written between the two, whether or not it is something else. */
  #differing(since: string, id: string): number[] {
    const ids = [...this.snapshots.keys()]
    const between = ids.slice(ids.indexOf(since) + 1, ids.indexOf(id) + 1)
    return [...new Set(between.flatMap((each) => this.#get(each).changed))]
  }
  #get(id: string) {
    const found = this.snapshots.get(id)
    if (found === undefined) throw new Error(`the model has no ${id}`)
    return found
  }
}
const bytesOf = (value: number): Uint8Array => createHash('sha256').update(String(value)).digest().subarray(0, blockBytes)
