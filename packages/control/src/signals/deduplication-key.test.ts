import type { NeutralSignal } from '@understudy/provider'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deduplicationKey } from './accept-signals.ts'

const said = (overrides: Partial<NeutralSignal> = {}): NeutralSignal => ({
  kind: 'interruption',
  effect: 'terminate',
  nativeId: 'i-1',
  deadline: '2026-03-01T12:10:00.000Z',
  observedAt: '2026-03-01T12:00:00.000Z',
  confidence: 'certain',
  cause: 'platform',
  canExpedite: false,
  ...overrides,
})

describe('two deliveries are one signal', () => {
  test('when the cloud gave them the same event id, whatever else differs', () =>
    expect(deduplicationKey(said({ eventId: 'e', observedAt: '2026-03-02T00:00:00.000Z' }))).toBe(deduplicationKey(said({ eventId: 'e' }))))
  test('when a guest looks again and its metadata shows another time in the same half-hour', () =>
    expect(deduplicationKey(said({ deadline: '2026-03-01T12:12:30.000Z' }))).toBe(deduplicationKey(said())))
})

describe('two signals stay two', () => {
  test('when one event names two instances', () =>
    expect(deduplicationKey(said({ eventId: 'e', nativeId: 'i-2' }))).not.toBe(deduplicationKey(said({ eventId: 'e' }))))
  test.each<[string, Partial<NeutralSignal>]>([
    ['another instance', { nativeId: 'i-2' }],
    ['another kind', { kind: 'rebalance' }],
    ['another effect', { effect: 'stop' }],
    ['a deadline in another half-hour', { deadline: '2026-03-01T13:00:00.000Z' }],
    ['an event id of its own', { eventId: 'e' }],
  ])('when a guest speaks of %s', (_what, overrides) => expect(deduplicationKey(said(overrides))).not.toBe(deduplicationKey(said())))
  test('when event ids differ', () =>
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (a, b) => {
        expect(deduplicationKey(said({ eventId: a })) === deduplicationKey(said({ eventId: b }))).toBe(a === b)
      }),
    ))
})
