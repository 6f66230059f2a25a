import { createServer, type Server } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startAzureCloud } from './azure-cloud.ts'
import type { Cloud } from './cloud.ts'
import type { SeededWorkload } from './cloud-routes.ts'

const patience = { timeout: 120_000, interval: 20 }
let directory: string
let cloud: Cloud
let api: Server
/** What agents have sent, and how often the API has been away. */
const forwarded: { readonly key: string | undefined; readonly body: Record<string, unknown> }[] = []
let refusals = 1
const start = (speed: number): Promise<Cloud> =>
  // The agent of a machine is refused once, and says so.
  startAzureCloud({ stateDirectory: directory, speed, onInternalError: (error) => expect(String(error)).toContain('was refused: 503') })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'understudy-azure-cloud-'))
  api = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      refusals -= 1
      if (refusals < 0) forwarded.push({ key: request.headers.authorization, body: JSON.parse(text) as Record<string, unknown> })
      response.writeHead(refusals < 0 ? 201 : 503).end('{}')
    })
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  cloud = await start(50)
})
afterAll(async () => {
  await cloud.close()
  api.close()
  await rm(directory, { recursive: true, force: true })
})

/** The members that are looked at; which of them an answer has depends on the route. */
interface Answer extends Readonly<Record<string, unknown>> {
  readonly services: readonly SeededWorkload[]
  readonly clock: { readonly now: string }
  readonly settings: { readonly certificateAuthority: string }
}
const ask = async (method: string, path: string, body?: object) => {
  const reply = await cloud.control({ method, path, text: body === undefined ? '' : JSON.stringify(body) })
  return { status: reply.status, body: reply.body as Answer }
}

describe('a simulated Azure with its data plane', () => {
  let service: SeededWorkload
  const whoAnswers = async (): Promise<string | undefined> => {
    const answer = await fetch(service.frontDoor)
    return answer.ok ? ((await answer.json()) as { readonly instanceId: string }).instanceId : undefined
  }

  it('serves a machine through its load balancer', async () => {
    const [seeded] = (await ask('POST', '/seed', { name: 'web' })).body.services
    if (seeded === undefined) throw new Error('nothing was seeded')
    service = seeded
    expect(service).toMatchObject({ zone: '1', nativeId: expect.stringMatching(/^\/subscriptions\/.*\/virtualMachines\/web$/) })
    await vi.waitFor(async () => expect(await whoAnswers()).toBe(service.nativeId), patience)
    expect((await ask('GET', '/scheduled-events')).body).toEqual({})
  })

  it('gives no more notice than Azure does, and only to Spot machines that are there', async () => {
    for (const refused of [{ nativeIds: [service.nativeId], noticeSeconds: 31 }, { nativeIds: ['/subscriptions/x'] }])
      expect((await ask('POST', '/interrupt', refused)).status).toBe(400)
  })

  it('leads a name to a Traffic Manager profile, and says who answers to it, also after a restart', async () => {
    const name = { name: 'www.example.com.', address: '192.0.2.7', ttlSeconds: 20 }
    const added = await ask('POST', '/names', name)
    expect(added.body).toMatchObject({
      traffic: { mechanism: 'dns-weight', native: { trafficManagerProfileId: expect.stringMatching(/trafficManagerProfiles\/www-example-com$/) } },
    })
    expect((await ask('POST', '/resolve', { name: name.name })).body).toEqual({ address: name.address, ttlSeconds: 20 })
    expect((await ask('POST', '/resolve', { name: 'other.example.com.' })).status).toBe(404)
    await cloud.close()
    cloud = await start(50)
    expect((await ask('POST', '/resolve', { name: name.name })).body).toEqual({ address: name.address, ttlSeconds: 20 })
  })

  it('evicts with a notice that the agent forwards until it is taken, also over a restart, and ends the machine at its deadline', async () => {
    const { port } = api.address() as AddressInfo
    const before = (await ask('GET', '/account')).body
    expect((await ask('POST', '/agents', { url: `http://127.0.0.1:${port}`, apiKey: 'usk_x', accountId: 'acc_x' })).body).not.toHaveProperty('apiKey')
    await ask('POST', '/clock', { speed: 0.01 })
    expect((await ask('POST', '/interrupt', { nativeIds: [service.nativeId] })).body).toMatchObject({ noticeSeconds: 30 })
    const { [service.nativeId]: document } = (await ask('GET', '/scheduled-events')).body
    expect(document).toMatchObject({ Events: [{ EventType: 'Preempt', EventStatus: 'Scheduled', Resources: ['web'] }] })
    await cloud.close()

    cloud = await start(1)
    expect((await ask('GET', '/account')).body).toMatchObject({
      nativeAccount: before['nativeAccount'],
      credentials: before['credentials'],
      settings: { certificateAuthority: before.settings.certificateAuthority },
    })
    await vi.waitFor(() => expect(forwarded).toHaveLength(1), patience)
    expect(forwarded[0]).toEqual({
      key: 'Bearer usk_x',
      body: {
        ...{ accountId: 'acc_x', nativeId: service.nativeId, documentKind: 'scheduledevents', document },
        uptimeSeconds: expect.any(Number) as number,
      },
    })
    expect(await whoAnswers()).toBe(service.nativeId)
    await ask('POST', '/clock', { speed: 50 })
    const deadlineMs = Date.parse((document as { readonly Events: readonly { readonly NotBefore: string }[] }).Events[0]?.NotBefore ?? '')
    await vi.waitFor(async () => expect(await whoAnswers()).toBeUndefined(), patience)
    const { now } = (await ask('GET', '/state')).body.clock
    expect(Date.parse(now)).toBeGreaterThanOrEqual(deadlineMs)
    expect((await ask('GET', '/scheduled-events')).body).toEqual({})
    expect(forwarded).toHaveLength(1)
  })
})
