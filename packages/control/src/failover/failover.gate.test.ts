import { describe, expect, test } from 'vitest'
import { aResource, nowMs } from '../testing/builders.ts'
import { failoverGate } from './failover.gate.ts'

const expected = { primary: 'i-primary', primaryEpoch: 3 }
const until = (ms: number) => ({ reason: 'a migration', by: 'key:ann', until: new Date(ms) })

describe('a failover may begin', () => {
  test('from the primary it was decided about', () => expect(failoverGate({ resource: aResource(), expected, nowMs })).toEqual({ ok: true }))
  test('when a hold has just run out', () =>
    expect(failoverGate({ resource: aResource({ hold: until(nowMs) }), expected, nowMs })).toEqual({ ok: true }))
})

describe('a failover may not begin', () => {
  test('when somebody else has promoted another primary', () =>
    expect(failoverGate({ resource: aResource({ nativeId: 'i-other', primaryEpoch: 4 }), expected, nowMs })).toMatchObject({
      ok: false,
      kind: 'plan_stale',
    }))
  test('when the same instance has become primary again in between', () =>
    expect(failoverGate({ resource: aResource({ primaryEpoch: 5 }), expected, nowMs })).toMatchObject({ ok: false, kind: 'plan_stale' }))
  test('while a person holds the resource, and says who and why', () => {
    const answer = failoverGate({ resource: aResource({ hold: until(nowMs + 1) }), expected, nowMs })
    expect(answer).toMatchObject({ ok: false, kind: 'held' })
    expect(answer.ok ? '' : answer.reason).toContain('key:ann holds res_1 until 2026-03-01T12:00:00.001Z: a migration')
  })
  test('by a plan that is stale, even while it is held', () =>
    expect(failoverGate({ resource: aResource({ primaryEpoch: 4, hold: until(nowMs + 1) }), expected, nowMs })).toMatchObject({ kind: 'plan_stale' }))
})
