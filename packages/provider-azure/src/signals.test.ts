import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { watched } from './testing/watched.ts'
import { wireWorld } from './testing/wire-world.ts'

const wire = watched()
let world: Awaited<ReturnType<typeof wireWorld>>
beforeAll(async () => {
  world = await wireWorld({ onExchange: wire.onExchange })
})
afterAll(() => world.close())

const hourMs = 3_600_000
const dc = () => world.server.dataCentre
const instanceIdOf = (nativeId: string): string => world.server.state.vms.get(nativeId.toLowerCase())!.instanceId!
const read = async (nativeId: string) => {
  const { signals, lists } = await world.freshProvider().signals!.scheduled([nativeId])
  return { signals, lists: lists.map(({ list }) => list) }
}

describe('planned maintenance in the book of a machine', () => {
  it('is announced with the start of its window, may be begun early until then, and is done afterwards', async () => {
    const { nativeId } = await world.makePrimary()
    const lists = ['maintenanceRedeployStatus']
    expect(await read(nativeId)).toEqual({ signals: [], lists })
    const notBeforeMs = world.clock.nowMs() + 30 * 24 * hourMs
    dc().maintenance.schedule(instanceIdOf(nativeId), { code: 'system-reboot', notBeforeMs, lastsMs: hourMs })
    const deadline = new Date(notBeforeMs).toISOString()
    const announced = { kind: 'maintenance', effect: 'reboot', nativeId, deadline, cause: 'platform', canExpedite: true }
    const before = await read(nativeId)
    expect(before).toMatchObject({ signals: [announced], lists })
    expect(before.signals[0]).not.toHaveProperty('phase')
    const [event] = dc().instances.get(instanceIdOf(nativeId))!.scheduledEvents
    dc().maintenance.start(instanceIdOf(nativeId), event!.instanceEventId)
    const begun = (await read(nativeId)).signals[0]
    expect(begun).toMatchObject({ deadline, canExpedite: false })
    expect(begun).not.toHaveProperty('phase')
    await world.advance(hourMs + 60_000)
    expect((await read(nativeId)).signals).toMatchObject([{ phase: 'completed', deadline, canExpedite: false }])
  })

  it('is all that stands there: a freeze and a move off failing hardware are told to the guest, and a machine that is gone has no book', async () => {
    const { nativeId } = await world.makePrimary()
    for (const code of ['system-maintenance', 'instance-retirement'] as const)
      dc().maintenance.schedule(instanceIdOf(nativeId), { code, notBeforeMs: world.clock.nowMs() + hourMs })
    expect((await read(nativeId)).signals).toEqual([])
    expect(await read(nativeId.replace(/[^/]+$/, 'never-was'))).toEqual({ signals: [], lists: [] })
  })
})

it('what went over the wire meanwhile is what Microsoft’s specifications allow', () => {
  expect(wire.problems()).toEqual([])
})
