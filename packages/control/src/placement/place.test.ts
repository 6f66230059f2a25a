import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { placements, whyNowhere } from './place.ts'
import type { PlacementQuestion } from './place.ts'

const question = (overrides: Partial<PlacementQuestion> = {}): PlacementQuestion => ({
  zones: ['a', 'b', 'c'],
  primaryZone: 'a',
  occupiedZones: [],
  wanted: 'other',
  instanceType: 'm7i.large',
  purchase: 'spot',
  avoided: [],
  quotes: [
    { zone: 'a', instanceType: 'm7i.large', purchase: 'spot', usdPerHour: 0.01, asOf: '2026-01-01T00:00:00Z' },
    { zone: 'b', instanceType: 'm7i.large', purchase: 'spot', usdPerHour: 0.03, asOf: '2026-01-01T00:00:00Z' },
    { zone: 'c', instanceType: 'm7i.large', purchase: 'spot', usdPerHour: 0.02, asOf: '2026-01-01T00:00:00Z' },
  ],
  ...overrides,
})
const zonesOf = (overrides: Partial<PlacementQuestion> = {}): string[] => placements(question(overrides)).map((placement) => placement.zone)

describe('placements', () => {
  test('never offers the zone of the primary, however cheap', () => expect(zonesOf()).toEqual(['c', 'b']))
  test('offers the zone of the primary last when any zone will do', () => expect(zonesOf({ wanted: 'any' })).toEqual(['c', 'b', 'a']))
  test('keeps the order of the owner, and takes the zone of the primary when it is named', () =>
    expect(zonesOf({ wanted: ['b', 'a'] })).toEqual(['b', 'a']))
  test('spreads over zones before it doubles up', () => expect(zonesOf({ occupiedZones: ['c'] })).toEqual(['b', 'c']))
  test('skips what has just refused capacity', () => {
    expect(zonesOf({ avoided: [{ zone: 'c', instanceType: 'm7i.large', purchase: 'spot' }] })).toEqual(['b'])
    expect(zonesOf({ avoided: [{ zone: 'c', instanceType: 'm7i.xlarge', purchase: 'spot' }] })).toEqual(['c', 'b'])
    expect(zonesOf({ avoided: [{ instanceType: 'm7i.large' }] })).toEqual([])
  })
  test('asks a zone that has failed lately after those that have not, also after that of the primary; and all of them in turn', () => {
    expect(zonesOf({ failedZones: ['c'] })).toEqual(['b', 'c'])
    expect(zonesOf({ wanted: 'any', failedZones: ['c', 'b'] })).toEqual(['a', 'c', 'b'])
    expect(zonesOf({ wanted: 'any', failedZones: ['c', 'b', 'a', 'c'] })).toEqual(['b', 'a', 'c'])
    expect(zonesOf({ wanted: ['b', 'a'], failedZones: ['b'] })).toEqual(['a', 'b'])
  })
  test('asks a zone without a known price last', () => expect(zonesOf({ quotes: question().quotes.slice(0, 2) })).toEqual(['b', 'c']))
  test('ignores zones that do not exist', () => expect(zonesOf({ wanted: ['z', 'b'] })).toEqual(['b']))
  const separable = { id: 'pg-1', strategy: 'apart', separable: true } as const
  const close = { id: 'pg-1', strategy: 'together', separable: false } as const
  test('on the same group of hosts there is one zone, whatever it has refused to others', () => {
    const same = { wanted: 'any', hosts: 'same-group', hostGroup: close } as const
    expect(zonesOf({ ...same, avoided: [{ zone: 'a' }] })).toEqual(['a'])
    expect(zonesOf({ ...same, wanted: 'other' })).toEqual([])
    expect(zonesOf({ ...same, hostGroup: undefined })).toEqual([])
  })
  test('off the hosts of the primary its own zone will do only where the group keeps members apart, and then last', () => {
    expect(zonesOf({ wanted: 'any', hosts: 'separate', hostGroup: separable })).toEqual(['c', 'b', 'a'])
    expect(zonesOf({ wanted: 'any', hosts: 'separate', hostGroup: close })).toEqual(['c', 'b'])
    expect(zonesOf({ wanted: 'any', hosts: 'separate', primaryZone: undefined })).toEqual([])
  })
  test('no answer is ever avoided, in the primary zone unasked, or given twice', () => {
    const zone = fc.constantFrom('a', 'b', 'c', 'd')
    fc.assert(
      fc.property(fc.uniqueArray(zone), zone, fc.array(zone), fc.array(fc.record({ zone })), (zones, primaryZone, occupiedZones, avoided) => {
        const found = placements(question({ zones, primaryZone, occupiedZones, avoided, quotes: [] })).map((placement) => placement.zone)
        expect(new Set(found).size).toBe(found.length)
        for (const answer of found) {
          expect(answer).not.toBe(primaryZone)
          expect(avoided.map((offering) => offering.zone)).not.toContain(answer)
        }
      }),
    )
  })
})

describe('why there is no place', () => {
  const why = (overrides: Partial<PlacementQuestion>) => {
    expect(placements(question(overrides))).toEqual([])
    return whyNowhere(question(overrides))
  }
  test('is that the cloud has none of the zones that are named', () =>
    expect(why({ wanted: ['x', 'y'] })).toEqual({ code: 'zones', reason: expect.stringMatching(/x, y.*a, b, c/) as string }))
  test('is that the primary is bound to no group of hosts, or that the tier does not allow its zone', () => {
    expect(why({ wanted: 'any', hosts: 'same-group' })).toMatchObject({ code: 'hosts', reason: expect.stringMatching(/bound to no group/) as string })
    const hostGroup = { id: 'pg-1', separable: false } as const
    expect(why({ wanted: ['b'], hosts: 'same-group', hostGroup })).toMatchObject({
      code: 'hosts',
      reason: expect.stringMatching(/pg-1 is in a/) as string,
    })
    expect(why({ wanted: 'any', zones: ['a'], hosts: 'separate', hostGroup })).toMatchObject({ code: 'hosts' })
  })
  test('is that there is no zone but the primary’s', () => expect(why({ zones: ['a'] }).code).toBe('one-zone'))
  test('is that the cloud names no zone', () => expect(why({ zones: [] }).code).toBe('zones'))
  test('is that all have lately refused', () =>
    expect(why({ avoided: [{ instanceType: 'm7i.large' }] })).toMatchObject({
      code: 'refused',
      reason: expect.stringContaining('m7i.large') as string,
    }))
})
