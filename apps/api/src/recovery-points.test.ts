import { afterAll, beforeAll, expect, test } from 'vitest'
import { aTenant } from './testing/tenant.ts'
import type { Tenant } from './testing/tenant.ts'
import { startTestApp } from './testing/test-app.ts'
import type { TestAnswer, TestApp } from './testing/test-app.ts'

let api: TestApp
let ours: Tenant
beforeAll(async () => {
  api = await startTestApp()
  ours = await aTenant(api, 'ours')
})
afterAll(() => api.close())

let keys = 0
const send = (method: 'POST' | 'DELETE' | 'GET', url: string, seen?: string, payload: Record<string, unknown> = {}): Promise<TestAnswer> =>
  api.inject({
    ...{ method, url, key: ours.keys.operator },
    ...(method === 'POST' ? { payload } : {}),
    headers: { 'idempotency-key': `points-${++keys}`, ...(seen === undefined ? {} : { 'if-match': seen }) },
  })
const inFuture = (ms: number): string => new Date(api.clock.nowMs() + ms).toISOString()
const expectProblem = (answer: TestAnswer, status: number, code: string, detail: RegExp): void => {
  expect(answer.json).toMatchObject({ status, code, detail: expect.stringMatching(detail) as string })
}

test('a lock keeps a point from being deleted, and can be made longer but not shorter', async () => {
  const { id } = await ours.aRecoveryPoint()
  const url = `/v1/recovery-points/${id}`
  const locked = await send('POST', `${url}:lock`, '"1"', { until: inFuture(3_600_000) })
  expect(locked.json).toMatchObject({ lockedUntil: inFuture(3_600_000), etag: '"2"' })
  expectProblem(await send('POST', `${url}:lock`, '"2"', { until: inFuture(1_800_000) }), 409, 'conflict', /cannot be made shorter/)
  expect((await send('POST', `${url}:lock`, '"2"', { until: inFuture(7_200_000) })).status).toBe(200)
  expectProblem(await send('DELETE', url, '"3"'), 409, 'conflict', /locked until/)
  expect((await send('GET', url)).json.deleteTime).toBeUndefined()
})

test('a lock in the past, or for longer than ten years, is refused', async () => {
  const { id } = await ours.aRecoveryPoint()
  for (const until of [inFuture(-1), inFuture(11 * 366 * 86_400_000)]) {
    const answer = await send('POST', `/v1/recovery-points/${id}:lock`, '"1"', { until })
    expect(answer.json).toMatchObject({ status: 400, errors: [{ pointer: '/until' }] })
  }
})

test('a deleted point can be brought back until its disks are on their way', async () => {
  const { id } = await ours.aRecoveryPoint()
  const url = `/v1/recovery-points/${id}`
  const deleted = await send('DELETE', url, '"1"')
  expect(deleted.json).toMatchObject({ status: 'usable', deleteTime: inFuture(0), purgeTime: inFuture(7 * 86_400_000) })
  expectProblem(await send('DELETE', url, '"2"'), 409, 'conflict', /deleted already/)
  expectProblem(await send('POST', `${url}:lock`, '"2"', { until: inFuture(60_000) }), 409, 'conflict', /deleted/)
  const back = await send('POST', `${url}:undelete`, '"2"')
  expect(back.json.deleteTime).toBeUndefined()
  expectProblem(await send('POST', `${url}:undelete`, '"3"'), 409, 'conflict', /not deleted/)
  const at = new Date(api.clock.nowMs())
  const purged = await ours.aRecoveryPoint({ status: 'purged', deleteTime: at, purgeTime: at })
  expectProblem(await send('POST', `/v1/recovery-points/${purged.id}:undelete`, '"1"'), 409, 'too_late', /have been deleted/)
})

test('one point of a resource is captured at a time, and none of a resource that has lost its primary', async () => {
  const resource = await ours.aResource()
  const body = { resourceId: resource.id, reason: 'before the upgrade' }
  const first = await send('POST', '/v1/recovery-points', undefined, body)
  expect(first.status).toBe(202)
  const second = await send('POST', '/v1/recovery-points', undefined, body)
  expectProblem(second, 409, 'busy', /Wait for it/)
  expect(second.json.operationId).toBe(first.json.id)
  const lost = await ours.aResource({ status: 'lost' })
  expectProblem(await send('POST', '/v1/recovery-points', undefined, { ...body, resourceId: lost.id }), 409, 'conflict', /nothing to keep/)
  const listed = await send('GET', `/v1/recovery-points?resourceId=${resource.id}`)
  expect(listed.json.items).toMatchObject([{ status: 'capturing', operationId: first.json.id, reason: 'before the upgrade' }])
})

test('only a usable point is verified', async () => {
  const failed = await ours.aRecoveryPoint({
    ...{ status: 'failed', manifest: undefined, manifestHash: undefined },
    sequence: undefined,
    capturedAt: undefined,
  })
  expectProblem(await send('POST', `/v1/recovery-points/${failed.id}:verify`), 409, 'conflict', /this one is failed/)
})

test('an account is not deleted while it has recovery points', async () => {
  const account = await ours.anAccount()
  const point = await ours.aRecoveryPoint({ accountId: account.id })
  const answer = await api.inject({ method: 'DELETE', url: `/v1/accounts/${account.id}`, key: ours.keys.admin, headers: { 'if-match': '"1"' } })
  expectProblem(answer, 409, 'conflict', /recovery points/)
  expect((await send('GET', `/v1/recovery-points/${point.id}`)).status).toBe(200)
})

test('a rollback is planned, approved by its hash, and refused when the world has moved', async () => {
  const { id, resourceId } = await ours.aPointOfAnInstance()
  const body = { recoveryPointId: id, reason: 'the upgrade has failed' }
  const planned = await send('POST', '/v1/rollbacks?validateOnly=true', undefined, body)
  expect(planned.json.plan).toMatchObject({ resourceId, recoveryPointId: id, devices: [{ role: 'root' }, { role: 'data' }], untouched: [] })
  expect((await send('POST', '/v1/rollbacks', undefined, body)).json).toMatchObject({ status: 400, errors: [{ pointer: '/planHash' }] })
  // Another choice of disks is another plan.
  const { planHash } = planned.json
  const one = [planned.json.plan.devices[1].device as string]
  expectProblem(await send('POST', '/v1/rollbacks', undefined, { ...body, planHash, devices: one }), 409, 'plan_stale', /not the plan/)
  expectProblem(
    await send('POST', '/v1/rollbacks?validateOnly=true', undefined, { ...body, devices: ['/dev/none'] }),
    409,
    'conflict',
    /has no \/dev\/none/,
  )
  const started = await send('POST', '/v1/rollbacks', undefined, { ...body, planHash })
  expect(started.json).toMatchObject({ kind: 'recovery.rollback', resourceId })
  // The point to return to, should this turn out wrong, has its row before anything happens.
  const points = await send('GET', `/v1/recovery-points?resourceId=${resourceId}&status=capturing`)
  expect(points.json.items).toMatchObject([{ operationId: started.json.id, reason: `Before going back to ${id}` }])
  const again = await send('POST', '/v1/rollbacks', undefined, { ...body, planHash })
  expectProblem(again, 409, 'busy', /works on this resource/)
})

test('a rollback takes back everything, single disks, or fields of the definition, and not two of them', async () => {
  const { id } = await ours.aPointOfAnInstance()
  const body = { recoveryPointId: id, reason: 'somebody has changed its tags' }
  const everything = await send('POST', '/v1/rollbacks?validateOnly=true', undefined, body)
  expect(everything.json.plan).toMatchObject({ selection: { what: 'everything' }, fields: [] })
  const one = [everything.json.plan.devices[1].device as string]
  const disks = await send('POST', '/v1/rollbacks?validateOnly=true', undefined, { ...body, devices: one })
  expect(disks.json.plan.selection).toEqual({ what: 'disks', devices: one })
  const fields = await send('POST', '/v1/rollbacks?validateOnly=true', undefined, { ...body, fields: ['tags'] })
  expect(fields.json.plan).toMatchObject({ selection: { what: 'fields', fields: ['tags'] }, devices: [], fields: [{ field: 'tags' }] })
  // What was approved of one choice is not the approval of another.
  const { planHash } = fields.json
  expectProblem(await send('POST', '/v1/rollbacks', undefined, { ...body, planHash }), 409, 'plan_stale', /not the plan/)
  const both = await send('POST', '/v1/rollbacks', undefined, { ...body, planHash, fields: ['tags'], devices: one })
  expect(both.json).toMatchObject({ status: 400, errors: [{ pointer: '/fields' }] })
  const paths = { device: everything.json.plan.devices[0].device as string, paths: ['/etc/shop.conf'] }
  const copied = await send('POST', '/v1/rollbacks?validateOnly=true', undefined, { ...body, paths })
  expect(copied.json.plan).toMatchObject({ selection: { what: 'paths', ...paths, mountedAt: '/' }, devices: [], downtimeSeconds: 0 })
  const upwards = await send('POST', '/v1/rollbacks?validateOnly=true', undefined, { ...body, paths: { ...paths, paths: ['/etc/../shadow'] } })
  expectProblem(upwards, 409, 'conflict', /not written in full/)
  const started = await send('POST', '/v1/rollbacks', undefined, { ...body, planHash, fields: ['tags'] })
  expect(started.json).toMatchObject({ kind: 'recovery.rollback-fields' })
  // It holds the lock that every rollback of the resource takes.
  expectProblem(
    await send('POST', '/v1/rollbacks', undefined, { ...body, planHash: everything.json.planHash }),
    409,
    'busy',
    /works on this resource/,
  )
})

test('a disk of a point is restored once at a time, and only one that the point has', async () => {
  const { id, manifest } = await ours.aPointOfAnInstance()
  const url = `/v1/recovery-points/${id}:restoreDisk`
  const { device } = manifest!.disks.members[1]!
  const body = { device, reason: 'a file is missing', ttlSeconds: 600 }
  expect((await send('POST', url, undefined, { ...body, device: '/dev/none' })).json).toMatchObject({ status: 400, errors: [{ pointer: '/device' }] })
  const planned = await send('POST', `${url}?validateOnly=true`, undefined, body)
  expect(planned.status).toBe(200)
  expect(planned.json.plan).toMatchObject({ recoveryPointId: id, device, downtimeSeconds: 0, billed: { maxHours: 600 / 3600 }, findings: [] })
  expect(planned.json.plan.billed.sizeGiB).toBe(manifest!.disks.members[1]!.sizeGiB)
  expect((await send('GET', `/v1/restored-disks?recoveryPointId=${id}`)).json.items).toEqual([])
  const started = await send('POST', url, undefined, body)
  expect(started.json).toMatchObject({ kind: 'recovery.restore-disk' })
  expectProblem(await send('POST', url, undefined, body), 409, 'busy', /Wait for it/)
  const listed = await send('GET', `/v1/restored-disks?recoveryPointId=${id}`)
  expect(listed.json.items).toMatchObject([{ status: 'restoring', device, operationId: started.json.id, expiresAt: inFuture(600_000) }])
  const release = await send('POST', `/v1/restored-disks/${listed.json.items[0].id}:release`)
  expectProblem(release, 409, 'conflict', /cancel/)
})

test('the room of a resource is in the list of its points and in the view of compliance, and what is unknown is said to be', async () => {
  const { id: resourceId } = await ours.aResource()
  const rowOf = async () => {
    const { json } = await send('GET', '/v1/recovery/compliance?pageSize=100')
    return (json.items as { resourceId: string; space: unknown }[]).find((row) => row.resourceId === resourceId)?.space
  }
  const listed = async (query: string) => (await send('GET', `/v1/recovery-points?${query}`)).json
  const nothing = { points: 0, usedBytes: 0, fullBytes: 0, savedBytes: 0 }
  expect((await listed(`resourceId=${resourceId}`)).space).toEqual(nothing)
  await ours.aRecoveryPoint({ resourceId, space: { usedBytes: 100, fullBytes: 100 } })
  await ours.aRecoveryPoint({ resourceId, sequence: 2, space: { usedBytes: 2, fullBytes: 100 } })
  const known = { points: 2, usedBytes: 102, fullBytes: 200, savedBytes: 98 }
  // Of the resource, not of the page. Points of one millisecond have no order of their own.
  expect((await listed(`resourceId=${resourceId}&pageSize=1`)).space).toEqual(known)
  const { items } = (await listed(`resourceId=${resourceId}`)) as { items: { space: unknown }[] }
  expect(items.map(({ space }) => space)).toContainEqual({ usedBytes: 2, fullBytes: 100, savedBytes: 98 })
  expect(await rowOf()).toEqual(known)
  await ours.aRecoveryPoint({ resourceId, sequence: 3 })
  const unknown = { points: 3, usedBytes: null, fullBytes: null, savedBytes: null, reason: expect.stringMatching(/of 1 of 3 points/) as string }
  expect((await listed(`resourceId=${resourceId}`)).space).toEqual(unknown)
  expect(await rowOf()).toEqual(unknown)
  expect((await listed('pageSize=1')).space).toBeUndefined()
})
