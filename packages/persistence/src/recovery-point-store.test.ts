import { manifestHash } from '@understudy/control'
import type { Manifest, RecoveryPoint } from '@understudy/control'
import { randomIds } from '@understudy/core'
import { expect, test } from 'vitest'
import { anOperation, aRecoveryPoint as aPoint, aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const points = () => connection.database.stores.recoveryPoints

function sealed(
  of: Pick<RecoveryPoint, 'projectId' | 'resourceId' | 'accountId'>,
  sequence: number,
  overrides: Partial<RecoveryPoint> = {},
): RecoveryPoint {
  const id = randomIds.next('recoveryPoint')
  const manifest: Manifest = {
    ...{ format: 1, point: id, resource: of.resourceId, instance: 'i-1', sequence, parent: null, database: null, order: [] },
    definition: { hash: 'd', dna: { size: { memoryMiB: 8192 } } },
    disks: { set: 's', takenAt: start.toISOString(), consistency: 'crash', members: [{ device: 'a', role: 'root', snapshot: 'snap-1', sizeGiB: 8 }] },
    memory: { kept: false, reason: 'no' },
  }
  return aPoint(of, { id, status: 'usable', sequence, manifest, manifestHash: manifestHash(manifest), capturedAt: start, ...overrides })
}

async function place() {
  const { project, account, resource } = await aWorld(connection.database)
  return { projectId: project.id, accountId: account.id, resourceId: resource.id }
}

test('a point comes back as it was stored, and its manifest still has its hash', async () => {
  const of = await place()
  const bare = aPoint(of)
  const full = sealed(of, 1, {
    database: { engine: 'postgresql', position: '0/1' },
    lockedUntil: later(1),
    deleteTime: later(2),
    purgeTime: later(3),
    verification: { at: later(4).toISOString(), findings: [{ kind: 'chain_broken', message: 'no', data: { a: 1 } }] },
    operationId: 'op_1',
    lastError: 'no',
  })
  for (const point of [bare, full]) {
    await points().insert(point)
    expect(await points().find(of.projectId, point.id)).toEqual(point)
    expect(await points().find('prj_other', point.id)).toBeUndefined()
  }
  expect(manifestHash((await points().findById(full.id))!.manifest!)).toBe(full.manifestHash)
})

test('lists go without manifests, newest first, page by page', async () => {
  const of = await place()
  const made = [0, 1, 2].map((index) => sealed(of, index + 1, { createdAt: later(index) }))
  for (const point of made) await points().insert(point)
  const first = await points().list(of.projectId, { after: undefined, limit: 2, resourceId: of.resourceId })
  expect(first.map(({ id }) => id)).toEqual([made[2]!.id, made[1]!.id])
  expect(first.every(({ manifest }) => manifest === undefined)).toBe(true)
  const second = await points().list(of.projectId, { after: first[1]!.id, limit: 2, status: 'usable' })
  expect(second.map(({ id }) => id)).toEqual([made[0]!.id])
  expect(await points().list('prj_other', { after: undefined, limit: 2 })).toEqual([])
})

test('a chain has one point of each number, and is read from the newest down', async () => {
  const of = await place()
  const made = [1, 2, 3].map((sequence) => sealed(of, sequence))
  for (const point of made) await points().insert(point)
  const open = aPoint(of)
  await points().insert(open)
  expect((await points().chain(of.resourceId, { limit: 1 })).map(({ sequence }) => sequence)).toEqual([3])
  expect((await points().chain(of.resourceId, { to: 2, limit: 10 })).map(({ sequence }) => sequence)).toEqual([2, 1])
  const { manifest, manifestHash: hash, capturedAt } = made[2]!
  await expect(points().update({ ...open, status: 'usable', sequence: 3, manifest, manifestHash: hash, capturedAt }, 1)).rejects.toMatchObject({
    kind: 'conflict',
  })
})

test('a change that saw an older version is refused, and one of a listed point keeps the manifest', async () => {
  const of = await place()
  const point = sealed(of, 1)
  await points().insert(point)
  const [listed] = await points().list(of.projectId, { after: undefined, limit: 1 })
  await points().update({ ...listed!, lockedUntil: later(5) }, 1)
  expect(await points().findById(point.id)).toEqual({ ...point, lockedUntil: later(5), version: 2 })
  await expect(points().update(point, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
  await expect(points().update({ ...point, projectId: 'prj_other' }, 2)).rejects.toMatchObject({ kind: 'not_found' })
})

test('what is due is deleted, over its time, and not locked', async () => {
  const of = await place()
  const deleted = { deleteTime: start, purgeTime: later(10) }
  const due = [sealed(of, 1, deleted), sealed(of, 2, { ...deleted, lockedUntil: later(10) })]
  const others = [
    sealed(of, 3),
    sealed(of, 4, { ...deleted, purgeTime: later(1000) }),
    sealed(of, 5, { ...deleted, lockedUntil: later(1000) }),
    sealed(of, 6, { ...deleted, status: 'purged' }),
  ]
  for (const point of [...due, ...others]) await points().insert(point)
  const found = await points().listDue(later(10), 100)
  expect(
    found
      .filter(({ resourceId }) => resourceId === of.resourceId)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(due.map(({ id }) => id).toSorted())
  expect(await points().holdsAnything(of.accountId)).toBe(true)
  expect(await points().holdsAnything('acc_other')).toBe(false)
})

test('a point whose operation has ended before it was sealed is abandoned, and one whose operation may go on is not', async () => {
  const of = await place()
  const made = (['pending', 'stuck', 'cancelled', 'failed'] as const).map((status) => anOperation({ status }))
  await connection.database.stores.operations.insertUnlocked(made)
  const capturing = made.map(({ id }) => aPoint(of, { operationId: id }))
  for (const point of [...capturing, aPoint(of), sealed(of, 1, { operationId: made[2]!.id })]) await points().insert(point)
  const found = (await points().listAbandoned(1000)).filter(({ resourceId }) => resourceId === of.resourceId)
  expect(found.map(({ id }) => id).toSorted()).toEqual([capturing[2]!.id, capturing[3]!.id].toSorted())
})

test('room is summed over what is sealed and not purged, and counted of how many it is known', async () => {
  const of = await place()
  const sums = () => points().sumSpace(of.projectId, of.resourceId)
  const none = { known: 0, bytes: 0 }
  expect(await sums()).toEqual({ points: 0, used: none, full: none, saved: none })
  const gib = 1024 ** 3
  const known = sealed(of, 1, { space: { usedBytes: 40 * gib, fullBytes: 40 * gib } })
  // It is told what one takes, but not how much of its disks is in use; and one takes more than a full copy would.
  const told = sealed(of, 2, { space: { usedBytes: gib, fullBytes: undefined } })
  const larger = sealed(of, 3, { space: { usedBytes: 3 * gib, fullBytes: 2 * gib }, status: 'purging' })
  const unknown = sealed(of, 4, { deleteTime: start, purgeTime: later(1) })
  const gone = sealed(of, 5, { space: { usedBytes: gib, fullBytes: gib }, status: 'purged' })
  for (const point of [known, told, larger, unknown, gone, aPoint(of)]) await points().insert(point)
  expect(await sums()).toEqual({
    points: 4,
    used: { known: 3, bytes: 44 * gib },
    full: { known: 2, bytes: 42 * gib },
    saved: { known: 2, bytes: 0 },
  })
  expect((await points().findById(told.id))?.space).toEqual({ usedBytes: gib, fullBytes: undefined })
  expect((await points().findById(unknown.id))?.space).toBeUndefined()
  expect(await points().sumSpace('prj_other', of.resourceId)).toMatchObject({ points: 0 })
})

test('room is asked for again when it is unknown or old, changes no version, and is unknown when the point before goes', async () => {
  const of = await place()
  const made = [1, 2, 3].map((sequence) => sealed(of, sequence))
  for (const point of made) await points().insert(point)
  const read = sealed(of, 4, {
    digests: { state: 'complete', at: start.toISOString(), document: { format: 1, point: 'p', manifest: 'm', disks: [] } },
  })
  await points().insert(read)
  const minute = 60_000
  const due = async (at: number): Promise<string[]> => {
    const before = { known: later(at - 60 * minute), unknown: later(at - minute), limit: 10 }
    return (await points().listSpaceDue(of.accountId, before)).map(({ id }) => id)
  }
  const [first, second, third] = made.map(({ id }) => id) as [string, string, string]
  expect((await due(0)).toSorted()).toEqual([first, second, third].toSorted())
  // Beside the one before it that takes room.
  const sets = new Map((await points().listSpaceDue(of.accountId, { known: later(0), unknown: later(0), limit: 10 })).map((row) => [row.id, row]))
  expect([first, second, third].map((id) => sets.get(id)?.sinceSetId)).toEqual([undefined, sets.get(first)?.setId, sets.get(second)?.setId])
  await points().setSpace(first, { usedBytes: 5, fullBytes: undefined }, start)
  await points().setSpace(second, { usedBytes: undefined, fullBytes: undefined }, start)
  await points().setSpace(third, { basis: 'changed-blocks', usedBytes: 7, fullBytes: 9 }, start)
  expect(await due(0)).toEqual([])
  expect(await due(2 * minute)).toEqual([second])
  expect(new Set(await due(61 * minute))).toEqual(new Set([first, second, third]))
  // Whoever read the point before goes on with the version that was seen, and takes nothing back.
  await points().update({ ...made[2]!, reason: 'another' }, 1)
  expect(await points().findById(third)).toMatchObject({ version: 2, space: { basis: 'changed-blocks', usedBytes: 7, fullBytes: 9 } })
  await points().forgetSpaceAfter(of.resourceId, 2)
  expect((await points().findById(third))?.space).toEqual({ usedBytes: undefined, fullBytes: 9 })
  expect(await due(0)).toEqual([third])
  expect(await points().listSpaceDue('acc_other', { known: later(1e9), unknown: later(1e9), limit: 10 })).toEqual([])
})
