import type { WebhookEndpoint } from '@understudy/control'
import { expect, test } from 'vitest'
import { aDelivery, aProject, aSecret, aWebhook, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const webhooks = () => connection.database.stores.webhooks
const secrets = { current: aSecret(), previous: undefined, previousUntil: undefined }

async function aStored(overrides: Partial<WebhookEndpoint> = {}): Promise<WebhookEndpoint> {
  const project = aProject()
  await connection.database.stores.access.insertProject(project)
  const endpoint = aWebhook({ projectId: project.id, ...overrides })
  await webhooks().insert(endpoint, secrets)
  return endpoint
}

test('an endpoint comes back as it was stored, its secrets only when they are asked for', async () => {
  const endpoint = await aStored({ types: ['io.understudy.operations.'], description: 'pager' })
  expect(await webhooks().find(endpoint.projectId, endpoint.id)).toEqual(endpoint)
  expect(await webhooks().list(endpoint.projectId, { after: undefined, limit: 10 })).toEqual([endpoint])
  expect(await webhooks().secrets(endpoint.id)).toEqual(secrets)
  const rotated = { current: aSecret({ nonce: 'bmV3' }), previous: secrets.current, previousUntil: later(1000) }
  await webhooks().setSecrets(endpoint.id, rotated)
  expect(await webhooks().secrets(endpoint.id)).toEqual(rotated)
  expect(await webhooks().secrets('wh_unknown')).toBeUndefined()
})

test('of two changes made from one version the second is refused; a disabled endpoint is not among the enabled', async () => {
  const endpoint = await aStored()
  expect(await webhooks().listEnabled(endpoint.projectId)).toEqual([endpoint])
  await webhooks().update({ ...endpoint, status: 'disabled', disabledReason: 'it answered 410' }, 1)
  await expect(webhooks().update(endpoint, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
  expect(await webhooks().find(endpoint.projectId, endpoint.id)).toMatchObject({ status: 'disabled', disabledReason: 'it answered 410', version: 2 })
  expect(await webhooks().listEnabled(endpoint.projectId)).toEqual([])
})

test('an endpoint is deleted from its present version only, and its secrets and deliveries go with it', async () => {
  const endpoint = await aStored()
  const delivery = aDelivery({ projectId: endpoint.projectId, endpointId: endpoint.id })
  await webhooks().insertDeliveries([delivery])
  await expect(webhooks().delete(endpoint.projectId, endpoint.id, 9)).rejects.toMatchObject({ kind: 'precondition_failed' })
  await webhooks().delete(endpoint.projectId, endpoint.id, 1)
  await expect(webhooks().delete(endpoint.projectId, endpoint.id, 1)).rejects.toMatchObject({ kind: 'not_found' })
  expect(await webhooks().secrets(endpoint.id)).toBeUndefined()
  expect(await webhooks().findDelivery(endpoint.projectId, delivery.id)).toBeUndefined()
  // The attempt that was under way when it was deleted has nowhere to be written, and that is no error.
  await webhooks().updateDelivery({ ...delivery, status: 'succeeded' })
})

test('an event is delivered to an endpoint once, however many fan it out at once', async () => {
  const endpoint = await aStored()
  const copies = Array.from({ length: 20 }, () => aDelivery({ projectId: endpoint.projectId, endpointId: endpoint.id, eventId: 'evt_1' }))
  await Promise.all(copies.map((delivery) => webhooks().insertDeliveries([delivery, { ...delivery, id: `${delivery.id}b` }])))
  expect(await webhooks().listDeliveries(endpoint.projectId, { after: undefined, limit: 100 })).toHaveLength(1)
})

test('what is due is leased to one of many, the longest due first, until its attempt is written', async () => {
  await (await connection.client()).query('delete from webhook_deliveries')
  const endpoint = await aStored()
  const due = Array.from({ length: 40 }, (_, index) =>
    aDelivery({ projectId: endpoint.projectId, endpointId: endpoint.id, nextAttemptAt: later(index) }),
  )
  const early = aDelivery({ projectId: endpoint.projectId, endpointId: endpoint.id, nextAttemptAt: later(60_000) })
  await webhooks().insertDeliveries([...due, early])
  const claim = (at: Date, limit: number) => webhooks().claimDue({ at, limit, leaseMs: 1000 })
  expect(await claim(later(50), 1)).toEqual([due[0]])
  const claims = await Promise.all(Array.from({ length: 6 }, () => claim(later(50), 10)))
  const taken = claims.flat().map(({ id }) => id)
  expect(taken.toSorted()).toEqual(
    due
      .slice(1)
      .map(({ id }) => id)
      .toSorted(),
  )
  const failed = { ...due[0]!, attempts: 1, nextAttemptAt: later(100), lastStatusCode: 500, lastError: 'HTTP 500' }
  await webhooks().updateDelivery(failed)
  expect(await claim(later(100), 10)).toEqual([failed])
  const done = { ...failed, status: 'succeeded' as const, nextAttemptAt: undefined, finishedAt: later(101) }
  await webhooks().updateDelivery(done)
  expect(await webhooks().findDelivery(endpoint.projectId, done.id)).toEqual(done)
  // The leases of the others have run out.
  expect(await claim(later(2000), 100)).toHaveLength(39)
})

test('deliveries are listed newest first and can be picked by endpoint and status', async () => {
  const endpoint = await aStored()
  const [older, newer] = [
    aDelivery({ projectId: endpoint.projectId, endpointId: endpoint.id }),
    aDelivery({ projectId: endpoint.projectId, endpointId: endpoint.id, createdAt: later(1), status: 'failed', nextAttemptAt: undefined }),
  ] as const
  await webhooks().insertDeliveries([older, newer])
  const list = (page: { after?: string; endpointId?: string; status?: string }) =>
    webhooks().listDeliveries(endpoint.projectId, { after: undefined, limit: 10, ...page })
  expect(await list({})).toEqual([newer, older])
  expect(await list({ after: newer.id })).toEqual([older])
  expect(await list({ status: 'failed', endpointId: endpoint.id })).toEqual([newer])
  expect(await list({ endpointId: 'wh_other' })).toEqual([])
})

test('the cursor starts at zero and is advanced by one of many who saw the same position', async () => {
  expect(await webhooks().cursor()).toBe(0)
  expect(await webhooks().advanceCursor(5, 9)).toBe(false)
  const advance = (from: number) => Promise.all(Array.from({ length: 8 }, (_, index) => webhooks().advanceCursor(from, from + 1 + index)))
  expect((await advance(0)).filter(Boolean)).toHaveLength(1)
  const position = await webhooks().cursor()
  expect((await advance(position)).filter(Boolean)).toHaveLength(1)
  expect(await webhooks().cursor()).toBeGreaterThan(position)
  expect(await webhooks().advanceCursor(position, position + 1)).toBe(false)
})

test('a secret that was rotated away is stored as given', async () => {
  const endpoint = await aStored()
  await webhooks().setSecrets(endpoint.id, { current: aSecret(), previous: aSecret({ masterKeyId: 'k0' }), previousUntil: start })
  expect((await webhooks().secrets(endpoint.id))?.previous?.masterKeyId).toBe('k0')
})
