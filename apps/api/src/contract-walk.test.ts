import { routes } from '@understudy/contract'
import type { AccessRole, RouteContract } from '@understudy/contract'
import { roles } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes as served } from './routes/index.ts'
import { requestOf } from './testing/requests.ts'
import { samples } from './testing/samples.ts'
import type { Sample } from './testing/samples.ts'
import { aTenant } from './testing/tenant.ts'
import type { Tenant } from './testing/tenant.ts'
import { startTestApp } from './testing/test-app.ts'
import type { TestAnswer, TestApp } from './testing/test-app.ts'

let api: TestApp
let ours: Tenant
let theirs: Tenant
beforeAll(async () => {
  api = await startTestApp()
  ours = await aTenant(api, 'ours')
  theirs = await aTenant(api, 'theirs')
})
afterAll(() => api.close())

const titled = (list: readonly RouteContract[]) => list.map((contract) => [contract.schema.operationId, contract] as const)
const keyed = routes.filter(({ access }) => access.role !== 'none' && access.role !== 'ingest-key')

/** The key that is just enough for a route. */
const keyFor = (role: AccessRole, tenant: Tenant): string | undefined => {
  if (role === 'none' || role === 'ingest-key') return undefined
  return role === 'installation' ? api.rootKey : tenant.keys[role]
}

async function send(contract: RouteContract, sample: Sample, key: string | undefined): Promise<TestAnswer> {
  const request = requestOf(contract, sample)
  return api.inject({ ...request, headers: { ...request.headers, ...sample.headers }, ...(key === undefined ? {} : { key }) })
}

function expectProblem(answer: TestAnswer, status: number, code: string): void {
  expect(answer.json).toMatchObject({ status, code, type: `https://understudy.dev/errors#${code}` })
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
}

test('every route of the contract is served, and nothing else is', () => {
  expect(served.map(({ contract }) => contract.schema.operationId).toSorted()).toEqual(routes.map(({ schema }) => schema.operationId).toSorted())
})

test('every route says who may use it, and has a sample here', () => {
  for (const { schema, access } of routes) {
    expect(access.role, schema.operationId).toBeDefined()
    expect(Object.keys(samples), schema.operationId).toContain(schema.operationId)
  }
})

describe('with just the right key', () => {
  test.each(titled(routes))('%s succeeds', async (operationId, contract) => {
    const answer = await send(contract, await samples[operationId]!(ours, api), keyFor(contract.access.role, ours))
    const declared = Object.keys(contract.schema.response).map(Number)
    expect(declared, answer.text).toContain(answer.status)
    expect(answer.status).toBeLessThan(300)
    if (answer.status === 202 && answer.json.id !== undefined) {
      expect(answer.headers['location']).toBe(`/v1/operations/${answer.json.id}`)
      expect(answer.headers['retry-after']).toBe('1')
    }
    if (answer.status === 201) expect(answer.headers['location']).toMatch(/^\/v1\//)
  })
})

describe('without a valid key', () => {
  test.each(titled(keyed))('%s answers 401', async (operationId, contract) => {
    const sample = await samples[operationId]!(ours, api)
    const revoked = `usk_${'0'.repeat(40)}`
    for (const key of [undefined, revoked]) expectProblem(await send(contract, sample, key), 401, 'unauthenticated')
  })
})

describe('with a role below', () => {
  const refused = keyed.filter(({ access }) => access.role !== 'viewer')
  test.each(titled(refused))('%s answers 403', async (operationId, contract) => {
    const sample = await samples[operationId]!(ours, api)
    const below = contract.access.role === 'installation' ? roles : roles.slice(0, roles.indexOf(contract.access.role as never))
    expect(below.length).toBeGreaterThan(0)
    for (const role of below) expectProblem(await send(contract, sample, ours.keys[role]), 403, 'forbidden')
  })
})

describe("with another tenant's admin key", () => {
  const naming = keyed.filter(
    ({ schema, access }) =>
      access.role !== 'installation' &&
      (schema.params !== undefined ||
        ['importResource', 'createSignal', 'captureRecoveryPoint', 'startRollback', 'announceTransition'].includes(schema.operationId)),
  )
  test.each(titled(naming))('%s answers 404', async (operationId, contract) => {
    const sample = await samples[operationId]!(ours, api)
    const answer = await send(contract, sample, theirs.keys.admin)
    expectProblem(answer, 404, 'not_found')
    expect(answer.text).not.toContain(ours.projectId)
  })

  const lists = keyed.filter(
    ({ schema, access, method }) =>
      method === 'GET' && schema.params === undefined && access.role !== 'installation' && schema.operationId.startsWith('list'),
  )
  test.each(titled(lists))('%s shows nothing of ours', async (operationId, contract) => {
    await Promise.all([
      ours.aShadow(),
      ours.aDelivery(),
      ours.anOperation(),
      ours.aRecoveryPoint(),
      ours.aPolicy(),
      ours.aTransition(),
      samples['getSignal']!(ours, api),
    ])
    await samples['getTestRollback']!(ours, api)
    await samples['getRestoredDisk']!(ours, api)
    const own = await send(contract, await samples[operationId]!(ours, api), ours.keys.admin)
    expect(own.json.items.length, 'we see our own').toBeGreaterThan(0)
    const other = await send(contract, {}, theirs.keys.admin)
    const ownIds = new Set((own.json.items as Record<string, unknown>[]).map((item) => item['id'] ?? item['resourceId'] ?? item['hash']))
    for (const item of other.json.items as Record<string, unknown>[]) expect(ownIds).not.toContain(item['id'] ?? item['resourceId'] ?? item['hash'])
  })
})
