import { describe, expect, test } from 'vitest'
import { aResource } from '../testing/builders.ts'
import { bindingFor, holdsAfterPromotion, hostGroupOf, standsBy } from './hosts.ts'

const boundTo = (hostGroup: { readonly id: string; readonly strategy?: 'apart' | 'partitions' | 'together'; readonly separable: boolean }) => {
  const resource = aResource()
  return aResource({ dna: { ...resource.dna, placement: { ...resource.dna.placement, hostGroup } } })
}
const spread = boundTo({ id: 'pg-1', strategy: 'apart', separable: true })

describe('how a shadow stands to the hosts of its primary', () => {
  test('is written with it, with the group that its primary was bound to', () => {
    expect(bindingFor('same-group', spread)).toEqual({ rule: 'same-group', group: 'pg-1' })
    expect(bindingFor('separate', aResource())).toEqual({ rule: 'separate' })
    expect(bindingFor('any', spread)).toBeUndefined()
  })
  test('is of one group only as long as the primary is bound to that one', () => {
    const shadow = { zone: 'a', hosts: { rule: 'same-group', group: 'pg-1' } } as const
    expect(standsBy('same-group', shadow, spread)).toBe(true)
    expect(standsBy('same-group', shadow, boundTo({ id: 'pg-2', separable: false }))).toBe(false)
    expect(standsBy('same-group', shadow, aResource())).toBe(false)
  })
  test('is separate in another zone, whatever it was made by, and in the zone of the primary only by its group', () => {
    expect(standsBy('separate', { zone: 'b' }, spread)).toBe(true)
    expect(standsBy('separate', { zone: 'a' }, spread)).toBe(false)
    expect(standsBy('separate', { zone: 'a', hosts: { rule: 'separate', group: 'pg-1' } }, spread)).toBe(true)
  })
  test('of a group of partitions holds to the primary it was made for, and to no other', () => {
    const hosts = { rule: 'separate', group: 'pg-1' } as const
    expect(holdsAfterPromotion(hosts, hostGroupOf(boundTo({ id: 'pg-1', strategy: 'partitions', separable: true })))).toBe(false)
    expect(holdsAfterPromotion(hosts, hostGroupOf(spread))).toBe(true)
  })
  test('the group of a former primary in another zone is none of the present one', () =>
    expect(hostGroupOf({ ...spread, zone: 'b' })).toBeUndefined())
})
