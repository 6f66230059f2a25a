import type { Account } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aTenant } from '../../testing/tenant.ts'
import type { Tenant } from '../../testing/tenant.ts'
import { startTestApp } from '../../testing/test-app.ts'
import type { TestApp } from '../../testing/test-app.ts'

let api: TestApp
let ours: Tenant
let account: Account
let key: string
beforeAll(async () => {
  api = await startTestApp()
  ours = await aTenant(api, 'ours')
  account = await ours.anAccount({
    provider: 'azure',
    nativeAccount: '11111111-2222-3333-4444-555555555555',
    region: 'westeurope',
    settings: { resourceGroup: 'stand-ins' },
    credentials: { source: 'managed-identity' },
  })
  key = await ours.anIngestKey(account)
})
afterAll(() => api.close())

const url = () => `/v1/ingest/azure/${account.id}`

describe('the handshake of the Event Grid schema', () => {
  const validation = [
    {
      id: '2d1781af-3a4c-4d7c-bd0c-e34b19da4e66',
      topic: '/subscriptions/11111111-2222-3333-4444-555555555555',
      subject: '',
      data: {
        validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6',
        validationUrl: 'https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/estest/validate?id=512d38b6',
      },
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      eventTime: '2026-03-01T12:00:00.0000000Z',
      metadataVersion: '1',
      dataVersion: '1',
    },
  ]
  const ask = (query: string, headers: Record<string, string> = {}) =>
    api.inject({ method: 'POST', url: `${url()}${query}`, headers: { 'aeg-event-type': 'SubscriptionValidation', ...headers }, payload: validation })

  test('is answered with the code, in exactly the 200 that counts, to whoever has the key', async () => {
    for (const answer of [await ask(`?key=${key}`), await ask('', { 'x-understudy-ingest-key': key })]) {
      expect(answer.status, answer.text).toBe(200)
      expect(answer.json).toEqual({ validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' })
    }
  })

  test('is refused without the key, and no address in it is called', async () => {
    for (const answer of [await ask(''), await ask('?key=usi_wrong')]) expect(answer.json).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  test('the key of the query is in no log line', () => {
    expect(api.logLines.join('\n')).not.toContain(key)
  })
})

describe('the handshake of CloudEvents', () => {
  const ask = (headers: Record<string, string>) => api.inject({ method: 'OPTIONS', url: url(), headers })

  test('allows the origin that asks, and says how many requests a minute are taken', async () => {
    const answer = await ask({ 'x-understudy-ingest-key': key, 'webhook-request-origin': 'eventgrid.azure.net', 'webhook-request-rate': '120' })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.text).toBe('')
    expect(answer.headers).toMatchObject({ 'webhook-allowed-origin': 'eventgrid.azure.net', 'webhook-allowed-rate': '120' })
    const unasked = await ask({ 'x-understudy-ingest-key': key, 'webhook-request-origin': 'eventgrid.azure.net' })
    expect(Number(unasked.headers['webhook-allowed-rate'])).toBeGreaterThan(120)
  })

  test('is refused without a key, and without an origin', async () => {
    const stranger = await ask({ 'webhook-request-origin': 'eventgrid.azure.net' })
    expect(stranger.json).toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(stranger.headers['webhook-allowed-origin']).toBeUndefined()
    expect((await ask({ 'x-understudy-ingest-key': key })).json).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ pointer: '/headers/webhook-request-origin' }],
    })
  })
})
