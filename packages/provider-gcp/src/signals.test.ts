import type { Exchange } from '@understudy/cloud-sim'
import { sha256 } from '@understudy/core'
import type { CallContext, InstanceRef, NeutralSignal } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { causeOf } from './books.ts'
import { restRules } from './testing/rest-rules.ts'
import { gcpWireWorld } from './testing/wire-world.ts'

type World = Awaited<ReturnType<typeof gcpWireWorld>>
const exchanges: Exchange[] = []
let world: World
let keys = 0

beforeAll(async () => {
  world = await gcpWireWorld({ onExchange: (exchange) => void exchanges.push(exchange) })
})
afterAll(async () => {
  await world.close()
})

const contextOf = (): CallContext => ({ idempotencyKey: sha256(`signals ${++keys}`).slice(0, 32), tags: {}, actor: 'test', priority: 'background' })
const signals = () => {
  if (world.provider.signals === undefined) throw new Error('the adapter has signals')
  return world.provider.signals
}
const receive = async (waitSeconds = 0, signal = new AbortController().signal) => (await signals().receive?.({ waitSeconds, signal })) ?? []

describe('a subscription', () => {
  it('gives an entry of the audit log out again until it is acknowledged, and acknowledges several in one call', async () => {
    const [one, two] = [await world.makePrimary({ purchase: 'spot' }), await world.makePrimary({ purchase: 'spot' })]
    await world.interrupt(one)
    await world.interrupt(two)
    const first = await receive()
    expect(first).toHaveLength(2)
    expect(await receive()).toEqual([])
    await world.advance(61_000)
    const again = await receive()
    expect(again.map(({ document }) => document)).toEqual(first.map(({ document }) => document))
    const from = exchanges.length
    await Promise.all(again.map((document) => document.acknowledge()))
    expect(exchanges.slice(from).filter(({ url }) => url.pathname.endsWith(':acknowledge'))).toHaveLength(1)
    await world.advance(61_000)
    expect(await receive()).toEqual([])
  })

  it('is waited for as long as was asked, and answers as soon as there is something', async () => {
    const startedMs = world.clock.nowMs()
    expect(await receive(20)).toEqual([])
    expect(world.clock.nowMs() - startedMs).toBeGreaterThanOrEqual(20_000)
    world.server.project.publish({ hello: 'world' })
    // The pull that was let go may still have taken it: then it comes again when its acknowledgement is overdue.
    let documents = await receive(60)
    while (documents.length === 0) documents = await receive(60)
    const [document] = documents
    expect(document?.document).toEqual({ hello: 'world' })
    await document?.acknowledge()
  })

  it('is let go when the worker ends', async () => {
    const controller = new AbortController()
    const waiting = receive(60, controller.signal)
    controller.abort(new Error('the worker ends'))
    await expect(waiting).rejects.toMatchObject({ shape: { kind: 'unavailable', nativeCode: 'Aborted' } })
  })
})

describe('Google’s books', () => {
  it('name a preemption of the last minutes, and maintenance with whether it can be begun early', async () => {
    const spot = await world.makePrimary({ purchase: 'spot' })
    const due = await world.makePrimary()
    await world.interrupt(spot)
    await world.scheduleMaintenance(due)
    const { signals: found } = await signals().scheduled([spot.nativeId, due.nativeId])
    expect(found).toMatchObject([
      { kind: 'interruption', nativeId: spot.nativeId, cause: 'platform' },
      { kind: 'maintenance', effect: 'freeze', nativeId: due.nativeId, canExpedite: true },
    ])
    expect(Date.parse(found[0]?.deadline ?? '') - Date.parse(found[0]?.observedAt ?? '')).toBe(30_000)
    await world.advance(11 * 60_000)
    expect((await signals().scheduled([spot.nativeId])).signals.map(({ kind }) => kind)).toEqual([])
  })

  it('say of maintenance that is no longer ahead whether it was done, early perhaps, or taken back', async () => {
    const [doomed, done, early] = [await world.makePrimary(), await world.makePrimary(), await world.makePrimary()]
    const all = [doomed, done, early]
    const ids = all.map(({ nativeId }) => nativeId)
    for (const ref of all) await world.scheduleMaintenance(ref)
    await world.cancelMaintenance(doomed)
    const look = async () => {
      const { signals: found, lists } = await signals().scheduled(ids)
      expect(lists.map(({ nativeId }) => nativeId).toSorted()).toEqual(ids.toSorted())
      return found.map(({ nativeId, phase = 'announced', list }) => ({ who: ids.indexOf(nativeId), phase, list }))
    }
    const list = 'resourceStatus.upcomingMaintenance'
    expect(await look()).toEqual([1, 2].map((who) => ({ who, phase: 'announced', list })))
    // A person begins it: the instance has it behind it before its window.
    const { project } = world.server
    const { zone, name, id } = project.instances().find((record) => record.id === early.nativeId)!
    project.operations.begin({ zone, type: 'performMaintenance', target: `instances/${name}`, targetId: id, user: 'ann@example.com' }, {})
    await world.cancelMaintenance(early)
    expect(await look()).toEqual([
      { who: 1, phase: 'announced', list },
      { who: 2, phase: 'completed', list },
    ])
    await world.advance(3_600_000)
    expect(await look()).toEqual([{ who: 1, phase: 'completed', list }])
    await world.advance(11 * 60_000)
    expect(await look()).toEqual([])
  })

  const failureOf = (ref: InstanceRef): NeutralSignal => ({
    kind: 'failure',
    effect: 'stop',
    nativeId: ref.nativeId,
    observedAt: '2026-11-29T10:00:00Z',
    confidence: 'certain',
    cause: 'unknown',
    canExpedite: false,
  })
  const attributed = async (ref: InstanceRef) => (await signals().attribute?.(failureOf(ref)))?.cause

  it('say who has ended an instance: we, somebody else, Google', async () => {
    const ref = await world.makePrimary()
    expect(await attributed(ref)).toBe('unknown')
    await world.provider.compute.stop(ref, {}, contextOf())
    expect(await attributed(ref)).toBe('us')
    await world.advance(1_000)
    const { project } = world.server
    const record = project.instance(ref.zone ?? '', ref.nativeId)
    const target = { zone: record.zone, type: 'stop', target: `instances/${record.name}`, targetId: record.id }
    project.operations.begin({ ...target, user: 'ann@example.com' }, {})
    expect(await attributed(ref)).toBe('user')
    const spot = await world.makePrimary({ purchase: 'spot' })
    await world.interrupt(spot)
    expect(await attributed(spot)).toBe('platform')
  })

  it('do not take a person with our account for us', () => {
    const stop = { operationType: 'stop', user: 'us@p.iam', insertTime: '2026-11-29T10:00:00Z' }
    expect(causeOf([{ ...stop, clientOperationId: '6f1c2d34-0000-4000-8000-000000000001' }], 'us@p.iam')).toBe('us')
    expect(causeOf([stop], 'us@p.iam')).toBe('user')
    expect(causeOf([{ ...stop, user: '' }], 'us@p.iam')).toBe('unknown')
    expect(causeOf([{ ...stop, operationType: 'setLabels' }], 'us@p.iam')).toBe('unknown')
  })
})

it('zones, offers and sizes are those of the region, without prices', async () => {
  const { market } = world.provider
  expect(await market?.zones()).toEqual(['europe-west1-b', 'europe-west1-c', 'europe-west1-d'])
  const quotes = await market?.quotes({ instanceTypes: ['e2-standard-2', 'z9-none'] })
  expect(quotes).toHaveLength(6)
  expect(quotes?.every(({ usdPerHour }) => usdPerHour === undefined)).toBe(true)
  expect(await market?.sizes(['e2-standard-2', 'z9-none'])).toEqual(new Map([['e2-standard-2', { vcpus: 2, memoryMiB: 8192, holdSupported: true }]]))
})

it('every exchange with Compute Engine is one that Google’s own description allows', () => {
  const { problemsOf } = restRules()
  const compute = exchanges.filter(({ url }) => url.pathname.startsWith('/compute/'))
  expect(compute.some(({ url }) => url.pathname.endsWith('/aggregated/operations'))).toBe(true)
  expect([...new Set(compute.flatMap(problemsOf))]).toEqual([])
})
