import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@understudy/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskBlockStore } from './block-store-disk.ts'
import { blockBytes, memoryBlockStore, type LayeredBlockStore } from './block-store-layers.ts'

const gibibyte = 1024 ** 3
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'understudy-blocks-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const filled = (value: number, length: number): Uint8Array => new Uint8Array(length).fill(value)

describe.each([
  ['in memory', (): LayeredBlockStore => memoryBlockStore()],
  ['on disk', (): LayeredBlockStore => diskBlockStore(directory)],
])('block store %s', (_name, open) => {
  it('reads zeroes where nothing was written, and refuses bytes outside of the volume', () => {
    const store = open()
    store.createEmpty('vol', 100 * gibibyte)
    expect(store.read('vol', 99 * gibibyte, 3)).toEqual(filled(0, 3))
    expect(() => store.read('vol', 100 * gibibyte - 1, 2)).toThrow(RangeError)
    expect(() => store.write('vol', -1, filled(1, 1))).toThrow(RangeError)
    expect(() => store.read('none', 0, 1)).toThrow(/does not know/)
  })

  it('keeps what was frozen, under later writes of the volume and of its clones', () => {
    const store = open()
    store.createEmpty('vol', gibibyte)
    store.write('vol', blockBytes - 2, filled(1, 4)) // across two blocks
    store.freeze('snap', 'vol')
    store.write('vol', blockBytes, filled(2, 1))
    store.cloneFrom('clone', 'snap', 2 * gibibyte)
    store.write('clone', blockBytes - 1, filled(3, 1))
    const around = (id: string): number[] => [...store.read(id, blockBytes - 3, 6)]
    expect(around('snap')).toEqual([0, 1, 1, 1, 1, 0])
    expect(around('vol')).toEqual([0, 1, 1, 2, 1, 0])
    expect(around('clone')).toEqual([0, 1, 3, 1, 1, 0])
    expect(store.sizeBytes('clone')).toBe(2 * gibibyte)
    expect(() => store.write('snap', 0, filled(9, 1))).toThrow(/frozen/)
    expect(() => store.cloneFrom('other', 'vol', gibibyte)).toThrow(/not frozen/)
    expect(() => store.cloneFrom('small', 'snap', 1)).toThrow(RangeError)
  })

  it('forgets layers that nothing stands on, and keeps those that something does', () => {
    const store = open()
    store.createEmpty('vol', gibibyte)
    store.write('vol', 0, filled(7, 10))
    for (let n = 0; n < 4; n++) store.freeze(`snap-${n}`, 'vol')
    store.cloneFrom('clone', 'snap-3', gibibyte)
    for (let n = 0; n < 4; n++) store.delete(`snap-${n}`)
    store.delete('vol')
    expect([...store.read('clone', 0, 10)]).toEqual([...filled(7, 10)])
    store.delete('clone')
    store.delete('clone')
    expect(store.layerCount).toBe(0)
  })

  it('agrees with a plain array over random writes, freezes and clones', () => {
    const store = open()
    const random = seededRandom(99)
    const size = blockBytes * 3
    const model = new Map<string, Uint8Array>([['v0', new Uint8Array(size)]])
    const frozen: string[] = []
    const writable = ['v0']
    store.createEmpty('v0', size)
    for (let step = 0; step < 120; step++) {
      const id = writable[random.int(0, writable.length - 1)] ?? 'v0'
      const kind = random.int(0, 9)
      if (kind < 7) {
        const offset = random.int(0, size - 1)
        const data = filled(random.int(1, 255), random.int(1, Math.min(size - offset, blockBytes + 10)))
        store.write(id, offset, data)
        model.get(id)?.set(data, offset)
      } else if (kind < 9 || frozen.length === 0) {
        const snapshot = `s${step}`
        store.freeze(snapshot, id)
        model.set(snapshot, (model.get(id) ?? new Uint8Array()).slice())
        frozen.push(snapshot)
      } else {
        const from = frozen[random.int(0, frozen.length - 1)] ?? ''
        const clone = `v${step}`
        store.cloneFrom(clone, from, size)
        model.set(clone, (model.get(from) ?? new Uint8Array()).slice())
        writable.push(clone)
      }
    }
    for (const [id, expected] of model) expect(Buffer.compare(store.read(id, 0, size), expected), id).toBe(0)
  })
})

describe('block store on disk', () => {
  it('finds everything again after a restart, also after its journal was cut off in mid-line', () => {
    const store = diskBlockStore(directory)
    store.createEmpty('vol', gibibyte)
    store.write('vol', 5, filled(4, 5))
    store.freeze('snap', 'vol')
    store.write('vol', 5, filled(6, 5))
    const again = diskBlockStore(directory)
    expect([...again.read('snap', 5, 5)]).toEqual([...filled(4, 5)])
    expect([...again.read('vol', 5, 5)]).toEqual([...filled(6, 5)])
    again.createEmpty('new', gibibyte)
    expect([...diskBlockStore(directory).read('new', 5, 5)]).toEqual([...filled(0, 5)])
  })

  it('takes the room of what was written, not of what was promised, and gives it back', () => {
    const store = diskBlockStore(directory)
    store.createEmpty('vol', 1024 * gibibyte)
    store.write('vol', 900 * gibibyte, filled(1, 10))
    const usedBytes = (): number => readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).blocks * 512, 0)
    expect(usedBytes()).toBeLessThan(8 * 1024 ** 2)
    store.delete('vol')
    expect(readdirSync(directory)).toEqual(['tree.jsonl'])
  })
})
