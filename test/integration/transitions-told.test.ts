import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  announceTransition,
  cancelTransition,
  createPolicy,
  createSignal,
  createWebhook,
  fanOutEvents,
  getTransition,
  importResource,
  listTransitions,
  sendDueDeliveries,
  transitionsReconciler,
  updateResource,
} from '@understudy/control'
import type { PolicyRules, Resource } from '@understudy/control'
import { createWebhookSender } from '@understudy/worker'
import { expect, test } from 'vitest'
import { useRooms } from './rooms.ts'
import type { Tenant } from './rooms.ts'

const rooms = useRooms()
const hourMs = 3_600_000
let tenants = 0

async function place(rules: PolicyRules = {}): Promise<{ readonly tenant: Tenant; readonly resource: Resource }> {
  const { control, drive, finish, newAccount, newService, newTenant } = rooms()
  const tenant = await newTenant(`told ${++tenants}`)
  const account = await newAccount(tenant)
  const { nativeId, traffic } = newService(`told-${tenants}`)
  await finish(await importResource(control, tenant.operator, { accountId: account.id, nativeId, name: nativeId }))
  await createPolicy(control, tenant.admin, { name: 'told', rules })
  const { id, version } = (await control.database.stores.resources.findByNativeIds(account.id, [nativeId]))[0]!
  return { tenant, resource: await drive(updateResource(control, tenant.operator, { id, seenVersion: version, traffic })) }
}
const bringAlong = () => rooms().drive(transitionsReconciler.pass(rooms().control))

test('a webhook is told, signed, that the cloud has taken an announcement back, once however often that is said', async () => {
  const { control, clock } = rooms()
  const { tenant, resource } = await place()
  const heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      heard.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
      response.writeHead(202).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const { secret } = await createWebhook(control, tenant.admin, { url, types: ['io.understudy.transitions.cancelled.v1'] })
    const said = { resourceId: resource.id, kind: 'maintenance', effect: 'reboot', deadline: new Date(clock.nowMs() + 100 * hourMs) } as const
    await createSignal(control, tenant.operator, said)
    await bringAlong()
    clock.advance(1000)
    const word = await createSignal(control, tenant.operator, { ...said, phase: 'cancelled' })
    await bringAlong()
    await createSignal(control, tenant.operator, { ...said, phase: 'cancelled' })
    await bringAlong()
    while ((await fanOutEvents(control)).more);
    await sendDueDeliveries(control, createWebhookSender({ clock, allowedNetworks: control.settings.webhookAllowedNetworks }))
    expect(heard).toHaveLength(1)
    const { headers, body } = heard[0]!
    expect(isSigned(headers, body, secret)).toBe(true)
    const [transition] = (await listTransitions(control, tenant.viewer, { resourceId: resource.id })).items
    expect(JSON.parse(body)).toMatchObject({
      ...{ type: 'io.understudy.transitions.cancelled.v1', subject: `transitions/${transition!.id}` },
      data: { takenBackBy: 'cloud', signalId: word.id, status: 'cancelled', resourceId: resource.id, source: 'cloud' },
    })
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** As a receiver checks it. */
function isSigned(headers: IncomingHttpHeaders, body: string, secret: string): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const expected = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(signed)
    .digest()
  return String(headers['webhook-signature'])
    .split(' ')
    .some((entry) => {
      const given = Buffer.from(entry.replace(/^v1,/, ''), 'base64')
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
}

test("what was lent for a caller's transition is given back when the caller cancels it, and nothing is taken back twice", async () => {
  const { control, clock } = rooms()
  const { tenant, resource } = await place({ transitions: { leadSeconds: 3600, shadow: 'any' } })
  const startsAt = new Date(clock.nowMs() + 600_000)
  const { id } = await announceTransition(control, tenant.operator, {
    ...{ resourceId: resource.id, reason: 'the kernel is upgraded', startsAt, estimatedSeconds: 60 },
  })
  await bringAlong()
  const { transition } = await getTransition(control, tenant.viewer, { id })
  expect(transition).toMatchObject({ status: 'prepared', lentTier: true })
  const cancelled = await cancelTransition(control, tenant.operator, { id, seenVersion: transition.version })
  expect(cancelled).toMatchObject({ status: 'cancelled' })
  await bringAlong()
  expect((await control.database.stores.resources.findById(resource.id))!.tier).toBeUndefined()
  const given = (await getTransition(control, tenant.viewer, { id })).transition
  expect(given).toMatchObject({ status: 'cancelled', lentTier: false })
  const again = cancelTransition(control, tenant.operator, { id, seenVersion: given.version })
  await expect(again).rejects.toMatchObject({ kind: 'conflict', message: expect.stringMatching(/who announced it has taken it back/) as string })
  await bringAlong()
  expect((await getTransition(control, tenant.viewer, { id })).transition.version).toBe(given.version)
})
