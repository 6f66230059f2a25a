import { describe, expect, test } from 'vitest'
import { checkManifests, manifestHash } from './manifest.ts'
import type { Link, Manifest } from './manifest.ts'

const start = Date.UTC(2026, 2, 1)

const manifestOf = (sequence: number, parent: Manifest['parent']): Manifest => ({
  ...{ format: 1, point: `rp_${sequence}`, resource: 'res_1', instance: 'i-1', sequence, parent },
  definition: { hash: 'd', dna: { nativeName: 'web' } },
  disks: {
    ...{ set: 's', takenAt: new Date(start + sequence * 60_000).toISOString(), consistency: 'crash' },
    members: [{ device: '/dev/xvda', role: 'root', snapshot: `snap-${sequence}`, sizeGiB: 8 }],
  },
  memory: { kept: false, reason: 'no' },
  database: null,
  order: [],
})

function chain(length: number): Link[] {
  const links: Link[] = []
  for (let sequence = 1; sequence <= length; sequence++) {
    const before = links[0]
    const manifest = manifestOf(sequence, before === undefined ? null : { point: before.id, hash: before.manifestHash })
    links.unshift({ id: manifest.point, sequence, manifest, manifestHash: manifestHash(manifest) })
  }
  return links
}

const kinds = (links: readonly Link[], atMs = start + 86_400_000): string[] => checkManifests(links, atMs).map(({ kind }) => kind)
const changed = (link: Link, change: Partial<Manifest>, seal = false): Link => {
  const manifest = { ...link.manifest, ...change }
  return { ...link, manifest, ...(seal ? { manifestHash: manifestHash(manifest) } : {}) }
}

test('a chain as it was sealed has no findings', () => {
  for (const length of [1, 2, 7]) expect(kinds(chain(length))).toEqual([])
})

test('the hash does not depend on the order of members', () => {
  const [link] = chain(1)
  const reversed = Object.fromEntries(Object.entries(link!.manifest).toReversed()) as unknown as Manifest
  expect(manifestHash(reversed)).toBe(link!.manifestHash)
})

describe('tampering is found', () => {
  test('a changed manifest', () => {
    const links = chain(3)
    expect(kinds(links.with(1, changed(links[1]!, { instance: 'i-other' })))).toEqual(['manifest_changed'])
  })

  test('a changed manifest with a hash to match, by the link after it', () => {
    const links = chain(3)
    expect(kinds(links.with(1, changed(links[1]!, { instance: 'i-other' }, true)))).toEqual(['chain_broken'])
  })

  test('a link left out, and the first one left out', () => {
    const links = chain(4)
    expect(kinds(links.toSpliced(1, 1))).toEqual(['chain_broken'])
    expect(kinds(links.slice(0, -1))).toEqual(['chain_broken'])
  })

  test('the manifest of another point', () => {
    const links = chain(2)
    const other = { ...links[0]!, manifest: links[1]!.manifest, manifestHash: links[1]!.manifestHash }
    expect(kinds([other, links[1]!])).toContain('manifest_changed')
  })

  test('a clock that went back between two points', () => {
    const links = chain(2)
    const early = { ...links[0]!.manifest.disks, takenAt: new Date(start - 1000).toISOString() }
    expect(kinds(links.with(0, changed(links[0]!, { disks: early }, true)))).toEqual(['clock_went_back'])
  })

  test('a clock of ours that jumped ahead, and back again', () => {
    const keptAt = (ms: number): Pick<Manifest, 'order'> => ({ order: [{ what: 'disks', at: new Date(ms).toISOString() }] })
    const [link] = chain(1)
    // Between two points: the first was kept while the clock was a day ahead.
    const first = changed(link!, keptAt(start + 86_400_000), true)
    const [second] = chain(2)
    const parent = { point: first.id, hash: first.manifestHash }
    const later = changed(second!, { ...keptAt(start + 120_000), parent }, true)
    expect(kinds([later, first])).toEqual(['clock_jumped'])
    // The last point: it says that it was kept tomorrow.
    expect(kinds([first], start + 3_600_000)).toEqual(['clock_jumped'])
    expect(kinds([first], start + 86_400_000)).toEqual([])
  })
})
