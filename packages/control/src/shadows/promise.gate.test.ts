import type { PowerState } from '@understudy/provider'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Resource } from '../resources/resource.ts'
import { aProof, aResource, aShadow, aTier, nowMs } from '../testing/builders.ts'
import { promiseGap } from './promise.gate.ts'
import type { PromiseGap } from './promise.gate.ts'
import { proofAgeMs, shadowStatuses } from './shadow.ts'
import type { Shadow } from './shadow.ts'

interface Situation {
  readonly resource?: Resource
  readonly shadows?: readonly Shadow[]
  readonly states?: Readonly<Record<string, PowerState>>
  readonly busy?: readonly string[]
}
const gapOf = ({ resource = aResource(), shadows = [], states = { 'i-shadow': 'running' }, busy = [] }: Situation): PromiseGap =>
  promiseGap({ resource, shadows, states: new Map(Object.entries(states)), busyShadowIds: new Set(busy), nowMs })
/** Ids instead of rows. */
const brief = (gap: PromiseGap) => ({
  ...(gap.missing > 0 ? { missing: gap.missing } : {}),
  ...(gap.fail.length > 0 ? { fail: gap.fail.map(({ shadow }) => shadow.id) } : {}),
  ...(gap.retire.length > 0 ? { retire: gap.retire.map(({ shadow }) => shadow.id) } : {}),
  ...(gap.prove.length > 0 ? { prove: gap.prove.map(({ id }) => id) } : {}),
  ...(gap.disarm.length > 0 ? { disarm: gap.disarm.map(({ id }) => id) } : {}),
  status: gap.status,
})
const two = aResource({ tier: aTier({ shadows: 2 }) })
const parked = aResource({ tier: aTier({ readiness: 'parked' }) })

describe('nothing is to be done', () => {
  test('when a proven shadow stands as promised', () => expect(brief(gapOf({ shadows: [aShadow()] }))).toEqual({ status: 'protected' }))
  test('while a failover is under way, or a person holds the resource', () => {
    expect(brief(gapOf({ resource: aResource({ status: 'failing-over' }) }))).toEqual({ status: 'failing-over' })
    const hold = { reason: 'a migration', by: 'key:ann', until: new Date(nowMs + 1) }
    expect(brief(gapOf({ resource: aResource({ hold }) }))).toEqual({ status: 'protected' })
  })
  test('to a shadow that an operation works on', () =>
    expect(brief(gapOf({ shadows: [aShadow({ status: 'unproven', proof: undefined })], busy: ['shd_1'] }))).toEqual({ status: 'degraded' }))
  test('while its drill renews a proof that still counts', () =>
    expect(brief(gapOf({ shadows: [aShadow({ status: 'proving', proof: aProof(3000) })], busy: ['shd_1'] }))).toEqual({ status: 'protected' }))
})

describe('shadows are planned', () => {
  test('that are promised and do not exist', () => expect(brief(gapOf({ resource: two }))).toEqual({ missing: 2, status: 'degraded' }))
  test('but not again while they are made or reserved', () =>
    expect(
      brief(
        gapOf({
          resource: two,
          shadows: [aShadow({ status: 'planned', nativeId: undefined, proof: undefined }), aShadow({ id: 'shd_2', status: 'reserved' })],
          busy: ['shd_1'],
        }),
      ),
    ).toEqual({ status: 'degraded' }))
  test('in the place of one whose instance is gone, which fails', () => {
    const gone = { shadows: [aShadow()], states: {} }
    expect(brief(gapOf(gone))).toEqual({ missing: 1, fail: ['shd_1'], status: 'degraded' })
    expect(brief(gapOf({ ...gone, states: { 'i-shadow': 'terminating' } }))).toEqual({ missing: 1, fail: ['shd_1'], status: 'degraded' })
  })
  test('of the kind that is paid for now; the one of the former kind stays until they are proven', () => {
    const warm = aShadow({ id: 'warm', readiness: 'warm', nativeId: 'i-warm' })
    const states = { 'i-shadow': 'running', 'i-warm': 'running' } as const
    expect(brief(gapOf({ shadows: [warm], states }))).toEqual({ missing: 1, status: 'degraded' })
    expect(brief(gapOf({ shadows: [warm, aShadow()], states }))).toEqual({ retire: ['warm'], status: 'protected' })
  })
  test('when the failover has brought the primary into the zone of its shadow', () =>
    expect(brief(gapOf({ resource: aResource({ zone: 'b' }), shadows: [aShadow()] }))).toEqual({ missing: 1, status: 'degraded' }))
})

describe('shadows are retired', () => {
  test('when the resource is no longer protected', () =>
    expect(brief(gapOf({ resource: aResource({ tier: undefined }), shadows: [aShadow()] }))).toEqual({ retire: ['shd_1'], status: 'unprotected' }))
  test('when they have failed', () =>
    expect(brief(gapOf({ shadows: [aShadow(), aShadow({ id: 'shd_2', status: 'failed', nativeId: 'i-2' })] }))).toEqual({
      retire: ['shd_2'],
      status: 'protected',
    }))
  test('when there are more than promised: the one with the oldest proof', () =>
    expect(brief(gapOf({ shadows: [aShadow({ id: 'old', proof: aProof(900) }), aShadow({ id: 'new', nativeId: 'i-2' })], states: both }))).toEqual({
      retire: ['old'],
      status: 'protected',
    }))
  test('but never the only proven one while another is still made', () =>
    expect(
      brief(
        gapOf({ shadows: [aShadow(), aShadow({ id: 'shd_2', status: 'provisioning', nativeId: undefined, proof: undefined })], busy: ['shd_2'] }),
      ),
    ).toEqual({ status: 'protected' }))
})
const both = { 'i-shadow': 'running', 'i-2': 'running' } as const

describe('a drill is due', () => {
  test('for one that was never proven', () =>
    expect(brief(gapOf({ shadows: [aShadow({ status: 'unproven', proof: undefined })] }))).toEqual({ prove: ['shd_1'], status: 'degraded' }))
  test('well before the proof stops counting', () => {
    expect(brief(gapOf({ shadows: [aShadow({ proof: aProof(2500) })] }))).toEqual({ status: 'protected' })
    expect(brief(gapOf({ shadows: [aShadow({ proof: aProof(2521) })] }))).toEqual({ prove: ['shd_1'], status: 'protected' })
    expect(brief(gapOf({ shadows: [aShadow({ proof: aProof(3601) })] }))).toEqual({ prove: ['shd_1'], status: 'degraded' })
  })
  test('for a running one that somebody has stopped, and not for a parked one that rests', () => {
    const states = { 'i-shadow': 'stopped' } as const
    expect(brief(gapOf({ shadows: [aShadow()], states }))).toEqual({ prove: ['shd_1'], status: 'protected' })
    expect(brief(gapOf({ resource: parked, shadows: [aShadow({ readiness: 'parked' })], states }))).toEqual({ status: 'protected' })
  })
})

test('an armed shadow is disarmed when nothing has confirmed the warning in time', () => {
  const armedUntil = (ms: number) => brief(gapOf({ shadows: [aShadow({ armedUntil: new Date(ms) })] }))
  expect(armedUntil(nowMs + 1)).toEqual({ status: 'protected' })
  expect(armedUntil(nowMs)).toEqual({ disarm: ['shd_1'], status: 'protected' })
})

const anyShadow: fc.Arbitrary<Shadow> = fc
  .record({
    id: fc.uuid(),
    status: fc.constantFrom(...shadowStatuses.filter((status) => status !== 'promoted' && status !== 'retired')),
    readiness: fc.constantFrom('cold', 'parked', 'warm', 'hot'),
    zone: fc.constantFrom('a', 'b', 'c'),
    nativeId: fc.option(fc.constantFrom('i-1', 'i-2', 'i-3'), { nil: undefined }),
    proof: fc.option(fc.integer({ min: 0, max: 7200 }).map(aProof), { nil: undefined }),
    armedUntil: fc.option(fc.constantFrom(new Date(nowMs - 1), new Date(nowMs + 1)), { nil: undefined }),
  })
  .map((parts) => aShadow(parts as Partial<Shadow>))
const anySituation = fc.record({
  resource: fc.constantFrom(
    aResource(),
    two,
    parked,
    aResource({ tier: undefined }),
    aResource({ tier: aTier({ readiness: 'cold', zones: 'any' }) }),
  ),
  shadows: fc.uniqueArray(anyShadow, { selector: (shadow) => shadow.id, maxLength: 6 }),
  states: fc.dictionary(fc.constantFrom('i-1', 'i-2', 'i-3'), fc.constantFrom<PowerState>('running', 'stopped', 'terminated')),
  busyFirst: fc.nat(6),
})

test('whatever there is, the promise is never made worse, and nobody works on what somebody else has', () => {
  fc.assert(
    fc.property(anySituation, ({ resource, shadows, states, busyFirst }) => {
      const busy = shadows.slice(0, busyFirst).map((shadow) => shadow.id)
      const gap = gapOf({ resource, shadows, states, busy })
      const touched = [...gap.fail, ...gap.retire].map(({ shadow }) => shadow.id)
      for (const id of [...touched, ...gap.prove.map((shadow) => shadow.id), ...gap.disarm.map((shadow) => shadow.id)]) {
        expect(busy).not.toContain(id)
        expect(shadows.find((shadow) => shadow.id === id)?.status).not.toBe('reserved')
      }
      expect(new Set(gap.retire.map(({ shadow }) => shadow.id)).size, 'nobody is retired twice').toBe(gap.retire.length)
      expect(
        gap.prove.filter((shadow) => touched.includes(shadow.id)),
        'nobody is drilled who goes',
      ).toEqual([])
      const { tier } = resource
      if (!tier) {
        expect(gap.missing).toBe(0)
        return
      }
      const counts = (shadow: Shadow): boolean =>
        (shadow.status === 'ready' || shadow.status === 'proving') &&
        shadow.readiness === tier.readiness &&
        (tier.zones === 'any' || shadow.zone !== resource.zone) &&
        proofAgeMs(shadow, nowMs) <= tier.proofMaxAgeSeconds * 1000 &&
        !gap.fail.some((failed) => failed.shadow.id === shadow.id)
      const before = shadows.filter(counts)
      const after = before.filter((shadow) => !touched.includes(shadow.id))
      expect(after.length).toBeGreaterThanOrEqual(Math.min(tier.shadows, before.length))
      expect(gap.missing).toBeLessThanOrEqual(tier.shadows)
    }),
    { numRuns: 1000 },
  )
})
