import { describe, expect, it } from 'vitest'
import { hostGroupOf, nativePlacement } from './host-groups.ts'

const affinity = (key: string, ...values: string[]) => ({ key, operator: 'IN', values })
const group = affinity('compute.googleapis.com/node-group-name', 'licensed')
const node = affinity('compute.googleapis.com/node-name', 'licensed-x1y2')

describe('the group of hosts of an instance', () => {
  it('is its node group, by name', () => {
    expect(hostGroupOf({ scheduling: { nodeAffinities: [group] } }, undefined)).toEqual({ id: 'licensed', strategy: 'own-hosts', separable: true })
  })

  it('is the nodes with its labels; the node that it is on is its own, unless nothing else is said', () => {
    const labelled = { scheduling: { nodeAffinities: [affinity('workload', 'db', 'cache'), node] } }
    expect(hostGroupOf(labelled, undefined)).toMatchObject({ id: 'workload IN db,cache' })
    expect(nativePlacement(labelled, undefined)).toMatchObject({ nodeAffinities: [affinity('workload', 'db', 'cache')] })
    expect(nativePlacement({ scheduling: { nodeAffinities: [node] } }, undefined)).toMatchObject({ nodeAffinities: [node] })
  })

  it('of a spread policy is separable only where its own availability domain is told', () => {
    const policy = { url: 'projects/p/regions/r/resourcePolicies/spread', domains: 3 }
    expect(hostGroupOf({ resourceStatus: { scheduling: { availabilityDomain: 2 } } }, policy)).toEqual({
      ...{ id: 'spread', strategy: 'partitions', separable: true },
    })
    expect(hostGroupOf({}, policy)).toMatchObject({ strategy: 'partitions', separable: false })
    expect(hostGroupOf({}, { url: policy.url })).toMatchObject({ strategy: 'together', separable: false })
    expect(hostGroupOf({}, undefined)).toBeUndefined()
  })
})
