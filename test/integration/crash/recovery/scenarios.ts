import { GuestFiles } from '@understudy/cloud-sim'
import { captureRecoveryPoint, prepareRollback, releaseRestoredDisk, restoreDisk, startRollback, startTestRollback } from '@understudy/control'
import type { Operation, RecoveryPoint, RollbackRequest } from '@understudy/control'
import { expect } from 'vitest'
import type { Look, RecoveryWorld } from './recovery-world.ts'

/** The point holds `then`, and the disks hold `now.`. */
export interface Prepared {
  readonly world: RecoveryWorld
  readonly point: RecoveryPoint
  readonly before: Look
}

/** One thing that recovery does, and what it changes in the cloud on its way. */
export interface Scenario {
  readonly title: string
  /** What it changes when nobody disturbs it, in this order; changes that are made at once are in the order of their names. */
  readonly changes: readonly string[]
  /** Changes from this one on are behind the point of no return: it is finished whoever cancels it. */
  readonly committedFrom?: number
  /** At how many of the moments `npm test` kills. */
  readonly sample: number
  /** Somebody changes what the scenario sets back: before the point is kept, and after it. */
  arrange?(world: RecoveryWorld, when: 'then' | 'now'): void
  start(prepared: Prepared): Promise<Operation>
  /** Throws unless all of it has happened. */
  done(prepared: Prepared, operation: Operation): Promise<void> | void
  /** Throws unless nothing of it has. */
  undone(prepared: Prepared, operation: Operation): Promise<void> | void
  /** Makes the world ready for the next one. */
  cleanUp?(prepared: Prepared, operation: Operation): Promise<void>
}

const then = ['then', 'then', 'then']

async function approve({ world }: Prepared, request: RollbackRequest): Promise<Operation> {
  const { planHash } = await prepareRollback(world.control, world.principal, request)
  return startRollback(world.control, world.principal, { ...request, reason: 'a crash', planHash })
}

const pointOf = ({ world }: Prepared, id: string) => world.control.database.stores.recoveryPoints.findById(id)
const safetyOf = (prepared: Prepared, { params }: Operation) => pointOf(prepared, (params as { safetyPointId: string }).safetyPointId)

/** Nothing has changed, and what was kept of now is whole or not there. */
async function untouched(prepared: Prepared, operation: Operation): Promise<void> {
  expect(prepared.world.look()).toEqual(prepared.before)
  const safety = await safetyOf(prepared, operation)
  expect(safety?.status).toBeOneOf(['usable', 'failed'])
  expect(snapshotsOf(prepared, safety!)).toBe(safety?.status === 'usable' ? 3 : 0)
}

/** That are really there, of what a point names; of one that was given up, by its id in the tags of the set's members. */
function snapshotsOf({ world }: Prepared, { manifest }: RecoveryPoint): number {
  const ids = new Set(manifest?.disks.members.map(({ snapshot }) => snapshot))
  return world.sim.dataCentre.storage.describeSnapshots().items.filter(({ snapshotId, state }) => ids.has(snapshotId) && state === 'completed').length
}

const capture: Scenario = {
  title: 'keeping a recovery point',
  changes: ['CreateSnapshots'],
  sample: 1,
  start: ({ world }) => captureRecoveryPoint(world.control, world.principal, { resourceId: world.resource().id, reason: 'a crash' }),
  async done(prepared, { params }) {
    const kept = await pointOf(prepared, (params as { pointId: string }).pointId)
    expect(kept).toMatchObject({ status: 'usable', manifest: { parent: { point: prepared.point.id } } })
    expect(snapshotsOf(prepared, kept!)).toBe(3)
    expect(prepared.world.look()).toEqual(prepared.before)
  },
  async undone(prepared, { params }) {
    const kept = await pointOf(prepared, (params as { pointId: string }).pointId)
    expect(kept).toMatchObject({ status: 'failed', manifest: undefined })
    expect(prepared.world.look()).toEqual(prepared.before)
  },
}

const rollback: Scenario = {
  title: 'a rollback',
  changes: [
    ...['CreateSnapshots', 'CreateVolume', 'CreateVolume', 'CreateVolume', 'ModifyListener', 'StopInstances'],
    ...['DetachVolume', 'DetachVolume', 'DetachVolume', 'AttachVolume', 'AttachVolume', 'AttachVolume'],
    ...['ModifyInstanceAttribute', 'ModifyInstanceAttribute', 'StartInstances', 'ModifyListener'],
  ],
  sample: 3,
  start: (prepared) => approve(prepared, { recoveryPointId: prepared.point.id }),
  async done(prepared, operation) {
    const { before, world } = prepared
    const after = world.look()
    // The same instance in every way that can be seen, with the bytes of then; what it had is unplugged, and whole.
    expect(after).toEqual({ ...before, volumes: after.volumes, bytes: then, loose: [...before.loose, ...before.volumes].toSorted() })
    expect(after.volumes.filter((volume) => before.volumes.includes(volume))).toEqual([])
    const safety = await safetyOf(prepared, operation)
    expect(safety).toMatchObject({ status: 'usable', manifest: { parent: { point: prepared.point.id } } })
    expect(snapshotsOf(prepared, safety!)).toBe(3)
  },
  undone: untouched,
}

const fields: Scenario = {
  title: 'setting fields of the definition back',
  changes: ['CreateSnapshots', 'CreateTags', 'DeleteTags', 'ModifyInstanceAttribute'],
  sample: 1,
  arrange(world, when) {
    const { instances, tags } = world.sim.dataCentre
    const { nativeId } = world.resource()
    tags.create([nativeId], { Team: when, [when]: 'yes' })
    tags.delete([nativeId], { [when === 'then' ? 'now' : 'then']: 'yes' })
    instances.modifyAttribute(nativeId, { attribute: 'disableApiTermination', value: when === 'now' })
  },
  start: (prepared) => approve(prepared, { recoveryPointId: prepared.point.id, fields: ['tags', 'protection'] }),
  async done(prepared, operation) {
    const { before, world, point } = prepared
    const { tags } = point.manifest!.definition.dna as { tags: Record<string, string> }
    expect(world.look()).toEqual({ ...before, tags, terminate: false })
    expect(await safetyOf(prepared, operation)).toMatchObject({ status: 'usable' })
  },
  undone: untouched,
}

const testRollback: Scenario = {
  title: 'a test rollback',
  changes: ['CreateSecurityGroup', 'RevokeSecurityGroupEgress', 'RunInstances', 'TerminateInstances', 'DeleteVolume', 'DeleteSecurityGroup'],
  // Verified: whatever was seen then is deleted and recorded.
  committedFrom: 4,
  sample: 1,
  start: ({ world, point }) => startTestRollback(world.control, world.principal, { id: point.id, reason: 'a crash' }),
  async done({ world, before }, { params }) {
    const { drillId } = params as { drillId: string }
    const drill = await world.control.database.stores.restoreDrills.findById(drillId)
    expect(drill).toMatchObject({ status: 'passed', record: { outcome: 'passed' }, cleanedAt: expect.any(Date) as Date })
    expect(world.look()).toEqual(before)
  },
  async undone({ world, before }, { params }) {
    const { drillId } = params as { drillId: string }
    expect(await world.control.database.stores.restoreDrills.findById(drillId)).toMatchObject({ status: 'aborted' })
    expect(world.look()).toEqual(before)
  },
}

const disk: Scenario = {
  title: 'restoring a disk beside the others',
  changes: ['CreateVolume', 'AttachVolume'],
  sample: 1,
  start: ({ world, point }) => restoreDisk(world.control, world.principal, { id: point.id, device: '/dev/sdg', reason: 'a crash' }),
  async done({ world, before }, { params }) {
    const { restoredDiskId } = params as { restoredDiskId: string }
    const row = await world.control.database.stores.restoredDisks.findById(restoredDiskId)
    const { volumes, places, bytes, ...rest } = world.look()
    const { volumes: had, places: hadPlaces, bytes: held, ...restBefore } = before
    expect(rest).toEqual(restBefore)
    const index = volumes.indexOf(row?.disk ?? '')
    expect(row).toMatchObject({ status: 'attached', place: places[index]?.split(' ')[0] })
    expect(bytes[index]).toBe('then')
    const others = <T>(list: readonly T[]): readonly T[] => list.filter((_, at) => at !== index)
    expect({ volumes: others(volumes), places: others(places), bytes: others(bytes) }).toEqual({ volumes: had, places: hadPlaces, bytes: held })
  },
  async undone({ world, before }, { params }) {
    const { restoredDiskId } = params as { restoredDiskId: string }
    expect(await world.control.database.stores.restoredDisks.findById(restoredDiskId)).toMatchObject({ status: 'failed' })
    expect(world.look()).toEqual(before)
  },
  async cleanUp({ world }, { status, params }) {
    if (status !== 'succeeded') return
    const { restoredDiskId: id } = params as { restoredDiskId: string }
    await world.ended(await releaseRestoredDisk(world.control, world.principal, { id }))
  },
}

const scripts = (count: number): readonly string[] => Array<string>(count).fill('SendCommand')
const asThen = { '/etc/shop.conf': 'then', '/srv/app/a': 'then' }

const paths: Scenario = {
  title: 'copying paths back',
  // Asked whether anybody answers; mounted, looked at, put aside, copied, compared; unmounted, and what was put aside dropped.
  changes: [...scripts(1), 'CreateSnapshots', 'CreateVolume', 'AttachVolume', ...scripts(5), ...scripts(2), 'DetachVolume', 'DeleteVolume'],
  committedFrom: 10,
  sample: 2,
  arrange(world, when) {
    const files = new GuestFiles(world.sim.dataCentre, world.resource().nativeId)
    for (const path of Object.keys(asThen)) files.write(path, Buffer.from(when))
    if (when === 'then') files.remove('/srv/app/new')
    else files.write('/srv/app/new', Buffer.from(when))
  },
  start(prepared) {
    const { device } = prepared.point.manifest!.disks.members.find(({ role }) => role === 'root')!
    return approve(prepared, { recoveryPointId: prepared.point.id, paths: { device, mountedAt: '/', paths: ['/etc/shop.conf', '/srv/app'] } })
  },
  async done(prepared, operation) {
    expect(prepared.world.look()).toEqual({ ...prepared.before, files: asThen })
    expect(await safetyOf(prepared, operation)).toMatchObject({ status: 'usable' })
    const { restoredDiskId } = operation.params as { restoredDiskId: string }
    expect(await prepared.world.control.database.stores.restoredDisks.findById(restoredDiskId)).toMatchObject({ status: 'released' })
  },
  undone: untouched,
}

/** Those of one lane follow one another in one world. */
export const lanes: readonly (readonly Scenario[])[] = [[rollback], [capture, fields, testRollback, disk, paths]]
