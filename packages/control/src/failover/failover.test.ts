import { contentHash } from '@understudy/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { proofAgeMs, shadowStatuses } from '../shadows/shadow.ts'
import type { Shadow } from '../shadows/shadow.ts'
import { abilities, aProof, aResource, aShadow, aTier, nowMs, traits } from '../testing/builders.ts'
import type { Abilities } from '../cloud/abilities.ts'
import { candidates, planFor, planIdentity } from './failover.ts'
import type { PlanQuestion } from './failover.ts'

const maxAgeMs = 3_600_000
const best = (...shadows: readonly Shadow[]): string[] => candidates(shadows, maxAgeMs, nowMs).map((shadow) => shadow.id)
const armed = new Date(nowMs + 1)

describe('candidates', () => {
  test('a running one comes before one that has to be started, full size before small, then the fresher proof', () =>
    expect(
      best(
        aShadow({ id: 'parked', readiness: 'parked', proof: aProof(1) }),
        aShadow({ id: 'warm', readiness: 'warm', proof: aProof(2) }),
        aShadow({ id: 'hot-older', proof: aProof(20) }),
        aShadow({ id: 'hot', proof: aProof(10) }),
      ),
    ).toEqual(['hot', 'hot-older', 'warm', 'parked']))
  test('a fresh proof comes before everything else', () =>
    expect(best(aShadow({ id: 'hot', proof: aProof(3601) }), aShadow({ id: 'parked', readiness: 'parked', proof: aProof(3600) }))).toEqual([
      'parked',
      'hot',
    ]))
  test('a parked one that is armed counts as running, until it is disarmed', () => {
    const warm = aShadow({ id: 'warm', readiness: 'warm', proof: aProof(100) })
    expect(best(warm, aShadow({ id: 'parked', readiness: 'parked', armedUntil: armed }))).toEqual(['parked', 'warm'])
    expect(best(warm, aShadow({ id: 'parked', readiness: 'parked', armedUntil: new Date(nowMs) }))).toEqual(['warm', 'parked'])
  })
  test('one that is drilled may be taken, one that somebody has taken for good may not', () =>
    expect(shadowStatuses.filter((status) => best(aShadow({ status })).length > 0)).toEqual(['unproven', 'proving', 'ready']))
  test('one without an instance cannot take over', () => expect(best(aShadow({ nativeId: undefined }))).toEqual([]))
})

const anyShadow: fc.Arbitrary<Shadow> = fc
  .record({
    id: fc.uuid(),
    status: fc.constantFrom(...shadowStatuses),
    readiness: fc.constantFrom('cold', 'parked', 'warm', 'hot'),
    nativeId: fc.option(fc.constant('i-1'), { nil: undefined }),
    proof: fc.option(fc.integer({ min: 0, max: 7200 }).map(aProof), { nil: undefined }),
    armedUntil: fc.option(fc.constantFrom(new Date(nowMs - 1), armed), { nil: undefined }),
    instanceType: fc.constantFrom('m7i.large', 't3.small'),
  })
  .map((parts) => aShadow(parts as Partial<Shadow>))
const question = (overrides: Partial<PlanQuestion> = {}): PlanQuestion => ({
  resource: aResource(),
  shadows: [aShadow()],
  cloud: abilities(),
  nowMs,
  deadlineMs: undefined,
  ...overrides,
})

describe('planFor', () => {
  test('never takes a stand-in whose proof is too old while one with a fresh proof could take over', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyShadow, { selector: (shadow) => shadow.id, maxLength: 6 }), (shadows) => {
        const plan = planFor(question({ shadows }))
        const isFresh = (shadow: Shadow): boolean => proofAgeMs(shadow, nowMs) <= maxAgeMs
        const able = shadows.filter((shadow) => ['ready', 'unproven', 'proving'].includes(shadow.status) && shadow.nativeId !== undefined)
        const chosen = shadows.find((shadow) => shadow.id === plan.shadowId)
        if (!chosen) {
          expect(able).toEqual([])
          return
        }
        expect(able).toContain(chosen)
        if (!isFresh(chosen)) {
          expect(able.filter(isFresh)).toEqual([])
          expect(plan.warnings.join()).toContain('no fresh proof')
        }
      }),
    )
  })

  test('does not depend on the order of the rows, nor does its hash on the time', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyShadow, { selector: (shadow) => shadow.id, maxLength: 6 }), (shadows) => {
        const plan = planFor(question({ shadows }))
        expect(planFor(question({ shadows: shadows.toReversed() }))).toEqual(plan)
        expect(planFor(question({ shadows }))).toEqual(plan)
      }),
    )
    const hashAt = (ms: number): string => contentHash(planIdentity(planFor(question({ nowMs: ms }))))
    expect(hashAt(nowMs + 1000)).toBe(hashAt(nowMs))
  })

  test('moves the traffic at once when a shadow runs', () => {
    const plan = planFor(question({ deadlineMs: nowMs + 120_000 }))
    expect(plan).toMatchObject({ kind: 'running-shadow', shadowId: 'shd_1', expectedSeconds: 1, secondsAvailable: 120, fits: true, warnings: [] })
    expect(plan.steps.map((step) => step.name)).toEqual(['gate', 'standin', 'traffic', 'capacity', 'stable', 'retired', 'promoted', 'replenished'])
  })
  test('starts a parked shadow first, and says when that does not fit the notice', () => {
    const parked = { shadows: [aShadow({ readiness: 'parked' })] }
    expect(planFor(question({ ...parked, deadlineMs: nowMs + 30_000 }))).toMatchObject({ kind: 'parked-shadow', expectedSeconds: 26, fits: true })
    expect(planFor(question({ ...parked, deadlineMs: nowMs + 25_000 }))).toMatchObject({ fits: false, secondsAvailable: 25 })
  })
  test('expects a hibernated shadow to resume', () => {
    const resource = aResource({ tier: aTier({ readiness: 'parked', holdMemory: true }) })
    expect(planFor(question({ resource, shadows: [aShadow({ readiness: 'parked' })] })).expectedSeconds).toBe(21)
  })
  test('launches a replacement when nobody can take over, and says so', () => {
    const plan = planFor(question({ shadows: [aShadow({ status: 'failed' })] }))
    expect(plan).toMatchObject({ kind: 'replacement', shadowId: null, expectedSeconds: 33 })
    expect(plan.warnings).toEqual([expect.stringContaining('a replacement is launched')])
  })
  test('counts the time to grow for a small shadow behind the shift', () => {
    const plan = planFor(question({ shadows: [aShadow({ readiness: 'warm', instanceType: 't3.small' })] }))
    expect(plan.expectedSeconds).toBe(1)
    expect(plan.steps.find((step) => step.name === 'capacity')?.expectedSeconds).toBe(31)
  })
  test('takes the shadow that was asked for, or none', () => {
    const shadows = [aShadow({ id: 'a' }), aShadow({ id: 'b', proof: undefined })]
    expect(planFor(question({ shadows, shadowId: 'b' })).shadowId).toBe('b')
    expect(planFor(question({ shadows, shadowId: 'c' })).shadowId).toBeNull()
  })
  test('warns when nothing sends requests to the stand-in', () => {
    const plan = planFor(question({ resource: aResource({ traffic: undefined }) }))
    expect(plan.expectedSeconds).toBe(0)
    expect(plan.warnings).toEqual([expect.stringContaining('no traffic binding')])
  })
})

describe('a plan in a cloud that can do less', () => {
  const plan = (cloud: Partial<Abilities>, overrides: Partial<PlanQuestion> = {}) => planFor(question({ cloud: abilities(cloud), ...overrides }))
  const trait = (changed: Partial<typeof traits>): Partial<Abilities> => ({ traits: { ...traits, ...changed } })
  const stepNames = (cloud: Partial<Abilities>, shadows: readonly Shadow[] = []) => plan(cloud, { shadows }).steps.map(({ name }) => name)

  test('is held against its notice, step by step', () => {
    const shadows = [aShadow({ readiness: 'parked' })]
    const short = plan(trait({ interruptionNotice: { supported: true, seconds: 25, bestEffort: true } }), { shadows })
    expect(short.notice).toEqual({ seconds: 25, bestEffort: true, fits: false })
    expect(short.fits, 'nobody has named a deadline').toBe(true)
    expect(short.steps.map(({ name, elapsedSeconds, withinNotice }) => [name, elapsedSeconds, withinNotice]).slice(0, 4)).toEqual([
      ['gate', 0, true],
      ['standin', 0, true],
      ['running', 25, true],
      ['traffic', 26, false],
    ])
    expect(short.warnings.join(' ')).toMatch(/26 s after the notice, and this cloud gives 25 s.*hot or warm/)
    expect(plan({}, { shadows })).toMatchObject({ notice: { seconds: 120, fits: true }, warnings: [] })
  })

  test('has no notice where the cloud gives none', () => {
    const none = plan(trait({ interruptionNotice: { supported: false, reason: 'It takes instances unannounced.' } }))
    expect(none.notice).toBeNull()
    expect(none.steps.every(({ withinNotice }) => withinNotice === null)).toBe(true)
    expect(none.warnings.join(' ')).toContain('It takes instances unannounced.')
  })

  test('saves no disks where none are kept, and says what is lost', () => {
    expect(stepNames({})).toContain('state')
    expect(stepNames({ snapshots: false })).not.toContain('state')
    expect(plan({ snapshots: false }, { shadows: [] }).warnings.join(' ')).toContain('not what was on the disks')
  })

  test('says how its traffic is moved', () => {
    const title = (mechanism: 'lb-weight' | 'lb-target' | 'address-move') =>
      plan({}, { resource: aResource({ traffic: { mechanism, native: {} } }) }).steps.find(({ name }) => name === 'traffic')?.title
    expect(new Set([title('lb-weight'), title('lb-target'), title('address-move')]).size).toBe(3)
    const { traffic: _none, ...cloud } = abilities()
    const unmoved = planFor(question({ cloud }))
    expect(unmoved.steps.find(({ name }) => name === 'traffic')).toMatchObject({
      expectedSeconds: 0,
      title: expect.stringContaining('moves no traffic'),
    })
    expect(unmoved.warnings.join(' ')).toContain('nothing sends requests to it')
  })

  test('grows a small stand-in in place where it can, and by a sibling where it cannot', () => {
    const small = [aShadow({ readiness: 'warm', instanceType: 't3.small' })]
    const seconds = (cloud: Partial<Abilities>) => plan(cloud, { shadows: small }).steps.find(({ name }) => name === 'capacity')?.expectedSeconds
    expect(seconds({})).toBe(31)
    expect(seconds(trait({ resize: { supported: true, requires: 'none', spot: true } }))).toBe(1)
  })
})
