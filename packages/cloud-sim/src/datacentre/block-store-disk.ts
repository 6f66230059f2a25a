import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { blockBytes, LayeredBlockStore, replayTree, type Layer, type Tree, type TreeChange } from './block-store-layers.ts'

/** The journal is rewritten when it is this many times as long as what it says. */
const journalSlackMax = 4

/**
 * Blocks in sparse files under a directory: one file of blocks and one bitmap per layer, and a journal of the family tree.
 * A restarted process finds its volumes and snapshots again.
 */
export function diskBlockStore(directory: string): LayeredBlockStore {
  mkdirSync(directory, { recursive: true })
  const journalPath = join(directory, 'tree.jsonl')
  const tree = replayTree(readJournal(journalPath))
  let lines = compact(journalPath, tree)
  const files = new OpenFiles()
  return new LayeredBlockStore(
    {
      open: (layerId) => new DiskLayer(join(directory, `layer-${layerId}`), files),
      record(change) {
        appendFileSync(journalPath, `${JSON.stringify(change)}\n`)
        lines++
        const needed = Object.keys(tree.heads).length + Object.keys(tree.layers).length
        if (lines > 1000 && lines > needed * journalSlackMax) lines = compact(journalPath, tree)
      },
    },
    tree,
  )
}

function* readJournal(path: string): Iterable<TreeChange> {
  if (!existsSync(path)) return
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '') continue
    try {
      yield JSON.parse(line) as TreeChange
    } catch {
      // The last line of a process that was killed while writing it: the change it stood for was not acknowledged.
      return
    }
  }
}

/** Rewrites the journal as the shortest one that says the same; returns its length in lines. */
function compact(path: string, tree: Tree): number {
  const changes: TreeChange[] = []
  for (const [layer, what] of Object.entries(tree.layers)) changes.push({ layer: Number(layer), ...what })
  // Keeps numbers of discarded layers from being used again.
  if (tree.nextLayer > 1) changes.push({ layer: tree.nextLayer - 1, ...(tree.layers[tree.nextLayer - 1] ?? { discarded: true as const }) })
  for (const [head, at] of Object.entries(tree.heads)) changes.push({ head, at })
  const next = `${path}.next`
  writeFileSync(next, changes.map((change) => `${JSON.stringify(change)}\n`).join(''))
  renameSync(next, path)
  return changes.length
}

/** Keeps a bounded number of file descriptors open; the least recently used one is closed. */
class OpenFiles {
  readonly #open = new Map<string, number>()
  readonly #max = 128

  get(path: string): number {
    const known = this.#open.get(path)
    if (known !== undefined) {
      this.#open.delete(path)
      this.#open.set(path, known)
      return known
    }
    const oldest = this.#open.keys().next().value
    if (this.#open.size >= this.#max && oldest !== undefined) this.close(oldest)
    const descriptor = openSync(path, existsSync(path) ? 'r+' : 'w+')
    this.#open.set(path, descriptor)
    return descriptor
  }

  close(path: string): void {
    const descriptor = this.#open.get(path)
    if (descriptor === undefined) return
    this.#open.delete(path)
    closeSync(descriptor)
  }
}

class DiskLayer implements Layer {
  readonly #blocksPath: string
  readonly #bitmapPath: string
  readonly #files: OpenFiles
  /** Which blocks are present, one bit each; grown as needed. */
  #bitmap: Uint8Array | undefined

  constructor(path: string, files: OpenFiles) {
    this.#blocksPath = `${path}.blocks`
    this.#bitmapPath = `${path}.map`
    this.#files = files
  }

  has(block: number): boolean {
    const bitmap = this.#loadBitmap()
    return ((bitmap[block >> 3] ?? 0) & (1 << (block & 7))) !== 0
  }

  read(block: number): Uint8Array {
    const bytes = new Uint8Array(blockBytes)
    readSync(this.#files.get(this.#blocksPath), bytes, 0, blockBytes, block * blockBytes)
    return bytes
  }

  write(block: number, bytes: Uint8Array): void {
    writeSync(this.#files.get(this.#blocksPath), bytes, 0, blockBytes, block * blockBytes)
    if (this.has(block)) return
    // The block first, then the bit that says it is there.
    const at = block >> 3
    let bitmap = this.#loadBitmap()
    if (at >= bitmap.length) {
      const grown = new Uint8Array(Math.max(at + 1, bitmap.length * 2))
      grown.set(bitmap)
      bitmap = grown
      this.#bitmap = grown
    }
    bitmap[at] = (bitmap[at] ?? 0) | (1 << (block & 7))
    const descriptor = this.#files.get(this.#bitmapPath)
    if (fstatSync(descriptor).size <= at) ftruncateSync(descriptor, at + 1)
    writeSync(descriptor, bitmap, at, 1, at)
  }

  *blocks(): Iterable<number> {
    const bitmap = this.#loadBitmap()
    for (let block = 0; block < bitmap.length * 8; block++) if (this.has(block)) yield block
  }

  discard(): void {
    for (const path of [this.#blocksPath, this.#bitmapPath]) {
      this.#files.close(path)
      rmSync(path, { force: true })
    }
    this.#bitmap = new Uint8Array()
  }

  #loadBitmap(): Uint8Array {
    this.#bitmap ??= existsSync(this.#bitmapPath) ? new Uint8Array(readFileSync(this.#bitmapPath)) : new Uint8Array()
    return this.#bitmap
  }
}
