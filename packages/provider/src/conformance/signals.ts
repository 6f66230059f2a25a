import { now } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import type { NeutralSignal, Signals } from '../capabilities/signals.ts'
import type { InstanceRef } from '../refs.ts'
import { until } from './steps.ts'
import type { ConformanceWorld } from './world.ts'

const noSignals = 'the provider has no signals of its own'

/** What a cloud says about its instances. */
export function signalConformance(world: () => ConformanceWorld): void {
  describe('signals', () => {
    const signals = (): Signals | undefined => world().provider.signals
    const read = async (ref: InstanceRef, kind: NeutralSignal['kind']): Promise<NeutralSignal[]> => {
      const at = now(world().clock).toISOString()
      const parsed = (await world().pushed(ref)).map((document) => signals()!.parse(document, { at })) // asked after the check only
      return parsed.flatMap((result) => (result.outcome === 'signals' ? result.signals : [])).filter((signal) => signal.kind === kind)
    }

    it('carry the cloud’s own deadline for an interruption, and the same identity however often they come', async ({ skip }) => {
      skip(world().live === true, 'nobody makes a real cloud announce something')
      const { interruptionNotice } = world().provider.traits
      if (signals() === undefined || !interruptionNotice.supported) return skip(noSignals)
      const ref = await world().makePrimary({ purchase: 'spot' })
      const beforeMs = world().clock.nowMs()
      await world().interrupt(ref)
      await until(world(), 'the warning is pushed', async () => (await read(ref, 'interruption')).length > 0)
      const [first] = await read(ref, 'interruption')
      const [again] = await read(ref, 'interruption')
      expect(first).toMatchObject({ kind: 'interruption', nativeId: ref.nativeId, confidence: 'certain', cause: 'platform' })
      expect(again).toEqual(first)
      const noticeMs = Date.parse(first?.deadline ?? '') - Date.parse(first?.observedAt ?? '')
      expect(noticeMs).toBe(interruptionNotice.seconds * 1000)
      // Events carry whole seconds.
      expect(Date.parse(first?.observedAt ?? '')).toBeGreaterThanOrEqual(beforeMs - 1000)
    })

    it('are found in the cloud’s books when the push was lost', async ({ skip }) => {
      skip(world().live === true, 'nobody makes a real cloud announce something')
      const capability = signals()
      if (capability === undefined) return skip(noSignals)
      const spot = await world().makePrimary({ purchase: 'spot' })
      const calm = await world().makePrimary()
      const due = await world().makePrimary()
      await world().interrupt(spot)
      await world().scheduleMaintenance(due)
      const ids = [spot, calm, due].map(({ nativeId }) => nativeId)
      const wanted = [`${due.nativeId} maintenance`, ...(world().interruptionsInNoBook === true ? [] : [`${spot.nativeId} interruption`])]
      await until(
        world(),
        'the books show what they hold',
        async () => (await world().run(capability.scheduled(ids))).signals.length >= wanted.length,
      )
      const { signals: found } = await world().run(capability.scheduled([...ids, 'i-0000000000000dead']))
      expect(found.map(({ nativeId, kind }) => `${nativeId} ${kind}`).toSorted()).toEqual(wanted.toSorted())
      for (const { deadline } of found) expect(Date.parse(deadline ?? '')).toBeGreaterThan(0)
    })

    it('are no longer announced when the cloud has taken them back: by a word, or because its list no longer names them', async ({ skip }) => {
      skip(world().live === true, 'nobody makes a real cloud announce something')
      const capability = signals()
      if (capability === undefined) return skip(noSignals)
      const due = await world().makePrimary()
      await world().scheduleMaintenance(due)
      const look = () => world().run(capability.scheduled([due.nativeId]))
      await until(world(), 'the books show it', async () => (await look()).signals.length > 0)
      const [announced] = (await look()).signals
      expect(announced?.phase ?? 'announced').toBe('announced')
      await world().cancelMaintenance(due)
      const isAnnounced = async () => (await look()).signals.some(({ phase }) => (phase ?? 'announced') === 'announced')
      await until(world(), 'the books show that it was taken back', async () => !(await isAnnounced()))
      const { signals: words, lists } = await look()
      const said = words.some(({ phase, eventId }) => phase === 'cancelled' && eventId !== undefined && eventId === announced?.eventId)
      const left = lists.some(({ nativeId, list }) => nativeId === due.nativeId && list === announced?.list)
      expect({ said, left }).toEqual(said ? { said: true, left: false } : { said: false, left: true })
    })

    it('tell a recommendation from an announcement', async ({ skip }) => {
      skip(world().live === true, 'nobody makes a real cloud announce something')
      if (signals() === undefined || world().rebalance === undefined) return skip('this cloud announces, and recommends nothing')
      const ref = await world().makePrimary({ purchase: 'spot' })
      await world().rebalance?.(ref)
      await until(world(), 'the recommendation is pushed', async () => (await read(ref, 'rebalance')).length > 0)
      const [signal] = await read(ref, 'rebalance')
      expect(signal).toMatchObject({ kind: 'rebalance', confidence: 'likely', nativeId: ref.nativeId })
      expect(signal?.deadline).toBeUndefined()
    })

    it('are read whole or not at all: nothing that comes in makes the reader throw', ({ skip }) => {
      const capability = signals()
      if (capability === undefined) return skip(noSignals)
      const at = now(world().clock).toISOString()
      for (const document of [
        null,
        7,
        '',
        'text',
        [],
        {},
        { detail: null },
        { 'detail-type': 'x' },
        { 'detail-type': [], source: {}, detail: {}, time: 1, id: 1 },
      ]) {
        expect(['ignored', 'malformed']).toContain(capability.parse(document, { at }).outcome)
      }
    })

    it('come from the queue until they are acknowledged', async ({ skip }) => {
      skip(world().live === true, 'nobody makes a real cloud announce something')
      const capability = signals()
      if (capability?.receive === undefined) return skip('the provider has no queue to receive from')
      const ref = await world().makePrimary({ purchase: 'spot' })
      // An announcement comes from any cloud; a recommendation leaves the instance as it is.
      const expected = world().rebalance === undefined ? 'interruption' : 'rebalance'
      await (world().rebalance?.(ref) ?? world().interrupt(ref))
      const controller = new AbortController()
      const found: string[] = []
      await until(world(), 'the queue gives it out', async () => {
        const documents = await world().run(capability.receive!({ waitSeconds: 0, signal: controller.signal }))
        for (const { document, acknowledge } of documents) {
          const parsed = capability.parse(document, { at: now(world().clock).toISOString() })
          if (parsed.outcome === 'signals') found.push(...parsed.signals.map(({ nativeId, kind }) => `${nativeId} ${kind}`))
          await world().run(acknowledge())
        }
        return found.includes(`${ref.nativeId} ${expected}`)
      })
      // Longer than any message stays hidden: what was acknowledged does not come back.
      await world().advance(90_000)
      const again = await world().run(capability.receive({ waitSeconds: 0, signal: controller.signal }))
      const at = now(world().clock).toISOString()
      const kinds = again.flatMap(({ document }) => {
        const parsed = capability.parse(document, { at })
        return parsed.outcome === 'signals' ? parsed.signals.filter(({ nativeId, kind }) => nativeId === ref.nativeId && kind === expected) : []
      })
      expect(kinds).toEqual([])
    })
  })
}
