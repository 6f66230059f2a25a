import { AppError } from '@understudy/core'
import { describe, expect, test } from 'vitest'
import type { Tier } from '../resources/resource.ts'
import { aResource, aTier, traits } from '../testing/builders.ts'
import { checkTier } from './tier.gate.ts'

/** Pointers of what is wrong with a tier; empty: it can be kept. */
function wrong(tier: Partial<Tier>, with_: Partial<typeof traits> = {}): readonly string[] {
  try {
    checkTier(aTier(tier), aResource(), { ...traits, ...with_ })
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.kind).toBe('invalid_request')
    for (const { message } of error.errors ?? []) expect(message, 'it says what would do').toMatch(/nearest|ask for|leave .* out/i)
    return (error.errors ?? []).map(({ pointer }) => pointer)
  }
}

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
  test('held memory where the cloud holds none', () =>
    expect(
      wrong({ readiness: 'parked', purchase: 'on-demand', holdMemory: true }, { hold: { supported: false, reason: 'It has no hibernation.' } }),
    ).toEqual(['/tier/holdMemory']))
})
