import { seededGoogleImage, startGoogleCloud } from '@understudy/cloud-sim'
import type { Cloud } from '@understudy/cloud-sim'
import { createAccount, importResource, listShadows, planFailover, startFailover } from '@understudy/control'
import type { Account, Resource } from '@understudy/control'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const name = 'www.example.com.'
const ttlSeconds = 3
const patience = { timeout: 120_000, interval: 100 }
let world: World
let google: Cloud
let far: Account
const errors: unknown[] = []

beforeAll(async () => {
  google = await startGoogleCloud({ speed: 20, onInternalError: (error) => errors.push(error) })
  world = await createWorld({ sim: { clouds: [google] } })
  far = await createAccount(world.control, world.principal, (await ask('GET', '/gcp/account')) as Parameters<typeof createAccount>[2]) // as the simulation gives it
})
afterAll(async () => {
  await world.close()
  await google.close()
})

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${world.sim.url}/_sim${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  expect(answer.status, path).toBe(200)
  return answer.json()
}

/** Where an address answers on this machine, whichever cloud it belongs to. */
async function urlOf(address: string): Promise<string | undefined> {
  const all = [await ask('GET', '/endpoints'), await ask('GET', '/gcp/endpoints')] as { instances: { publicIp?: string; url: string }[] }[]
  return all.flatMap(({ instances }) => instances).find(({ publicIp }) => publicIp === address)?.url
}

/** A client as there are many: it asks the name, keeps the answer for as long as it may, and never repeats a request. */
function startClient() {
  const served: string[] = []
  const lost: string[] = []
  let kept: { readonly address: string; readonly url: string | undefined; readonly untilMs: number } | undefined
  const stopping = new AbortController()
  const request = async (): Promise<void> => {
    if (kept === undefined || kept.untilMs <= Date.now()) {
      const found = (await ask('POST', '/gcp/resolve', { name })) as { address: string; ttlSeconds: number }
      kept = { address: found.address, url: await urlOf(found.address), untilMs: Date.now() + found.ttlSeconds * 1000 }
    }
    const answer = kept.url === undefined ? undefined : await fetch(kept.url).catch(() => undefined)
    if (answer?.status === 200) served.push(((await answer.json()) as { instanceId: string }).instanceId)
    else lost.push(kept.address)
  }
  const done = (async () => {
    while (!stopping.signal.aborted) await request()
  })()
  return {
    served,
    lost,
    async stop() {
      stopping.abort()
      await done
    },
  }
}

test('a primary on one cloud and its shadow on another: the name moves, clients follow, and no request is lost', async () => {
  const { control, principal, sim } = world
  const service = await world.seed('web', { purchase: 'on-demand' })
  const primary = service.instanceId
  await vi.waitUntil(() => sim.dataCentre.instances.get(primary)?.answering, patience)
  const address = sim.dataCentre.instances.get(primary)?.publicIp ?? ''
  const { traffic } = (await ask('POST', '/gcp/names', { name, address, ttlSeconds })) as { traffic: { mechanism: 'dns-weight'; native: object } }
  await importResource(control, principal, {
    accountId: world.account.id,
    nativeId: primary,
    traffic: { mechanism: traffic.mechanism, native: { ...traffic.native }, accountId: far.id },
  })
  const imported = await vi.waitUntil(async () => (await control.database.stores.resources.findByNativeIds(world.account.id, [primary]))[0], patience)
  await world.protect(imported, {
    shadows: 0,
    elsewhere: [
      {
        ...{ accountId: far.id, readiness: 'hot', purchase: 'on-demand', zones: 'any' },
        definition: {
          ...{ image: `projects/sim-images/global/images/${seededGoogleImage}`, arch: 'x86_64', vcpus: 2, memoryMiB: 8192 },
          ...{ subnet: 'regions/europe-west1/subnetworks/default', securityGroups: ['web'], publicAddress: true, bootData: { from: 'primary' } },
        },
      },
    ],
  })
  const [shadow] = (await listShadows(control, principal, { resourceId: imported.id })).items
  expect(shadow).toMatchObject({ accountId: far.id, status: 'ready', readiness: 'hot', instanceType: 'e2-standard-2' })
  const standIn = shadow?.nativeId ?? ''

  const { plan } = await planFailover(control, principal, { resourceId: imported.id })
  expect(plan).toMatchObject({
    shadowId: shadow?.id,
    kind: 'running-shadow',
    dataLag: { kind: 'boot-image-only' },
    clientsFollowSeconds: ttlSeconds + 60,
  })
  expect(plan.warnings.join(' ')).toContain("nothing is copied from the primary's disks")

  const client = startClient()
  await vi.waitUntil(() => client.served.length > 3, patience)
  expect(new Set(client.served)).toEqual(new Set([primary]))
  // Longer than a client keeps an answer, shorter than Google's name servers may take to agree: the drain ends at the deadline.
  const deadline = new Date(control.clock.nowMs() + 30_000)
  await startFailover(control, principal, { resourceId: imported.id, reason: 'the other cloud', deadline })
  const moved = await vi.waitUntil(async () => {
    const now: Resource = await world.resource(imported.id)
    return now.nativeId === standIn ? now : undefined
  }, patience)
  await vi.waitUntil(() => client.served.slice(-3).every((id) => id === standIn), patience)
  await client.stop()

  expect(client.lost, 'requests that nobody answered').toEqual([])
  expect(new Set(client.served)).toEqual(new Set([primary, standIn]))
  expect(moved).toMatchObject({ accountId: far.id, primaryEpoch: 2, traffic: { mechanism: 'dns-weight', accountId: far.id } })
  expect(sim.dataCentre.instances.get(primary)?.state).toMatch(/^(shutting-down|terminated)$/)
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => ((await ask('POST', '/gcp/resolve', { name })) as { address: string }).address),
  )
  expect(await Promise.all([...new Set(answers)].map(urlOf))).toEqual([expect.any(String)])
  expect([...world.errors, ...errors]).toEqual([])
})
