import { releaseRestoredDisk, restoreDisk as askFor } from '@understudy/control'
import type { Operation, RecoveryPoint, RestoredDisk } from '@understudy/control'
import { expect } from 'vitest'
import type { Look, RecoveryWorld } from '../recovery-world.ts'
import type { Scenario } from './scenario.ts'

/** The last data disk of the point. */
function start(world: RecoveryWorld, { id, manifest }: RecoveryPoint): Promise<Operation> {
  const device = manifest?.disks.members.findLast(({ role }) => role === 'data')?.device ?? ''
  return askFor(world.control, world.principal, { id, device, reason: 'a crash' })
}

async function rowOf({ control }: RecoveryWorld, { params }: Operation): Promise<RestoredDisk | undefined> {
  return control.database.stores.restoredDisks.findById((params as { restoredDiskId: string }).restoredDiskId)
}

/** Exactly it is there besides what was there, with the bytes of then. */
async function expectBeside(world: RecoveryWorld, before: Look, operation: Operation): Promise<void> {
  const row = await rowOf(world, operation)
  const { volumes, places, bytes, ...rest } = world.look()
  const { volumes: had, places: hadPlaces, bytes: held, ...restBefore } = before
  expect(rest).toEqual(restBefore)
  const index = volumes.indexOf(world.site.volumeIdOf(row?.disk ?? '') ?? 'none')
  expect(row).toMatchObject({ status: 'attached', place: places[index]?.split(' ')[0] })
  expect(bytes[index]).toBe('then')
  const others = <T>(list: readonly T[]): readonly T[] => list.filter((_, at) => at !== index)
  expect({ volumes: others(volumes), places: others(places), bytes: others(bytes) }).toEqual({ volumes: had, places: hadPlaces, bytes: held })
}

export const restoreDisk: Scenario = {
  name: 'restoreDisk',
  title: 'restoring a disk beside the others',
  start: ({ world, point }) => start(world, point),
  done: ({ world, before }, operation) => expectBeside(world, before, operation),
  async undone({ world, before }, operation) {
    expect(await rowOf(world, operation)).toMatchObject({ status: 'failed' })
    expect(world.look()).toEqual(before)
  },
  async cleanUp({ world }, { status, params }) {
    if (status !== 'succeeded') return
    const { restoredDiskId: id } = params as { restoredDiskId: string }
    await world.ended(await releaseRestoredDisk(world.control, world.principal, { id }))
  },
}

const release = async (world: RecoveryWorld): Promise<Operation> => {
  const { control, principal } = world
  const page = { after: undefined, limit: 1 }
  const [{ id } = { id: '' }] = await control.database.stores.restoredDisks.list(principal.projectId, page)
  return releaseRestoredDisk(control, principal, { id })
}

/** What has been taken away stays so: one that was cancelled is finished by whoever asks again, and by the sweep. */
export const releaseDisk: Scenario = {
  name: 'releaseDisk',
  title: 'giving a restored disk back',
  async begin(world, point) {
    const { status, error } = await world.ended(await start(world, point))
    if (status !== 'succeeded') throw new Error(`no disk was plugged in: ${error?.message}`)
  },
  start: ({ world }) => release(world),
  async done({ world, before }, operation) {
    const row = await rowOf(world, operation)
    expect(row).toMatchObject({ status: 'released', cleanedAt: expect.any(Date) as Date })
    const gone = before.volumes.length - 1
    const { volumes, places, bytes, ...rest } = world.look()
    expect(world.site.volumeIdOf(row?.disk ?? '')).toBeUndefined()
    const { volumes: had, places: hadPlaces, bytes: held, ...restBefore } = before
    expect(rest).toEqual(restBefore)
    expect([volumes.length, places.length, bytes.length]).toEqual([gone, gone, gone])
    expect(had).toEqual(expect.arrayContaining([...volumes]))
    expect(hadPlaces).toEqual(expect.arrayContaining([...places]))
    // The disk of the point is the only one of then.
    expect(bytes).toEqual(held.filter((text) => text !== 'then'))
  },
  async undone(prepared, cancelled) {
    const { world } = prepared
    const row = await rowOf(world, cancelled)
    expect(row?.status).toBe('attached')
    const again = await world.ended(await releaseRestoredDisk(world.control, world.principal, { id: row?.id ?? '' }))
    expect({ status: again.status, error: again.error }).toEqual({ status: 'succeeded', error: undefined })
    await this.done(prepared, again)
  },
}
