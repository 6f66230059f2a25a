import { describe, expect, it } from 'vitest'
import type { CloneSpec, HostGroup, ResourceDna } from '@understudy/provider'
import { hostGroupOf, placementOf } from './host-groups.ts'

const id = (rest: string): string => `/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/${rest}`
const location = 'westeurope'
const dna = (placement: ResourceDna['placement']) => ({ placement }) as ResourceDna
const spec = (zone: string, hosts: NonNullable<CloneSpec['hosts']>) => ({ zone, hosts }) as CloneSpec

describe('the group of hosts of a machine', () => {
  it('is the group of its dedicated host, also where the host alone is named', () => {
    const group = { id: id('hostGroups/licensed'), strategy: 'own-hosts', separable: true }
    expect(hostGroupOf({ location, host: { id: id('hostGroups/licensed/hosts/h1') } })).toEqual(group)
    expect(hostGroupOf({ location, hostGroup: { id: id('hostGroups/licensed') } })).toEqual(group)
  })

  it('is what binds most: a host group before an availability set before a proximity placement group', () => {
    const [set, near] = [{ id: id('availabilitySets/web') }, { id: id('proximityPlacementGroups/close') }]
    expect(hostGroupOf({ location, availabilitySet: set, proximityPlacementGroup: near })).toMatchObject({ id: set.id, strategy: 'partitions' })
    expect(hostGroupOf({ location, proximityPlacementGroup: near })).toEqual({ id: near.id, strategy: 'together', separable: false })
    expect(hostGroupOf({ location })).toBeUndefined()
  })
})

describe('a clone that shall be separate from a machine in no zone', () => {
  const set: HostGroup = { id: id('availabilitySets/web'), strategy: 'partitions', separable: true }

  it('is in its availability set, and in no zone of which nobody knows whether it is another', () => {
    expect(placementOf(dna({ hostGroup: set }), spec('', 'separate'))).toEqual({ availabilitySet: { id: set.id } })
    expect(() => placementOf(dna({ hostGroup: set }), spec('1', 'separate'))).toThrow(/promises no other hardware/)
    expect(() => placementOf(dna({}), spec('1', 'separate'))).toThrow(/promises no other hardware/)
  })

  it('is anywhere, where the machine is on a dedicated host', () => {
    const own: HostGroup = { id: id('hostGroups/licensed'), strategy: 'own-hosts', separable: true }
    expect(placementOf(dna({ hostGroup: own }), spec('', 'separate'))).toEqual({})
    expect(placementOf(dna({ hostGroup: own, zone: '1' }), spec('1', 'separate'))).toEqual({})
  })
})
