import { AppError } from '@understudy/core'
import type { HostGroup } from '@understudy/provider'
import { describe, expect, test } from 'vitest'
import { resourceCapabilities } from '../capabilities/resource-capabilities.ts'
import type { Abilities } from '../cloud/abilities.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import { abilities, aResource, aTier, traits } from '../testing/builders.ts'
import { checkTier } from './tier.gate.ts'

const inGroup = (hostGroup: HostGroup): Resource => {
  const { dna, ...rest } = aResource()
  return { ...rest, dna: { ...dna, placement: { ...dna.placement, hostGroup } } }
}
const cluster = inGroup({ id: 'pg-1', strategy: 'together', separable: false })
const spread = inGroup({ id: 'pg-1', strategy: 'apart', separable: true })
const ownHosts = inGroup({ id: 'hosts-1', strategy: 'own-hosts', separable: true })
const without: Partial<Abilities> = { traits: { ...traits, hostGroups: { supported: false, reason: 'It reads none.' } } }

function refusal(tier: Partial<Tier>, resource: Resource, cloud: Partial<Abilities> = {}): AppError | undefined {
  try {
    checkTier(aTier(tier), resource, abilities(cloud))
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}
const near = (error: AppError | undefined): Partial<Tier> | undefined => (error?.details['nearest'] as { tier?: Tier } | undefined)?.tier

describe('a tier that says something of hosts', () => {
  test('is kept where its primary is in a group, in its zone', () => {
    expect(refusal({ hosts: 'same-group', zones: 'any' }, cluster)).toBeUndefined()
    expect(refusal({ hosts: 'same-group', zones: ['a'] }, cluster)).toBeUndefined()
    expect(refusal({ hosts: 'separate', zones: 'any' }, spread)).toBeUndefined()
    expect(refusal({ hosts: 'separate' }, cluster)).toBeUndefined()
    expect(refusal({ hosts: 'any' }, aResource(), without)).toBeUndefined()
  })
  test.each<[string, Partial<Tier>, Resource, Partial<Abilities>, string, string, Partial<Tier>]>([
    ['no group', { hosts: 'same-group', zones: 'any' }, aResource(), {}, '/tier/hosts', 'unsupported', { hosts: 'separate' }],
    ['no such thing in the cloud', { hosts: 'same-group', zones: 'any' }, cluster, without, '/tier/hosts', 'unsupported', { hosts: 'separate' }],
    ['another zone', { hosts: 'same-group' }, cluster, {}, '/tier/zones', 'invalid_request', { hosts: 'same-group', zones: 'any' }],
    [
      'spot on hosts of its own',
      { hosts: 'same-group', zones: 'any' },
      ownHosts,
      {},
      '/tier/purchase',
      'unsupported',
      { hosts: 'same-group', purchase: 'on-demand' },
    ],
    [
      'nothing that runs',
      { hosts: 'same-group', zones: 'any', readiness: 'cold', purchase: 'on-demand' },
      cluster,
      {},
      '/tier/readiness',
      'invalid_request',
      { hosts: 'same-group', readiness: 'parked' },
    ],
    ['its own zone', { hosts: 'separate', zones: ['a'] }, cluster, {}, '/tier/zones', 'invalid_request', { hosts: 'separate', zones: 'any' }],
    ['no other zone known', { hosts: 'separate', zones: 'any' }, cluster, { market: false }, '/tier/hosts', 'unsupported', { hosts: 'any' }],
  ])('%s: is refused, with the nearest that can be kept', (_name, tier, resource, cloud, pointer, kind, nearest) => {
    const error = refusal(tier, resource, cloud)
    expect(error).toMatchObject({ kind, errors: [{ pointer }] })
    expect(near(error)).toMatchObject(nearest)
  })
})

describe('the capabilities of a resource', () => {
  const of = (resource: Resource, cloud: Partial<Abilities> = {}) =>
    new Map(resourceCapabilities(resource, abilities(cloud)).map((capability) => [capability.name, capability]))
  test('name its group, or say that it is bound to none', () => {
    expect(of(cluster).get('host-groups')).toMatchObject({ supported: true, details: { id: 'pg-1', strategy: 'together', separable: false } })
    expect(of(aResource()).get('host-groups')).toMatchObject({
      supported: false,
      reason: expect.stringMatching(/bound to no group of hosts/) as string,
    })
    expect(of(cluster, without).get('host-groups')).toMatchObject({ supported: false, reason: 'It reads none.' })
  })
  test('say what keeps a shadow off its hosts', () => {
    expect(of(spread).get('separate-hosts')).toMatchObject({ supported: true, details: { by: ['zone', 'group'] } })
    expect(of(cluster).get('separate-hosts')).toMatchObject({ supported: true, details: { by: ['zone'] } })
    expect(of(cluster, { market: false }).get('separate-hosts')).toMatchObject({ supported: false })
  })
})
