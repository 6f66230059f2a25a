import { capabilityNames } from '@understudy/control'
import type { Account } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aTenant, dnaOf } from '../../testing/tenant.ts'
import type { Tenant } from '../../testing/tenant.ts'
import { startTestApp } from '../../testing/test-app.ts'
import type { JsonBody, TestApp } from '../../testing/test-app.ts'

let api: TestApp
let ours: Tenant
const clouds: Record<string, Account> = {}
beforeAll(async () => {
  api = await startTestApp()
  ours = await aTenant(api, 'ours')
  clouds['aws'] = await ours.anAccount()
  clouds['gcp'] = await ours.anAccount({ provider: 'gcp', nativeAccount: 'my-project', settings: {}, credentials: { accessToken: 'a-token' } })
  clouds['azure'] = await ours.anAccount({
    provider: 'azure',
    nativeAccount: '11111111-2222-3333-4444-555555555555',
    settings: { resourceGroup: 'stand-ins' },
    credentials: { source: 'managed-identity' },
  })
})
afterAll(() => api.close())

const get = async (url: string): Promise<JsonBody> => {
  const answer = await api.inject({ method: 'GET', url, key: ours.keys.viewer })
  expect(answer.status, answer.text).toBe(200)
  return answer.json
}
const named = (json: JsonBody, name: string): JsonBody => json.capabilities.find((capability: JsonBody) => capability.name === name)

/** An answer for every capability, and a reason for every "no". */
function expectComplete(json: JsonBody): void {
  expect(json.capabilities.map(({ name }: { name: string }) => name).toSorted()).toEqual([...capabilityNames].toSorted())
  for (const { name, supported, reason } of json.capabilities) {
    if (supported) expect(reason, name).toBeUndefined()
    else expect(reason, name).toMatch(/\w+ \w+.*\.$/)
  }
}

describe('of an account', () => {
  test.each(['aws', 'gcp', 'azure'])('%s: every capability is answered, each "no" with its reason', async (provider) => {
    const account = clouds[provider]!
    const json = await get(`/v1/accounts/${account.id}/capabilities`)
    expect(json).toMatchObject({ accountId: account.id, provider, region: account.region, expectedSeconds: { launch: expect.any(Number) } })
    expectComplete(json)
  })

  test('clouds differ, and say how', async () => {
    const of = async (provider: string, name: string) => named(await get(`/v1/accounts/${clouds[provider]!.id}/capabilities`), name)
    expect(await of('aws', 'interruption-notice')).toMatchObject({ supported: true, details: { seconds: 120 } })
    expect(await of('azure', 'interruption-notice')).toMatchObject({ supported: true, details: { seconds: 30 } })
    expect(await of('aws', 'hold-memory')).toMatchObject({ details: { enableAt: 'launch', withSpot: true } })
    expect(await of('azure', 'hold-memory')).toMatchObject({ details: { enableAt: 'any-stopped', withSpot: false } })
    expect(await of('aws', 'events-queue')).toMatchObject({ supported: false, reason: expect.stringContaining('No queue') })
    expect(await of('gcp', 'postpone-maintenance')).toMatchObject({ supported: false })
  })
})

describe('of a resource', () => {
  test('are those of its cloud, less what the instance stands in the way of', async () => {
    const dna = dnaOf('i-00000000000099999')
    const huge = { ...dna, size: { ...dna.size, type: 'u-6tb1.metal', memoryMiB: 6_291_456 }, unknowable: ['customData'] }
    const resource = await ours.aResource({ accountId: clouds['aws']!.id, dna: huge })
    const json = await get(`/v1/resources/${resource.id}/capabilities`)
    expect(json).toMatchObject({ resourceId: resource.id, accountId: clouds['aws']!.id })
    expectComplete(json)
    expect(named(json, 'hold-memory')).toMatchObject({ supported: false, reason: expect.stringContaining('u-6tb1.metal') })
    expect(named(json, 'traffic')).toMatchObject({ supported: false, reason: expect.stringContaining('no traffic binding') })
    expect(named(json, 'resize')).toMatchObject({ supported: false, reason: expect.stringContaining('interruptible') })
    expect(named(json, 'clone')).toMatchObject({ supported: true, details: { unknowable: ['customData'] } })
  })

  test('an on-demand instance is announced by nothing', async () => {
    const dna = { ...dnaOf('i-00000000000099998'), purchase: 'on-demand' as const }
    const resource = await ours.aResource({ accountId: clouds['aws']!.id, dna, traffic: { mechanism: 'lb-weight', native: {} } })
    const json = await get(`/v1/resources/${resource.id}/capabilities`)
    expect(named(json, 'interruption-notice')).toMatchObject({ supported: false, reason: expect.stringContaining('on-demand') })
    expect(named(json, 'resize')).toMatchObject({ supported: true })
    expect(named(json, 'traffic')).toMatchObject({ supported: true, details: { mechanism: 'lb-weight', standby: true } })
  })

  test.each(['aws', 'gcp', 'azure'])('%s: `:protect` takes exactly the tiers that are said to be supported', async (provider) => {
    const resource = await ours.aResource({ accountId: clouds[provider]!.id })
    const { tiers } = await get(`/v1/resources/${resource.id}/capabilities`)
    expect(tiers).toHaveLength(10)
    for (const [index, { readiness, purchase, holdMemory, supported, reason }] of tiers.entries()) {
      if (!supported) expect(reason).toMatch(/nearest|ask for/i)
      const fresh = await ours.aResource({ accountId: clouds[provider]!.id })
      const tier = { readiness, purchase, holdMemory, ...(readiness === 'warm' ? { instanceType: 't3.small' } : {}) }
      const headers = { 'idempotency-key': `${provider}-${index}`, 'if-match': '"1"' }
      const answer = await api.inject({
        method: 'POST',
        url: `/v1/resources/${fresh.id}:protect`,
        key: ours.keys.operator,
        headers,
        payload: { tier },
      })
      expect(answer.status === 200, `${readiness} ${purchase} ${holdMemory}: ${answer.text}`).toBe(supported)
    }
  })
})

test('a hibernated Spot shadow is refused on Azure by what its cloud cannot do, and the nearest tier is named', async () => {
  const resource = await ours.aResource({ accountId: clouds['azure']!.id })
  const protect = (tier: object, key: string) =>
    api.inject({
      method: 'POST',
      url: `/v1/resources/${resource.id}:protect`,
      key: ours.keys.operator,
      headers: { 'idempotency-key': key, 'if-match': '"1"' },
      payload: { tier },
    })
  const refused = await protect({ readiness: 'parked', purchase: 'spot', holdMemory: true }, 'refused')
  expect(refused.json).toMatchObject({
    status: 422,
    code: 'unsupported',
    detail: expect.stringContaining('parked with its memory, on-demand'),
    nearest: { tier: { readiness: 'parked', purchase: 'on-demand', holdMemory: true } },
  })
  expect(refused.json.errors).toContainEqual({ pointer: '/tier/purchase', message: expect.stringContaining('does not hibernate interruptible') })
  // What is named can be sent as it is.
  expect((await protect(refused.json.nearest.tier, 'nearest')).status).toBe(200)
})

describe('a dry run of a failover', () => {
  const plan = async (provider: string, readiness: 'hot' | 'parked') => {
    const resource = await ours.aResource({
      accountId: clouds[provider]!.id,
      traffic: { mechanism: 'lb-weight', native: {} },
      tier: (await ours.aProtectedResource()).tier,
    })
    await ours.aShadow({ accountId: resource.accountId, resourceId: resource.id, readiness })
    const url = `/v1/resources/${resource.id}:failover?validateOnly=true`
    const answer = await api.inject({ method: 'POST', url, key: ours.keys.operator, payload: { reason: 'a rehearsal' } })
    expect(answer.status, answer.text).toBe(200)
    return answer.json.plan
  }

  test("shows the seconds of every step against the cloud's own notice, and whether it fits", async () => {
    const hot = await plan('aws', 'hot')
    expect(hot).toMatchObject({ kind: 'running-shadow', notice: { seconds: 120, bestEffort: true, fits: true }, fits: true })
    for (const step of hot.steps)
      expect(step).toMatchObject({ expectedSeconds: expect.any(Number), elapsedSeconds: expect.any(Number), withinNotice: true })
    // 40 s to start and 5 s to move the traffic: within two minutes, but not within 30 s.
    expect(await plan('aws', 'parked')).toMatchObject({ expectedSeconds: 45, notice: { seconds: 120, fits: true } })
    const short = await plan('azure', 'parked')
    expect(short).toMatchObject({ kind: 'parked-shadow', notice: { seconds: 30, fits: false } })
    expect(short.steps.find(({ name }: { name: string }) => name === 'gate')).toMatchObject({ withinNotice: true })
    expect(short.steps.find(({ name }: { name: string }) => name === 'running')).toMatchObject({ withinNotice: false })
    expect(short.warnings.join(' ')).toContain('this cloud gives 30 s')
  })
})
