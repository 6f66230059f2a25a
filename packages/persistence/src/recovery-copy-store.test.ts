import { manifestHash } from '@understudy/control'
import type { Manifest, RecoveryPoint } from '@understudy/control'
import { randomIds } from '@understudy/core'
import { expect, test } from 'vitest'
import { anOperation, aRecoveryCopy, aRecoveryPoint, aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const stores = () => connection.database.stores

async function place() {
  const { project, account, resource } = await aWorld(connection.database)
  const of = { projectId: project.id, accountId: account.id, resourceId: resource.id }
  let sequence = 0
  const aPoint = async (capturedAt: Date, overrides: Partial<RecoveryPoint> = {}): Promise<RecoveryPoint> => {
    const id = randomIds.next('recoveryPoint')
    const manifest = { format: 1, point: id } as unknown as Manifest // its content is of no concern here
    const sealed = { status: 'usable', sequence: ++sequence, manifest, manifestHash: manifestHash(manifest), capturedAt } as const
    const point = aRecoveryPoint(of, { id, ...sealed, ...overrides })
    await stores().recoveryPoints.insert(point)
    return point
  }
  return { of, aPoint }
}

test('a copy comes back as it was stored, of its own project, and a change that saw an older version is refused', async () => {
  const { of, aPoint } = await place()
  const point = await aPoint(start)
  const copy = aRecoveryCopy(of, { pointId: point.id })
  await stores().recoveryCopies.insert([copy])
  expect(await stores().recoveryCopies.findById(copy.id)).toEqual(copy)
  const members = [{ device: '/dev/sda', source: 'snap-1', copy: 'snap-2', sizeGiB: 8 }]
  const complete = { ...copy, status: 'complete', members, completedAt: later(5) } as const
  await stores().recoveryCopies.update(complete, 1)
  expect(await stores().recoveryCopies.listOf(of.projectId, [point.id])).toEqual([{ ...complete, version: 2 }])
  expect(await stores().recoveryCopies.listOf('prj_other', [point.id])).toEqual([])
  await expect(stores().recoveryCopies.update(complete, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
  await expect(stores().recoveryCopies.update({ ...complete, projectId: 'prj_other' }, 2)).rejects.toMatchObject({ kind: 'not_found' })
  expect(await stores().recoveryCopies.listAlive(point.id)).toHaveLength(1)
  await stores().recoveryCopies.update({ ...complete, status: 'deleted', deletedAt: later(9) }, 2)
  expect(await stores().recoveryCopies.listAlive(point.id)).toEqual([])
  // A point has one copy in a region.
  await expect(stores().recoveryCopies.insert([aRecoveryCopy(of, { pointId: point.id })])).rejects.toThrow()
})

test('due is what is missing, what failed and may be tried again, and what nobody works on; the newest first', async () => {
  const { of, aPoint } = await place()
  const old = await aPoint(later(-5000))
  const fresh = await aPoint(later(-1000))
  const others = [await aPoint(start, { deleteTime: start, purgeTime: later(1) }), await aPoint(start, { status: 'purged' })]
  const [running, ended] = [anOperation({ projectId: of.projectId }), anOperation({ projectId: of.projectId, status: 'cancelled' })]
  await stores().operations.insertUnlocked([running, ended])
  const due = async (...regions: string[]) =>
    (
      await stores().recoveryCopies.listDue(
        regions.map((region) => ({ resourceId: of.resourceId, region, inOrder: false })),
        start,
        100,
      )
    ).map(({ pointId, region, copyId }) => [pointId, region, copyId])
  expect(await due('far-1', 'far-2')).toEqual([
    [fresh.id, 'far-1', undefined],
    [fresh.id, 'far-2', undefined],
    [old.id, 'far-1', undefined],
    [old.id, 'far-2', undefined],
  ])
  const copies = [
    aRecoveryCopy(of, { pointId: fresh.id, region: 'far-1', operationId: running.id }),
    aRecoveryCopy(of, { pointId: fresh.id, region: 'far-2', status: 'failed', nextAttemptAt: later(1) }),
    aRecoveryCopy(of, { pointId: old.id, region: 'far-1', status: 'failed', nextAttemptAt: start }),
    aRecoveryCopy(of, { pointId: old.id, region: 'far-2', operationId: ended.id }),
  ]
  await stores().recoveryCopies.insert(copies)
  expect(await due('far-1', 'far-2')).toEqual([
    [old.id, 'far-1', copies[2]!.id],
    [old.id, 'far-2', copies[3]!.id],
  ])
  expect(await due()).toEqual([])
  expect(others).toHaveLength(2)
})

test('in order: the oldest that is later than every copied one, one at a time', async () => {
  const { of, aPoint } = await place()
  const [first, second, third] = [await aPoint(later(-3000)), await aPoint(later(-2000)), await aPoint(later(-1000))]
  const due = async () =>
    (await stores().recoveryCopies.listDue([{ resourceId: of.resourceId, region: 'far-1', inOrder: true }], start, 100)).map(({ pointId }) => pointId)
  expect(await due()).toEqual([first.id])
  const running = anOperation({ projectId: of.projectId })
  await stores().operations.insertUnlocked([running])
  const copy = aRecoveryCopy(of, { pointId: second.id, region: 'far-1', operationId: running.id })
  await stores().recoveryCopies.insert([copy])
  expect(await due()).toEqual([])
  await stores().recoveryCopies.update({ ...copy, status: 'complete', completedAt: start }, 1)
  expect(await due()).toEqual([third.id]) // the first would be refused from now on
  // One that waits for its next attempt holds back later ones, which would be the end of it, but not for ever; a copy in another region holds back none.
  const waiting = aRecoveryCopy(of, { pointId: third.id, region: 'far-1', status: 'failed', attempts: 2, nextAttemptAt: later(1) })
  await stores().recoveryCopies.insert([waiting, aRecoveryCopy(of, { pointId: third.id, region: 'far-2', operationId: running.id })])
  expect(await due()).toEqual([])
  const fourth = await aPoint(start)
  expect(await due()).toEqual([])
  await stores().recoveryCopies.update({ ...waiting, nextAttemptAt: start }, 1)
  expect(await due()).toEqual([third.id])
  await stores().recoveryCopies.update({ ...waiting, attempts: 3 }, 2)
  expect(await due()).toEqual([fourth.id])
})
