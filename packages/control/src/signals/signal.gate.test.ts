import { describe, expect, test } from 'vitest'
import { aResource, aTier, nowMs } from '../testing/builders.ts'
import { decide, lateAfterMs } from './signal.gate.ts'

type Told = Parameters<typeof decide>[0]
const told = (overrides: Partial<Told> = {}): Told => ({
  kind: 'interruption',
  effect: 'terminate',
  cause: 'platform',
  confidence: 'certain',
  deadlineMs: nowMs + 120_000,
  source: 'queue',
  ...overrides,
})
const held = { reason: 'a migration', by: 'key:ann', until: new Date(nowMs + 1) }
const actOf = (signal: Partial<Told>, resource = aResource()): string => decide(told(signal), resource, nowMs).act

describe('a signal about a primary', () => {
  test.each([
    ['interruption', 'shift'],
    ['failure', 'shift'],
    ['rebalance', 'arm'],
    ['risk', 'arm'],
    ['maintenance', 'nothing'],
  ] as const)('%s: %s', (kind, act) => expect(actOf({ kind })).toBe(act))

  test('that is late by less than a quarter of an hour still shifts, a later one is history', () => {
    expect(actOf({ deadlineMs: nowMs - lateAfterMs })).toBe('shift')
    expect(decide(told({ deadlineMs: nowMs - lateAfterMs - 1 }), aResource(), nowMs)).toMatchObject({ act: 'nothing', outcome: 'late' })
  })
  test('without a deadline is never late', () => expect(actOf({ deadlineMs: undefined })).toBe('shift'))
  test('does nothing to a resource that a person holds, until the hold ends', () => {
    expect(decide(told(), aResource({ hold: held }), nowMs)).toMatchObject({ act: 'nothing', outcome: 'recorded' })
    expect(decide(told(), aResource({ hold: held }), nowMs + 1)).toMatchObject({ act: 'shift' })
  })
  test('does nothing to a resource that nobody pays to protect', () =>
    expect(decide(told(), aResource({ tier: undefined }), nowMs)).toMatchObject({ act: 'nothing', outcome: 'recorded' }))
})

describe('a primary that failed', () => {
  const failure = (overrides: Partial<Told>): string => actOf({ kind: 'failure', deadlineMs: undefined, ...overrides })
  test('is replaced when the cloud did it', () => expect(failure({ effect: 'stop', cause: 'platform' })).toBe('shift'))
  test('is left alone when a person stopped it', () => expect(failure({ effect: 'stop', cause: 'user' })).toBe('nothing'))
  test('is replaced when a person ended it: it cannot be started again', () => expect(failure({ effect: 'terminate', cause: 'user' })).toBe('shift'))
  test('is left alone when we did it', () => expect(failure({ effect: 'terminate', cause: 'us' })).toBe('nothing'))
  test('is looked at when nobody says who did it, and replaced when the look says no more', () => {
    expect(failure({ cause: 'unknown', source: 'queue' })).toBe('look')
    expect(failure({ cause: 'unknown', source: 'poll' })).toBe('shift')
  })
})

test('every answer that does nothing says why', () => {
  const resources = [aResource(), aResource({ hold: held }), aResource({ tier: undefined }), aResource({ tier: aTier() })]
  const kinds = ['interruption', 'failure', 'rebalance', 'risk', 'maintenance'] as const
  for (const resource of resources) {
    for (const kind of kinds) {
      for (const cause of ['us', 'user', 'platform', 'unknown'] as const) {
        for (const deadlineMs of [undefined, 0, nowMs]) {
          const decision = decide(told({ kind, cause, effect: 'stop', deadlineMs }), resource, nowMs)
          if (decision.act === 'nothing' || decision.act === 'look') expect(decision.reason).toMatch(/\S+ \S+/)
        }
      }
    }
  }
})
