import { AppError } from '@understudy/core'
import { describe, expect, test } from 'vitest'
import type { Abilities } from '../cloud/abilities.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import { abilities, aResource, aTier, traits } from '../testing/builders.ts'
import { checkTier } from './tier.gate.ts'

/** How a tier is refused; undefined: it can be kept. */
function refusal(tier: Partial<Tier>, cloud: Partial<Abilities> = {}, resource: Partial<Resource> = {}): AppError | undefined {
  try {
    checkTier(aTier(tier), aResource(resource), abilities(cloud))
    return undefined
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    for (const { message } of error.errors) expect(message, 'it says what would do').toMatch(/nearest|ask for|leave .* out/i)
    return error
  }
}
/** Pointers of what is wrong with a tier; empty: it can be kept. */
const wrong = (tier: Partial<Tier>): readonly string[] => (refusal(tier)?.errors ?? []).map(({ pointer }) => pointer)

describe('a tier that can be kept', () => {
  test.each<[string, Partial<Tier>]>([
    ['hot on spot', {}],
    ['hot, with the size of the primary named', { instanceType: 'm7i.large' }],
    ['warm and smaller', { readiness: 'warm', instanceType: 't3.small' }],
    ['parked on demand', { readiness: 'parked', purchase: 'on-demand' }],
    ['parked on demand with its memory', { readiness: 'parked', purchase: 'on-demand', holdMemory: true }],
  ])('%s', (_name, tier) => expect(wrong(tier)).toEqual([]))
})

describe('a tier that cannot be kept', () => {
  test.each<[string, Partial<Tier>, readonly string[]]>([
    ['warm without a size', { readiness: 'warm' }, ['/tier/instanceType']],
    ['warm at full size', { readiness: 'warm', instanceType: 'm7i.large' }, ['/tier/instanceType']],
    ['hot at another size', { instanceType: 't3.small' }, ['/tier/instanceType']],
    ['hot with held memory', { holdMemory: true }, ['/tier/holdMemory']],
    ['parked on spot', { readiness: 'parked' }, ['/tier/purchase']],
    ['parked on spot with its memory', { readiness: 'parked', holdMemory: true }, ['/tier/purchase', '/tier/purchase']],
    ['two faults at once', { readiness: 'warm', holdMemory: true }, ['/tier/instanceType', '/tier/holdMemory']],
  ])('%s: says where and what instead', (_name, tier, pointers) => expect(wrong(tier)).toEqual(pointers))
  test('that contradicts itself is not valid; another cloud could not keep it either', () =>
    expect(refusal({ readiness: 'warm' })).toMatchObject({ kind: 'invalid_request' }))
})

describe('a tier that this cloud cannot keep names the nearest that it can', () => {
  const without = (trait: Partial<typeof traits>): Partial<Abilities> => ({ traits: { ...traits, ...trait } })
  const noHold = without({ hold: { supported: false, reason: 'It has no hibernation.' } })
  const hold = { enableAt: 'any-stopped', withSpot: false, resizableWhileHeld: false } as const
  const disks = (count: number) =>
    ({ dna: { ...aResource().dna, disks: Array.from({ length: count }, () => ({}) as never) } }) satisfies Partial<Resource> // only their number counts
  const parked = { readiness: 'parked', purchase: 'on-demand', holdMemory: true } as const
  const manyDisks = without({ multiDiskSnapshot: { supported: false, reason: 'It keeps one disk at a time.' } })

  test.each<[string, Partial<Tier>, Partial<Abilities>, Partial<Resource>, string, Partial<Tier>]>([
    ['memory where none is held', parked, noHold, {}, '/tier/holdMemory', { readiness: 'parked', purchase: 'on-demand', holdMemory: false }],
    [
      'a hibernated spot shadow where spot is not hibernated',
      { ...parked, purchase: 'spot' },
      without({ hold: { supported: true, ...hold } }),
      {},
      '/tier/purchase',
      { readiness: 'parked', purchase: 'on-demand', holdMemory: true },
    ],
    [
      'more memory than is held',
      parked,
      without({ hold: { supported: true, ...hold, maxMemoryMiB: 4096 } }),
      {},
      '/tier/holdMemory',
      { readiness: 'parked', holdMemory: false },
    ],
    [
      'kept disks where none are kept',
      { readiness: 'cold', purchase: 'on-demand' },
      { snapshots: false },
      {},
      '/tier/readiness',
      { readiness: 'parked' },
    ],
    [
      'kept disks of one moment where only one can be',
      { readiness: 'cold', purchase: 'on-demand' },
      manyDisks,
      disks(2),
      '/tier/readiness',
      { readiness: 'parked' },
    ],
    [
      'more disks than can be kept',
      { readiness: 'cold', purchase: 'on-demand' },
      without({ multiDiskSnapshot: { supported: true, maxDisks: 2, guarantee: 'always' } }),
      disks(3),
      '/tier/readiness',
      { readiness: 'parked' },
    ],
  ])('%s', (_what, tier, cloud, resource, pointer, nearest) => {
    const refused = refusal(tier, cloud, resource)
    expect(refused).toMatchObject({
      kind: 'unsupported',
      message: expect.stringContaining('The nearest that can is'),
      details: { nearest: { tier: nearest } },
    })
    expect(refused?.errors.map((error) => error.pointer)).toContain(pointer)
    const { tier: named } = (refused?.details['nearest'] ?? {}) as { tier?: Partial<Tier> } // as just checked
    expect(refusal({ ...tier, ...named }, cloud, resource), 'the nearest can be kept').toBeUndefined()
  })

  test('one disk is kept where several of one moment cannot be', () => expect(refusal({ readiness: 'cold' }, manyDisks, disks(1))).toBeUndefined())

  test('where traffic cannot be moved, or not in this way, no tier can be kept, and it says so', () => {
    const nowhere = abilities()
    const { traffic: _none, ...rest } = nowhere
    expect(() => checkTier(aTier(), aResource(), rest)).toThrow('No other tier can be kept here either.')
    expect(refusal({}, { traffic: { 'address-move': { standby: false } } })?.details).toEqual({})
    expect(() => checkTier(aTier(), aResource({ traffic: undefined }), rest)).not.toThrow()
  })

  test.each(['hot', 'warm', 'cold'] as const)('memory is held by parked shadows only: %s without it is the nearest', (readiness) => {
    const tier = { readiness, purchase: 'on-demand', holdMemory: true, instanceType: readiness === 'warm' ? 't3.small' : undefined } as const
    expect(refusal(tier)?.details).toMatchObject({ nearest: { tier: { readiness, holdMemory: false } } })
  })
})
