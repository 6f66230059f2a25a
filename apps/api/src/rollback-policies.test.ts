import { createApiKey } from '@understudy/control'
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
const send = (
  method: 'POST' | 'PATCH' | 'DELETE' | 'GET',
  url: string,
  options: { readonly seen?: string; readonly payload?: Record<string, unknown>; readonly key?: string } = {},
): Promise<TestAnswer> =>
  api.inject({
    ...{ method, url, key: options.key ?? ours.keys.admin },
    ...(method === 'POST' || method === 'PATCH' ? { payload: options.payload ?? {} } : {}),
    headers: { 'idempotency-key': `policies-${++keys}`, ...(options.seen === undefined ? {} : { 'if-match': options.seen }) },
  })

test('a policy is answered as it was written, changed rule by rule, deleted and brought back', async () => {
  const rules = {
    schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin', window: { from: '22:00', to: '06:00', days: [1, 2, 3, 4, 5] } },
    retention: { count: 7, generations: { weekly: 4, yearly: 2 } },
    maxPointAgeSeconds: 86_400,
  }
  const payload = { name: 'nightly', appliesTo: { types: ['t3.*'], labels: { stage: 'live' } }, priority: 5, ...rules }
  const made = await send('POST', '/v1/rollback-policies', { payload })
  expect(made.json).toMatchObject({ ...payload, description: '', etag: '"1"' })
  const url = `/v1/rollback-policies/${made.json.id}`
  const changed = await send('PATCH', url, { seen: '"1"', payload: { retention: { count: 3 }, schedule: null } })
  expect(changed.json).toMatchObject({ retention: { count: 3 }, maxPointAgeSeconds: 86_400, etag: '"2"' })
  expect(changed.json.retention.generations).toBeUndefined()
  expect(changed.json.schedule).toBeUndefined()
  expect((await send('PATCH', url, { seen: '"1"', payload: { priority: 1 } })).json).toMatchObject({ status: 412 })
  const deleted = await send('DELETE', url, { seen: '"2"' })
  expect(deleted.json.purgeTime).toBe(new Date(api.clock.nowMs() + 30 * 86_400_000).toISOString())
  const listed = async (query: string): Promise<string[]> =>
    ((await send('GET', `/v1/rollback-policies${query}`)).json.items as { id: string }[]).map(({ id }) => id)
  expect(await listed('')).not.toContain(made.json.id)
  expect(await listed('?showDeleted=true')).toContain(made.json.id)
  expect((await send('PATCH', url, { seen: '"3"', payload: { priority: 1 } })).json).toMatchObject({ status: 409 })
  expect((await send('POST', `${url}:undelete`, { seen: '"3"' })).json.deleteTime).toBeUndefined()
})

test.each([
  ['/schedule/cron', { schedule: { cron: 'sometimes', timeZone: 'UTC' } }],
  ['/schedule/timeZone', { schedule: { cron: '0 * * * *', timeZone: 'Nowhere/At_all' } }],
  ['/retention', { retention: {} }],
  ['/appliesTo/types/0', { appliesTo: { types: ['m7i (any)'] } }],
  ['/copies/1/region', { copies: [{ region: 'far-1' }, { region: 'far-1' }] }],
  ['/copies/0/region', { copies: [{ region: 'Far away' }] }],
  ['/rollBack/keys/0', { rollBack: { role: 'operator', keys: ['key_00000000000000000000'] } }],
])('what cannot be kept is refused: %s', async (pointer, payload) => {
  const answer = await send('POST', '/v1/rollback-policies', { payload: { name: 'wrong', ...payload } })
  expect(answer.json).toMatchObject({ status: 400, errors: [{ pointer }] })
})

test('a resource shows its policy, when it is captured next, and why', async () => {
  const resource = await ours.aResource({ labels: { stage: 'shown' } })
  const schedule = { cron: '0 3 * * *', timeZone: 'UTC' }
  const policy = await send('POST', '/v1/rollback-policies', { payload: { name: 'shown', appliesTo: { labels: { stage: 'shown' } }, schedule } })
  const other = await send('POST', '/v1/rollback-policies', { payload: { name: 'other', appliesTo: { group: 'payments' } } })
  const { json } = await send('GET', `/v1/resources/${resource.id}/rollback-policy`, { key: ours.keys.viewer })
  expect(json.policy.id).toBe(policy.json.id)
  expect(json.nextCaptureAt).toMatch(/T03:00:00\.000Z$/)
  expect(json.considered).toContainEqual({
    policyId: other.json.id,
    name: 'other',
    applies: false,
    why: expect.stringContaining('payments') as string,
  })
})

test('a policy says who may roll back, and an edited one makes a plan stale', async () => {
  const point = await ours.aPointOfAnInstance()
  const body = { recoveryPointId: point.id, reason: 'the upgrade has failed' }
  const plan = (key: string) => send('POST', '/v1/rollbacks?validateOnly=true', { payload: body, key })
  const before = await plan(ours.keys.operator)
  expect(before.json.plan.policyId).toBeUndefined()
  const rollBack = { role: 'operator', groups: ['payments'] }
  const policy = await send('POST', '/v1/rollback-policies', { payload: { name: 'restricted', priority: 100, rollBack } })
  expect((await plan(ours.keys.operator)).json).toMatchObject({ status: 403, code: 'forbidden' })
  expect((await plan(ours.keys.admin)).json).toMatchObject({ status: 403, code: 'forbidden' })
  const member = await createApiKey(api.control, ours.admin, { name: 'on call', role: 'operator', groups: ['payments'] })
  const planned = await plan(member.secret)
  expect(planned.json.plan.policyId).toBe(policy.json.id)
  const execute = (planHash: string) => send('POST', '/v1/rollbacks', { payload: { ...body, planHash }, key: member.secret })
  expect((await execute(before.json.planHash)).json).toMatchObject({ status: 409, code: 'plan_stale' })
  await send('PATCH', `/v1/rollback-policies/${policy.json.id}`, { seen: '"1"', payload: { maxPointAgeSeconds: 3600 } })
  expect((await execute(planned.json.planHash)).json).toMatchObject({ status: 409, code: 'plan_stale' })
  await send('DELETE', `/v1/rollback-policies/${policy.json.id}`, { seen: '"2"' })
})
