import { VirtualClock } from '@understudy/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aTenant } from '../testing/tenant.ts'
import type { Tenant } from '../testing/tenant.ts'
import { startTestApp } from '../testing/test-app.ts'
import type { TestApp } from '../testing/test-app.ts'

const clock = new VirtualClock(Date.UTC(2026, 2, 1))
let api: TestApp
let ours: Tenant
beforeAll(async () => {
  api = await startTestApp({
    clock,
    settings: { rate: { burst: 3, perSecond: 1 }, strangerRate: { burst: 4, perSecond: 1 }, ingestRate: { burst: 2, perSecond: 1 } },
  })
  ours = await aTenant(api, 'ours')
})
afterAll(() => api.close())

const list = (key: string) => api.inject({ method: 'GET', url: '/v1/accounts', key })

test('a key that asks too often is told how long to wait, and others are not affected', async () => {
  const answers = []
  for (let i = 0; i < 4; i++) answers.push(await list(ours.keys.viewer))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
  expect(answers[0]?.headers['ratelimit']).toBe('"default";r=2;t=0')
  expect(answers[3]?.json).toMatchObject({ code: 'rate_limited', retryable: true })
  expect(answers[3]?.headers['retry-after']).toBe('1')
  expect((await list(ours.keys.operator)).status).toBe(200)
  clock.advance(1000)
  expect((await list(ours.keys.viewer)).status).toBe(200)
})

test('an address that keeps guessing keys is slowed down, and valid keys of the same address are not', async () => {
  const guess = () => list(`usk_${'1'.repeat(40)}`)
  const statuses = []
  for (let i = 0; i < 6; i++) statuses.push((await guess()).status)
  expect(statuses).toEqual([401, 401, 401, 401, 429, 429])
  expect((await list(ours.keys.admin)).status).toBe(200)
  clock.advance(5000)
  expect((await guess()).status).toBe(401)
})

test('pushes of an account have a limit of their own', async () => {
  const account = await ours.anAccount()
  const key = await ours.anIngestKey(account)
  const push = () => api.inject({ method: 'POST', url: `/v1/ingest/aws/${account.id}`, headers: { 'x-understudy-ingest-key': key }, payload: {} })
  expect([(await push()).status, (await push()).status, (await push()).status]).toEqual([202, 202, 429])
})

test('requests leave one log line without secrets', async () => {
  clock.advance(60_000)
  await list(ours.keys.admin)
  const line = JSON.parse(api.logLines.at(-1) ?? '{}')
  expect(line).toMatchObject({ event: 'request', method: 'GET', route: '/v1/accounts', status: 200, projectId: ours.projectId })
  for (const secret of [...Object.values(ours.keys), api.rootKey]) expect(api.logLines.join('')).not.toContain(secret)
})
