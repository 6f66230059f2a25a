import { afterAll, beforeAll, expect, test } from 'vitest'
import { aTenant } from '../testing/tenant.ts'
import type { Tenant } from '../testing/tenant.ts'
import { startTestApp } from '../testing/test-app.ts'
import type { TestAnswer, TestApp } from '../testing/test-app.ts'

let api: TestApp
let ours: Tenant
let theirs: Tenant
beforeAll(async () => {
  api = await startTestApp()
  ours = await aTenant(api, 'ours')
  theirs = await aTenant(api, 'theirs')
  for (let i = 0; i < 5; i++) await ours.aResource()
  await theirs.aResource()
})
afterAll(() => api.close())

const list = (query: string, path = '/v1/resources', key = ours.keys.viewer): Promise<TestAnswer> =>
  api.inject({ method: 'GET', url: `${path}?${query}`, key })

test('pages show everything once', async () => {
  const seen: string[] = []
  let token = ''
  for (let page = 0; page < 10; page++) {
    const { json } = await list(`pageSize=2${token}`)
    expect(json.items.length).toBeLessThanOrEqual(2)
    seen.push(...json.items.map((item: { id: string }) => item.id))
    if (json.nextPageToken === undefined) break
    token = `&pageToken=${json.nextPageToken}`
  }
  expect(seen).toHaveLength(5)
  expect(new Set(seen).size).toBe(5)
})

test('a page of more than a thousand is a page of a thousand; none or less is refused', async () => {
  expect((await list('pageSize=100000')).status).toBe(200)
  for (const size of ['0', '-1', 'many', '1.5', ''])
    expect((await list(`pageSize=${size}`)).json).toMatchObject({ status: 400, errors: [{ pointer: '/query/pageSize' }] })
})

test('a token works only for the list, the parameters and the project it was made for', async () => {
  const { json } = await list('pageSize=2')
  const token = json.nextPageToken as string
  expect((await list(`pageSize=3&pageToken=${token}`)).status, 'another size is fine').toBe(200)
  const tampered = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
  const refusals = [
    await list(`pageSize=2&pageToken=${tampered}`),
    await list(`pageSize=2&pageToken=${token.slice(0, -2)}`),
    await list('pageSize=2&pageToken=x'),
    await list(`pageSize=2&status=protected&pageToken=${token}`),
    await list(`pageSize=2&pageToken=${token}`, '/v1/accounts'),
    await list(`pageSize=2&pageToken=${token}`, '/v1/resources', theirs.keys.viewer),
  ]
  for (const refused of refusals)
    expect(refused.json).toMatchObject({ status: 400, code: 'invalid_request', errors: [{ pointer: '/query/pageToken' }] })
})

test('a resource has a timeline of operations and signals, newest first, page by page', async () => {
  const resource = await ours.aResource()
  const at = api.clock.nowMs()
  for (const minute of [1, 3, 5]) await ours.anOperation({ resourceId: resource.id, createdAt: new Date(at + minute * 60_000) })
  await api.inject({ method: 'POST', url: '/v1/signals', key: ours.keys.operator, payload: { resourceId: resource.id, kind: 'maintenance' } })
  const path = `/v1/resources/${resource.id}/timeline`
  const first = await list('pageSize=3', path)
  const second = await list(`pageSize=3&pageToken=${first.json.nextPageToken}`, path)
  const entries = [...first.json.items, ...second.json.items] as { at: string; signal?: object; operation?: object }[]
  expect(entries).toHaveLength(4)
  expect(entries.map((entry) => (entry.signal ? 'signal' : 'operation'))).toEqual(['operation', 'operation', 'operation', 'signal'])
  expect(entries.map(({ at }) => at)).toEqual(
    entries
      .map(({ at }) => at)
      .toSorted()
      .toReversed(),
  )
})

test('an ETag of what one has seen answers 304 while it is the same', async () => {
  const resource = await ours.aResource()
  const get = (ifNoneMatch?: string) =>
    api.inject({
      method: 'GET',
      url: `/v1/resources/${resource.id}`,
      key: ours.keys.viewer,
      headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch },
    })
  const { headers, json } = await get()
  expect(headers['etag']).toBe('"1"')
  expect(json.etag).toBe('"1"')
  expect(await get('"1"')).toMatchObject({ status: 304, text: '' })
  const changed = await api.inject({
    method: 'PATCH',
    url: `/v1/resources/${resource.id}`,
    key: ours.keys.operator,
    headers: { 'if-match': '"1"', 'idempotency-key': 'rename' },
    payload: { name: 'renamed' },
  })
  expect([changed.status, changed.headers['etag'], changed.json.name]).toEqual([200, '"2"', 'renamed'])
  expect((await get('"1"')).status).toBe(200)
})
