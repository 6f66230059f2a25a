import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkBlocks, chunkDigest, decodeEntries, encodeEntries, isDueWhole, overlay, resolveChunk, rootOf } from './chunk.ts'
import type { Entries } from './chunk.ts'

const digestOf = (value: number): Buffer => createHash('sha256').update(String(value)).digest()
const entries = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.option(fc.integer({ min: 0, max: 9 }))), { selector: ([index]) => index, maxLength: 12 })
  .map((pairs): Entries => new Map(pairs.map(([index, value]) => [index, value === null ? null : digestOf(value)])))

describe('digests of a chunk', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(entries, (some) => {
        expect([...decodeEntries(encodeEntries(some))]).toEqual([...some].toSorted(([a], [b]) => a - b))
      }),
    )
  })

  it('are the same whether they were written as a whole or change by change, and looked through no further than need be', () => {
    fc.assert(
      fc.property(fc.array(entries, { minLength: 1, maxLength: 80 }), (history) => {
        const kept: { whole: boolean; entries: Uint8Array }[] = []
        let model: Entries = new Map()
        for (const changes of history) {
          model = overlay(model, changes)
          const whole = isDueWhole(kept, changes)
          expect(overlay(resolveChunk(kept), changes)).toEqual(model)
          kept.unshift({ whole, entries: encodeEntries(whole ? model : changes) })
          const looked = kept.findIndex((row) => row.whole)
          expect(looked).toBeLessThanOrEqual(32)
        }
        expect(chunkDigest(resolveChunk(kept))).toBe(chunkDigest(model))
      }),
    )
  })

  it('of a whole disk of a tebibyte take 68 MiB, and a hundredth of its blocks less than one', () => {
    const chunks = 1024 ** 4 / (512 * 1024) / chunkBlocks
    const full = new Map(Array.from({ length: chunkBlocks }, (_, index) => [index, digestOf(index)]))
    const some = new Map([...full].filter((_, index) => index % 100 === 0))
    expect((encodeEntries(full).length * chunks) / 1024 ** 2).toBe(68)
    expect((encodeEntries(some).length * chunks) / 1024 ** 2).toBeLessThan(1)
  })

  it('make one root, which a chunk without blocks has no part in', () => {
    const disk = { blockBytes: 512 * 1024, sizeBytes: 8 * 1024 ** 3 }
    const chunk = { chunk: 1, digest: chunkDigest(new Map([[0, digestOf(1)]])), blocks: 1 }
    const empty = { chunk: 0, digest: chunkDigest(new Map()), blocks: 0 }
    expect(rootOf(disk, [chunk, empty])).toBe(rootOf(disk, [chunk]))
    expect(rootOf({ ...disk, sizeBytes: 9 * 1024 ** 3 }, [chunk])).not.toBe(rootOf(disk, [chunk]))
  })
})
