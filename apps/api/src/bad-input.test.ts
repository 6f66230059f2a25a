import { routes } from '@understudy/contract'
import type { RouteContract } from '@understudy/contract'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requestOf } from './testing/requests.ts'
import { samples } from './testing/samples.ts'
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

const titled = (list: readonly RouteContract[]) => list.map((contract) => [contract.schema.operationId, contract] as const)
const keyed = routes.filter(({ access }) => access.role !== 'none' && access.role !== 'ingest-key')
const withBody = keyed.filter(({ schema }) => schema.body !== undefined)

/** A request that would succeed, with another body. */
async function sendBody(contract: RouteContract, payload: string, headers: Record<string, string> = {}): Promise<TestAnswer> {
  const request = requestOf(contract, await samples[contract.schema.operationId]!(ours, api))
  const key = contract.access.role === 'installation' ? api.rootKey : ours.keys.admin
  return api.inject({ ...request, payload, key, headers: { 'content-type': 'application/json', ...request.headers, ...headers } })
}

function expectProblem(answer: TestAnswer, status: number, code: string, pointer?: string): void {
  expect(answer.json, answer.text).toMatchObject({ status, code, retryable: expect.any(Boolean), requestId: answer.headers['x-request-id'] })
  expect(answer.status).toBe(status)
  expect(answer.json.detail.length).toBeGreaterThan(10)
  if (pointer !== undefined) expect(answer.json.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  expect(answer.text).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/)
}

describe.each(titled(withBody))('%s refuses', (_operationId, contract) => {
  test('what is not JSON', async () => {
    for (const text of ['{', '{"a":}', 'hello', "{'a':1}", '{"a":1,}', '\u0000']) expectProblem(await sendBody(contract, text), 400, 'malformed_json')
  })
  test('a field it does not know', async () => {
    const sample = await samples[contract.schema.operationId]!(ours, api)
    expectProblem(await sendBody(contract, JSON.stringify({ ...sample.body, surprise: 1 })), 400, 'invalid_request', '/surprise')
  })
  test('a value that is not an object', async () => {
    for (const text of ['[]', '"text"', '1', 'true']) expectProblem(await sendBody(contract, text), 400, 'invalid_request', '')
  })
  test('every field with a wrong type', async () => {
    const sample = await samples[contract.schema.operationId]!(ours, api)
    for (const field of Object.keys(sample.body ?? {})) {
      const wrong = { ...sample.body, [field]: [[42]] }
      const answer = await sendBody(contract, JSON.stringify(wrong))
      expect(answer.json, `${field}: ${answer.text}`).toMatchObject({ status: 400, code: 'invalid_request' })
      expect(answer.json.errors[0].pointer.startsWith(`/${field}`), answer.text).toBe(true)
    }
  })
  test('a body above its limit', async () => {
    expectProblem(await sendBody(contract, `{"a":"${'x'.repeat(1024 * 1024)}"}`), 413, 'payload_too_large')
  })
  test('another content type', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense']) {
      expectProblem(await sendBody(contract, '{}', { 'content-type': type }), 415, 'unsupported_media_type')
    }
  })
  test('what a database cannot hold', async () => {
    const deep = '['.repeat(5000) + ']'.repeat(5000)
    for (const value of ['"a\\u0000b"', '"\\ud800"', '1e400', deep, '{"__proto__":1}', '{"\\u0000":1}']) {
      expectProblem(await sendBody(contract, `{"name":${value}}`), 400, 'invalid_request')
    }
  })
})

describe('routes that name something', () => {
  const naming = keyed.filter(({ url }) => url.includes('{id}'))
  test.each(titled(naming))('%s refuses an id of another kind', async (operationId, contract) => {
    const sample = await samples[operationId]!(ours, api)
    for (const id of ['nonsense', 'i-0b662ef9931388ba0', `zzz_${'0'.repeat(20)}`, '%00', 'x'.repeat(190)]) {
      const request = requestOf(contract, { ...sample, path: { id } })
      const key = contract.access.role === 'installation' ? api.rootKey : ours.keys.admin
      expectProblem(await api.inject({ ...request, key }), 400, 'invalid_request', '/path/id')
    }
  })
})

describe('every route with a key', () => {
  test.each(titled(keyed))('%s refuses a query parameter it does not know', async (operationId, contract) => {
    const request = requestOf(contract, { ...(await samples[operationId]!(ours, api)), query: 'surprise=1' })
    const key = contract.access.role === 'installation' ? api.rootKey : ours.keys.admin
    expectProblem(await api.inject({ ...request, key }), 400, 'invalid_request', '/query/surprise')
  })
})

describe('demanded headers', () => {
  const idempotent = keyed.filter(({ access }) => access.idempotent)
  test.each(titled(idempotent))('%s needs an Idempotency-Key', async (operationId, contract) => {
    const request = requestOf(contract, await samples[operationId]!(ours, api))
    const { 'idempotency-key': _left, ...headers } = request.headers
    const key = contract.access.role === 'installation' ? api.rootKey : ours.keys.admin
    expectProblem(await api.inject({ ...request, headers, key }), 400, 'idempotency_key_required')
    expectProblem(
      await api.inject({ ...request, headers: { ...headers, 'idempotency-key': 'a b' }, key }),
      400,
      'invalid_request',
      '/headers/idempotency-key',
    )
  })

  const versioned = keyed.filter(({ access }) => access.ifMatch)
  test.each(titled(versioned))('%s needs the present ETag in If-Match', async (operationId, contract) => {
    const request = requestOf(contract, await samples[operationId]!(ours, api))
    const { 'if-match': _left, ...headers } = request.headers
    const send = (ifMatch: Record<string, string>, n: number) =>
      api.inject({ ...request, key: ours.keys.admin, headers: { ...headers, ...ifMatch, 'idempotency-key': `${operationId}-${n}` } })
    expectProblem(await send({}, 1), 428, 'precondition_required')
    expectProblem(await send({ 'if-match': '"77"' }, 2), 412, 'precondition_failed')
    expectProblem(await send({ 'if-match': 'W/"1"' }, 3), 412, 'precondition_failed')
    expectProblem(await send({ 'if-match': '1' }, 4), 400, 'invalid_request', '/headers/if-match')
  })
})

describe('requests that lead nowhere', () => {
  test('an unknown path is a 404 of its own kind', async () => {
    for (const url of ['/', '/v1', '/v2/accounts', '/v1/accounts/', '/v1/resources/x:explode', '/v1/accounts/..%2f..', '/V1/accounts']) {
      expectProblem(await api.inject({ method: 'GET', url, key: ours.keys.admin }), 404, 'route_not_found')
    }
  })
  test('a known path with another method is a 405 that names the right ones', async () => {
    const answer = await api.inject({ method: 'PUT', url: '/v1/accounts', key: ours.keys.admin })
    expectProblem(answer, 405, 'method_not_allowed')
    expect(answer.headers['allow']).toBe('GET, POST')
    expectProblem(await api.inject({ method: 'GET', url: '/v1/resources:import' }), 405, 'method_not_allowed')
  })
  test('a path with broken percent-encoding is a 400', async () => {
    expectProblem(await api.inject({ method: 'GET', url: '/v1/accounts/%E0%A4%A', key: ours.keys.admin }), 400, 'invalid_request')
  })
})

test('no JSON at all makes any route fail on our side', async () => {
  const bodies = new Map<RouteContract, Awaited<ReturnType<NonNullable<(typeof samples)[string]>>>>()
  for (const contract of withBody) bodies.set(contract, await samples[contract.schema.operationId]!(ours, api))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...withBody), fc.jsonValue({ maxDepth: 4 }), fc.boolean(), async (contract, value, merge) => {
      const sample = bodies.get(contract)!
      const body = merge && typeof value === 'object' && value !== null ? Object.assign({}, sample.body, value) : value
      const request = requestOf(contract, sample)
      const key = contract.access.role === 'installation' ? api.rootKey : ours.keys.admin
      const answer = await api.inject({
        ...request,
        payload: JSON.stringify(body),
        key,
        headers: { ...request.headers, 'content-type': 'application/json' },
      })
      expect(answer.status, `${contract.schema.operationId} ${JSON.stringify(body)} ${answer.text}`).toBeLessThan(500)
    }),
    { numRuns: 300, seed: 20260301 },
  )
})
