import type { BlockStore } from './block-store.ts'

/** Bytes are kept and copied in blocks of this size. */
export const blockBytes = 64 * 1024

/** Blocks of one layer: what was written since its parent was frozen. */
export interface Layer {
  has(block: number): boolean
  /** Present blocks only. */
  read(block: number): Uint8Array
  /** Always one whole block. */
  write(block: number, bytes: Uint8Array): void
  /** Numbers of the present ones, in any order. */
  blocks(): Iterable<number>
  discard(): void
}
/** Where layers are kept; `record` is told every change of the family tree, so that it can be found again. */
export interface LayerShelf {
  open(layerId: number): Layer
  record?(change: TreeChange): void
}
export type TreeChange =
  | { readonly layer: number; readonly parent?: number; readonly silent?: true; readonly discarded?: true }
  | { readonly head: string; readonly at?: Tree['heads'][string] }
export interface Tree {
  nextLayer: number
  /** `silent`: its bytes are read, and no list of what was written knows of them. */
  layers: Record<string, { parent?: number; silent?: true }>
  /** By volume or snapshot id. */
  heads: Record<string, { layer: number; sizeBytes: number; frozen: boolean }>
}

/**
 * Volumes and snapshots as chains of layers: freezing puts an empty layer on top of what is there, cloning starts an empty
 * layer over a frozen one. Both cost the same whatever the size, so a snapshot of many volumes is one instant.
 * A layer that nothing stands on any more is discarded.
 */
export class LayeredBlockStore implements BlockStore {
  readonly #shelf: LayerShelf
  readonly #tree: Tree
  readonly #open = new Map<number, Layer>()
  /** How many layers and heads stand on a layer. */
  readonly #uses = new Map<number, number>()

  constructor(shelf: LayerShelf, tree: Tree = { nextLayer: 1, layers: {}, heads: {} }) {
    this.#shelf = shelf
    this.#tree = tree
    for (const head of Object.values(tree.heads)) this.#use(head.layer)
    for (const layer of Object.values(tree.layers)) if (layer.parent !== undefined) this.#use(layer.parent)
  }

  createEmpty(id: string, sizeBytes: number): void {
    this.#refuseKnown(id)
    this.#setHead(id, this.#newLayer(), sizeBytes, false)
  }

  cloneFrom(id: string, frozenId: string, sizeBytes: number): void {
    this.#refuseKnown(id)
    const source = this.#head(frozenId)
    if (!source.frozen) throw new Error(`${frozenId} is not frozen: a clone of it would change under its owner`)
    if (sizeBytes < source.sizeBytes) throw new RangeError(`a clone of ${source.sizeBytes} bytes does not fit in ${sizeBytes}`)
    this.#setHead(id, this.#newLayer(source.layer), sizeBytes, false)
  }

  freeze(frozenId: string, id: string): void {
    this.#refuseKnown(frozenId)
    const head = this.#head(id)
    this.#setHead(frozenId, head.layer, head.sizeBytes, true)
    if (!head.frozen) {
      const below = head.layer
      this.#setHead(id, this.#newLayer(below), head.sizeBytes, false)
      this.#release(below)
    }
  }

  read(id: string, offset: number, length: number): Uint8Array {
    const head = this.#head(id)
    checkRange(head.sizeBytes, offset, length)
    const bytes = new Uint8Array(length)
    forEachBlock(offset, length, (block, inBlock, inBytes, count) => {
      const found = this.#find(head.layer, block)
      if (found) bytes.set(found.subarray(inBlock, inBlock + count), inBytes)
    })
    return bytes
  }

  write(id: string, offset: number, bytes: Uint8Array): void {
    const head = this.#head(id)
    if (head.frozen) throw new Error(`${id} is frozen`)
    checkRange(head.sizeBytes, offset, bytes.length)
    const layer = this.#layer(head.layer)
    forEachBlock(offset, bytes.length, (block, inBlock, inBytes, count) => {
      const whole = new Uint8Array(blockBytes)
      if (count < blockBytes) {
        const present = this.#find(head.layer, block)
        if (present) whole.set(present)
      }
      whole.set(bytes.subarray(inBytes, inBytes + count), inBlock)
      layer.write(block, whole)
    })
  }

  written(id: string): readonly number[] {
    return this.#blocksAbove(this.#loud(this.#head(id).layer), new Set())
  }

  differing(id: string, otherId: string): readonly number[] | undefined {
    const [one, other] = [this.#ancestors(id), this.#ancestors(otherId)]
    const common = new Set(one.filter((layer) => other.includes(layer)))
    if (common.size === 0) return undefined
    const found = new Set([...this.#blocksAbove(one[0], common), ...this.#blocksAbove(other[0], common)])
    return [...found].toSorted((a, b) => a - b)
  }

  spoil(frozenId: string, offset: number, bytes: Uint8Array): void {
    const head = this.#head(frozenId)
    checkRange(head.sizeBytes, offset, bytes.length)
    const layer = this.#newLayer(head.layer, true)
    this.#setHead(frozenId, layer, head.sizeBytes, false)
    this.write(frozenId, offset, bytes)
    this.#setHead(frozenId, layer, head.sizeBytes, true)
    // One use is the head's, as before; each setting of it counted one.
    this.#release(layer)
    this.#release(head.layer)
  }

  delete(id: string): void {
    const head = this.#tree.heads[id]
    if (!head) return
    delete this.#tree.heads[id]
    this.#record({ head: id })
    this.#release(head.layer)
  }

  has(id: string): boolean {
    return this.#tree.heads[id] !== undefined
  }

  sizeBytes(id: string): number {
    return this.#head(id).sizeBytes
  }

  /** Layers in existence: what a test of forgetting looks at. */
  get layerCount(): number {
    return Object.keys(this.#tree.layers).length
  }

  #find(from: number, block: number): Uint8Array | undefined {
    for (let layerId: number | undefined = from; layerId !== undefined; layerId = this.#tree.layers[layerId]?.parent) {
      const layer = this.#layer(layerId)
      if (layer.has(block)) return layer.read(block)
    }
    return undefined
  }

  /** The layer itself, or the first below that lists know of. */
  #loud(layerId: number): number | undefined {
    let at: number | undefined = layerId
    while (at !== undefined && this.#tree.layers[at]?.silent === true) at = this.#tree.layers[at]?.parent
    return at
  }

  #ancestors(id: string): readonly number[] {
    const found: number[] = []
    for (let at = this.#loud(this.#head(id).layer); at !== undefined; at = this.#below(at)) found.push(at)
    return found
  }

  #below(layerId: number): number | undefined {
    const parent = this.#tree.layers[layerId]?.parent
    return parent === undefined ? undefined : this.#loud(parent)
  }

  #blocksAbove(from: number | undefined, floor: ReadonlySet<number>): readonly number[] {
    const found = new Set<number>()
    for (let at = from; at !== undefined && !floor.has(at); at = this.#below(at)) for (const block of this.#layer(at).blocks()) found.add(block)
    return [...found].toSorted((a, b) => a - b)
  }

  #layer(layerId: number): Layer {
    let layer = this.#open.get(layerId)
    if (!layer) {
      layer = this.#shelf.open(layerId)
      this.#open.set(layerId, layer)
    }
    return layer
  }

  #newLayer(parent?: number, silent = false): number {
    const layerId = this.#tree.nextLayer++
    const layer = { ...(parent === undefined ? {} : { parent }), ...(silent ? { silent: true as const } : {}) }
    this.#tree.layers[layerId] = layer
    this.#record({ layer: layerId, ...layer })
    if (parent !== undefined) this.#use(parent)
    return layerId
  }

  #setHead(id: string, layer: number, sizeBytes: number, frozen: boolean): void {
    const head = { layer, sizeBytes, frozen }
    this.#tree.heads[id] = head
    this.#record({ head: id, at: head })
    this.#use(layer)
  }

  #use(layerId: number): void {
    this.#uses.set(layerId, (this.#uses.get(layerId) ?? 0) + 1)
  }

  #release(layerId: number): void {
    const uses = (this.#uses.get(layerId) ?? 1) - 1
    if (uses > 0) {
      this.#uses.set(layerId, uses)
      return
    }
    this.#uses.delete(layerId)
    this.#layer(layerId).discard()
    this.#open.delete(layerId)
    const parent = this.#tree.layers[layerId]?.parent
    delete this.#tree.layers[layerId]
    this.#record({ layer: layerId, discarded: true })
    if (parent !== undefined) this.#release(parent)
  }

  #head(id: string): Tree['heads'][string] {
    const head = this.#tree.heads[id]
    if (!head) throw new Error(`the block store does not know ${id}`)
    return head
  }

  #refuseKnown(id: string): void {
    if (this.#tree.heads[id]) throw new Error(`the block store has ${id} already`)
  }

  #record(change: TreeChange): void {
    this.#shelf.record?.(change)
  }
}

function checkRange(sizeBytes: number, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > sizeBytes) throw new RangeError(`bytes ${offset}..${offset + length} are outside of ${sizeBytes}`)
}

function forEachBlock(offset: number, length: number, visit: (block: number, inBlock: number, inBytes: number, count: number) => void): void {
  for (let done = 0; done < length;) {
    const at = offset + done
    const inBlock = at % blockBytes
    const count = Math.min(blockBytes - inBlock, length - done)
    visit(Math.floor(at / blockBytes), inBlock, done, count)
    done += count
  }
}

/** Applies recorded changes, in their order, to rebuild the tree. */
export function replayTree(changes: Iterable<TreeChange>): Tree {
  const tree: Tree = { nextLayer: 1, layers: {}, heads: {} }
  for (const change of changes) {
    if ('head' in change) {
      if (change.at) tree.heads[change.head] = change.at
      else delete tree.heads[change.head]
    } else {
      tree.nextLayer = Math.max(tree.nextLayer, change.layer + 1)
      if (change.discarded) delete tree.layers[change.layer]
      else {
        const { parent, silent } = change
        tree.layers[change.layer] = { ...(parent === undefined ? {} : { parent }), ...(silent === undefined ? {} : { silent }) }
      }
    }
  }
  return tree
}

/** Blocks in memory, sparse. */
export function memoryBlockStore(): LayeredBlockStore {
  return new LayeredBlockStore({
    open() {
      const blocks = new Map<number, Uint8Array>()
      return {
        has: (block) => blocks.has(block),
        read: (block) => blocks.get(block) ?? new Uint8Array(blockBytes),
        write: (block, bytes) => void blocks.set(block, bytes),
        blocks: () => blocks.keys(),
        discard: () => blocks.clear(),
      }
    },
  })
}
