import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ScaledClock } from '@understudy/cloud-sim'
import { createAccount, createApiKey, createWebhook } from '@understudy/control'
import type { Resource } from '@understudy/control'
import { ownTags, sleep, systemClock } from '@understudy/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startApi } from './listening-api.ts'
import type { ListeningApi } from './listening-api.ts'
import { awsSite } from './rollback/aws-site.ts'
import { azureSite } from './rollback/azure-site.ts'
import { googleSite } from './rollback/google-site.ts'
import type { Site } from './rollback/site.ts'
import type { RunnerEvent } from '@understudy/saga'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const hourMs = 3_600_000
const patience = { timeout: 300_000, interval: 100 }
/** Behind its point of no return a step asks for an hour whether it is so by now: nobody looks on between two rounds. */
const betweenRounds = 600
/** Nor for the minutes that a failover gives snapshots. */
const failing = 15

/** Ours, not that of the clouds: the hours that a person is given until somebody calls them. */
const clock = new ScaledClock(systemClock({ keepAlive: true }))
const endsClaim: ReadonlySet<RunnerEvent['type']> = new Set(['released', 'finished', 'stuck', 'fenced', 'lease_lost', 'engine_failed'])
/** Operations that are asking right now, or about to. A round has a minute, and that is one of ours. */
const asking = new Set<string>()
let isOnlyAsking = false
function observe(event: RunnerEvent): void {
  if (!('saga' in event) || event.saga !== 'failover.retire') return
  const isWaiting = 'step' in event && event.step === 'saved' && event.type !== 'step_finished'
  if (isWaiting || endsClaim.has(event.type)) asking.delete(event.operationId)
  else asking.add(event.operationId)
  if (isOnlyAsking) clock.setSpeed(asking.size > 0 ? 1 : betweenRounds)
}
let world: World
let api: ListeningApi
let key: string
const heard: { readonly type: string; readonly data: Record<string, unknown> }[] = []
let hook: Server
const sites: Site[] = []

beforeAll(async () => {
  world = await createWorld({ clock, observe, leaseMs: 12 * hourMs, sim: { speed: 60, listeners: false } })
  api = await startApi(world.control)
  key = (await createApiKey(world.control, world.principal, { name: 'on duty', role: 'admin' })).secret
  hook = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      heard.push(JSON.parse(Buffer.concat(parts).toString()) as (typeof heard)[number])
      response.writeHead(202).end()
    })
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/pager`
  await createWebhook(world.control, world.principal, { url, types: ['io.understudy.failover.', 'io.understudy.operations.stuck.v1'] })
}, 180_000)
afterAll(async () => {
  // Whatever still waits on it comes to its end.
  clock.setSpeed(1000)
  for (const site of sites) await site.close()
  await api.close()
  hook.closeAllConnections()
  await new Promise((resolve) => hook.close(resolve))
  await world.close()
}, 120_000)

interface Told {
  readonly id: string
  readonly status: string
  readonly done: boolean
  readonly response?: unknown
  readonly error?: { readonly code: string; readonly message: string; readonly remedy?: string }
  readonly metadata: { readonly step?: string }
}
const operation = (id: string) => api.ask<Told>(key, 'GET', `/v1/operations/${id}`)
const until = (id: string, ...statuses: readonly string[]): Promise<Told> =>
  vi.waitUntil(async () => {
    const found = await operation(id)
    return statuses.includes(found.status) ? found : undefined
  }, patience)
const called = (type: string, resource: Pick<Resource, 'id'>) =>
  vi.waitUntil(() => heard.find((event) => event.type === `io.understudy.${type}.v1` && event.data['resourceId'] === resource.id)?.data, patience)

/** What is to be waited for on a clock of ours that runs so fast. */
async function at<T>(speed: number, work: () => Promise<T>): Promise<T> {
  clock.setSpeed(speed)
  try {
    return await work()
  } finally {
    clock.setSpeed(1)
  }
}

interface Held {
  readonly former: Resource
  readonly set: string
  readonly retiredBy: string
}

/** A failover without a shadow, of a machine whose snapshots do not come to an end. */
async function held(site: Pick<Site, 'dataCentre' | 'instanceIdOf'>, former: Resource): Promise<Held> {
  site.dataCentre.faults.stickSnapshots(site.instanceIdOf(former.nativeId))
  const begun = await api.ask<Told>(key, 'POST', `/v1/resources/${former.id}:failover`, { reason: 'its host is going' })
  const over = await until(begun.id, 'succeeded', 'failed', 'stuck', 'cancelled')
  expect({ status: over.status, error: over.error }).toEqual({ status: 'succeeded', error: undefined })
  const { retiredBy, snapshotSet, formerPrimary } = await called('failover.primary_held', former)
  expect(formerPrimary).toBe(former.nativeId)
  return { former, set: String(snapshotSet), retiredBy: String(retiredBy) }
}

/** Six hours from when the first one was held, and the hour of asking. */
async function untilStuck(all: readonly Held[], heldMs: number): Promise<void> {
  const hours = (count: number) => sleep(clock, heldMs + count * hourMs - clock.nowMs())
  // A machine that is busy fires late: an hour is kept for that, and half of one until the step itself is out of time.
  await at(1200, () => hours(5))
  for (const { retiredBy, former } of all) {
    expect(await operation(retiredBy)).toMatchObject({ status: 'running', metadata: { step: 'saved' } })
    expect(heard.filter(({ type, data }) => type === 'io.understudy.failover.state_late.v1' && data['resourceId'] === former.id)).toEqual([])
  }
  await at(300, () => hours(6))
  isOnlyAsking = true
  await at(betweenRounds, async () => {
    for (const { retiredBy } of all) await until(retiredBy, 'stuck', 'succeeded', 'failed', 'cancelled')
  })
  isOnlyAsking = false
}

/** What the person on duty sees, and what is still there. */
async function expectCalled({ former, set, retiredBy }: Held, state: string): Promise<void> {
  expect(await called('failover.state_late', former)).toMatchObject({ formerPrimary: former.nativeId, snapshotSet: set, retiredBy })
  expect(await called('operations.stuck', former)).toMatchObject({ id: retiredBy, kind: 'failover.retire', error: { code: 'conflict' } })
  const seen = await operation(retiredBy)
  expect(seen).toMatchObject({ status: 'stuck', done: false, metadata: { step: 'agreed' } })
  expect(seen.error?.message).toContain(`${former.nativeId} are not saved (snapshot set ${set})`)
  expect(seen.error?.remedy).toMatch(/once they are complete, a retry ends it; a skip ends it without them. To keep it, import it/)
  const { items } = await api.ask<{ items: readonly Told[] }>(key, 'GET', `/v1/operations?status=stuck&resourceId=${former.id}`)
  expect(items.map(({ id }) => id)).toEqual([retiredBy])
  expect(state).toBeOneOf(isThere)
  expect((await world.resource(former.id)).nativeId).not.toBe(former.nativeId)
}

/** One machine of a cloud of its own. */
async function adoptedOn(open: () => Promise<Site>): Promise<{ readonly site: Site; readonly former: Resource }> {
  const site = await open()
  sites.push(site)
  const account = await createAccount(world.control, world.principal, site.account)
  const nativeId = await site.make('held')
  instanceIds.set(nativeId, site.instanceIdOf(nativeId))
  const former = await world.imported({ accountId: account.id, nativeId, name: 'held' })
  return { site, former }
}
/** By native id; what has gone keeps its own. */
const instanceIds = new Map<string, string>()
const stateIn = ({ dataCentre }: Pick<Site, 'dataCentre'>, { former }: Held): string =>
  dataCentre.instances.get(instanceIds.get(former.nativeId) ?? former.nativeId)?.state ?? 'gone'

const names = ['saved', 'given-up', 'kept'] as const
let aws: Pick<Site, 'dataCentre' | 'instanceIdOf'>
let onAws: Record<(typeof names)[number], Held>
let elsewhere: Record<'Azure' | 'Google Cloud', { readonly site: Site; readonly one: Held }>
/** The same hours pass for all of them. */
beforeAll(async () => {
  aws = awsSite(world)
  const [own, azure, google] = await Promise.all([
    Promise.all(names.map(async (name) => ({ site: aws, former: await world.adopt(await world.seed(name, { purchase: 'on-demand' })) }))),
    adoptedOn(azureSite),
    adoptedOn(googleSite),
  ])
  const begunMs = clock.nowMs()
  const all = await at(failing, () => Promise.all([...own, azure, google].map(({ site, former }) => held(site, former))))
  const [saved, givenUp, kept, onAzure, onGoogle] = all as [Held, Held, Held, Held, Held] // as many as were asked for
  onAws = { saved, 'given-up': givenUp, kept }
  elsewhere = { Azure: { site: azure.site, one: onAzure }, 'Google Cloud': { site: google.site, one: onGoogle } }
  await untilStuck(all, begunMs)
}, 900_000)

/** As the runbook finds them: by the tag that has the key. */
const snapshotsOf = ({ set }: Held): readonly string[] =>
  aws.dataCentre.storage.describeSnapshots({ filters: [{ name: `tag:${ownTags.operation}`, values: [set] }] }).items.map(({ state }) => state)
const decide = async ({ retiredBy }: Held, verb: 'retry' | 'skip'): Promise<void> => {
  await api.ask(key, 'POST', `/v1/operations/${retiredBy}:${verb}`, verb === 'skip' ? { step: 'agreed' } : undefined)
  expect(await until(retiredBy, 'succeeded', 'stuck')).toMatchObject({ status: 'succeeded', done: true })
}
const isThere = ['running', 'stopped']
const isGone = ['shutting-down', 'terminated', 'gone']

describe('a former primary whose snapshots are not complete in six hours', () => {
  test('is there, and a person is called who is told what to do', { timeout: 300_000 }, async () => {
    for (const one of Object.values(onAws)) await expectCalled(one, stateIn(aws, one))
    expect(snapshotsOf(onAws.saved)).toEqual(['pending', 'pending'])
  })

  test('is ended by a person who skips the step and names it', { timeout: 300_000 }, async () => {
    const one = onAws['given-up']
    const other = api.ask(key, 'POST', `/v1/operations/${one.retiredBy}:skip`, { step: 'retired' })
    await expect(other).rejects.toThrow(/stuck in the step agreed/)
    await decide(one, 'skip')
    expect(stateIn(aws, one)).toBeOneOf(isGone)
    expect(snapshotsOf(one)).toEqual(['pending', 'pending'])
  })

  test('stays when it has become a resource of its own', { timeout: 300_000 }, async () => {
    const one = onAws.kept
    await api.ask(key, 'POST', '/v1/resources:import', { accountId: world.account.id, nativeId: one.former.nativeId, name: 'mine' })
    const { resources } = world.control.database.stores
    await vi.waitUntil(async () => (await resources.findByNativeIds(world.account.id, [one.former.nativeId])).length > 0, patience)
    await decide(one, 'skip')
    expect(stateIn(aws, one)).toBeOneOf(isThere)
  })

  test('is ended by a person who retries when they are complete after all', { timeout: 300_000 }, async () => {
    const one = onAws.saved
    aws.dataCentre.faults.releaseStuck()
    expect(snapshotsOf(one)).toEqual(['completed', 'completed'])
    expect(stateIn(aws, one)).toBeOneOf(isThere)
    await decide(one, 'retry')
    expect(stateIn(aws, one)).toBeOneOf(isGone)
  })

  test.each(['Azure', 'Google Cloud'] as const)(
    'waits for a person on %s too, and goes when they are complete',
    { timeout: 300_000 },
    async (name) => {
      const { site, one } = elsewhere[name]
      await expectCalled(one, stateIn(site, one))
      site.dataCentre.faults.releaseStuck()
      await decide(one, 'retry')
      expect(stateIn(site, one)).toBeOneOf(isGone)
    },
  )

  test('leaves nothing stuck behind', async () => {
    const { items } = await api.ask<{ items: readonly Told[] }>(key, 'GET', '/v1/operations?status=stuck')
    expect(items).toEqual([])
    expect(world.errors).toEqual([])
  })
})
