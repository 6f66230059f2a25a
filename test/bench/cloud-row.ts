import { createUnderstudyClient, dataOf, waitForOperation } from '@understudy/contract/client'
import type { UnderstudyClient } from '@understudy/contract/client'
import { bootstrap } from '@understudy/control'
import { randomIds, systemClock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { request } from 'undici'
import { openFloorCall } from './floor-call.ts'
import { percentile } from './figures.ts'
import { type IdleResult, type Spread, spreadOf } from './idle.ts'
import type { Installation, Running } from './installation.ts'
import { wideLimits } from './limits.ts'
import { type MeasuredClouds, startClouds } from './measured-clouds.ts'
import { type MeasuredCloud, monotonicMs } from './protocol.ts'

export interface CloudResult {
  readonly cloud: string
  readonly samples: number
  readonly noticeSeconds: number
  /** From the answer of the API, which says that the notice is durable, until the cloud sends nothing new to the former primary. */
  readonly accepted: Spread
  /** How much of that, in the median, the cloud's load balancer took to find the stand-in healthy. */
  readonly probeP50Ms: number
  /** One bare job, one row, and the one call that changes the load balancer, to its answer. */
  readonly floor: Spread
}

/** What a load balancer does when it sends nothing new to the former primary. */
const movedBy = { azure: 'leaving', gcp: 'listener' } as const
const notices = { aws: 120, azure: 30, gcp: 30 } as const
/** While nothing is measured, the cloud need not take its time. */
const setUpSpeed = 50
const movedWithinMs = 120_000
const patienceMs = 240_000

/** The region's row is what the idle part has measured: its stand-ins are known to be healthy beforehand. */
export const regionRow = ({ samples, accepted, floor }: IdleResult): CloudResult => ({
  ...{ cloud: 'aws', samples, noticeSeconds: notices.aws, accepted, probeP50Ms: 0, floor },
})

interface Service {
  readonly nativeId: string
  readonly traffic: { readonly mechanism: 'lb-weight' | 'lb-target'; readonly native: Record<string, unknown> }
  readonly resourceId: string
}

interface Stage {
  readonly cloud: MeasuredCloud
  readonly clouds: MeasuredClouds
  readonly client: UnderstudyClient
  readonly running: Running
  readonly apiKey: string
  readonly accountId: string
}

/** One interruption at a time, each of a service that nothing has happened to yet, in turns with the floor: for each of the clouds. */
export async function measureClouds(installation: Installation, samples: number, say: (line: string) => void): Promise<readonly CloudResult[]> {
  const clouds = await startClouds(join(installation.home, 'clouds.log'))
  try {
    const apiKey = await firstKey(installation.databaseUrl)
    const running = await installation.start()
    const client = createUnderstudyClient({ baseUrl: running.apiUrl, apiKey })
    const results: CloudResult[] = []
    for (const cloud of ['azure', 'gcp'] as const) {
      say(`  ${cloud}: ${samples} services are imported, protected and proven …`)
      const { nativeAccount, settings, credentials, ...rest } = (await clouds.ask({ cloud, method: 'GET', path: '/account' })) as Account // as its route says
      // Notices come from the guest alone, as documents that the bench forwards.
      const { eventsSubscription: _queue, ...own } = settings
      const body = { ...rest, nativeAccount, settings: { ...own, limits: wideLimits }, credentials }
      const account = await dataOf(client.POST('/v1/accounts', { body }))
      const stage = { cloud, clouds, client, running, apiKey, accountId: account.id }
      results.push(await measureCloud(stage, installation, { nativeAccount, settings, credentials }, samples))
    }
    return results
  } finally {
    await clouds.stop()
  }
}

type Credentials = Readonly<Record<string, string>>
interface Account {
  readonly name: string
  readonly provider: string
  readonly region: string
  readonly nativeAccount: string
  readonly settings: Credentials
  readonly credentials: Credentials
}

async function measureCloud(
  stage: Stage,
  installation: Installation,
  access: Pick<Account, 'nativeAccount' | 'settings' | 'credentials'>,
  samples: number,
): Promise<CloudResult> {
  const { cloud, clouds } = stage
  await clouds.ask({ cloud, method: 'POST', path: '/clock', body: { speed: setUpSpeed } })
  const floorService = await seed(stage, 'floor')
  const floor = await openFloorCall(installation, { cloud, ...access, native: floorService.traffic.native })
  const services = await Promise.all(Array.from({ length: samples + 1 }, (_, index) => prepare(stage, `web-${index}`)))
  const measured: { readonly movedMs: number; readonly probeMs: number }[] = []
  const floors: number[] = []
  for (const [index, service] of services.entries()) {
    await clouds.ask({ cloud, method: 'POST', path: '/clock', body: { speed: 1 } })
    const floorMs = await floor.once()
    const sample = await interruptOnce(stage, service)
    await clouds.ask({ cloud, method: 'POST', path: '/clock', body: { speed: setUpSpeed } })
    await settle(stage, service.resourceId)
    // The first one loads the SDK.
    if (index === 0) continue
    floors.push(floorMs)
    measured.push(sample)
  }
  await floor.close()
  return {
    cloud,
    samples,
    noticeSeconds: notices[cloud],
    accepted: spreadOf(measured.map(({ movedMs }) => movedMs)),
    probeP50Ms: percentile(
      measured.map(({ probeMs }) => probeMs),
      50,
    ),
    floor: spreadOf(floors),
  }
}

async function interruptOnce(stage: Stage, { nativeId }: Service): Promise<{ readonly movedMs: number; readonly probeMs: number }> {
  const { cloud, clouds, running, apiKey, accountId } = stage
  await clouds.ask({ cloud, method: 'POST', path: '/interrupt', body: { nativeIds: [nativeId] } })
  const document =
    cloud === 'gcp' ? 'TRUE' : ((await clouds.ask({ cloud, method: 'GET', path: '/scheduled-events' })) as Record<string, unknown>)[nativeId]
  const documentKind = cloud === 'gcp' ? 'gcp-preempted' : 'scheduledevents'
  clouds.takeMoments()
  const answer = await request(`${running.apiUrl}/v1/signals`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ accountId, nativeId, documentKind, document }),
  })
  const text = await answer.body.text()
  const acceptedMs = monotonicMs()
  if (answer.statusCode !== 201) throw new Error(`the API answered ${answer.statusCode}: ${text}`)
  const moved = await clouds.until({ cloud, moment: movedBy[cloud] }, movedWithinMs)
  const own = clouds.takeMoments().filter((moment) => moment.cloud === cloud && moment.atMs <= moved.atMs)
  const joined = own.find(({ moment }) => moment === 'joined')
  const healthy = own.findLast(({ moment }) => moment === 'healthy')
  return { movedMs: moved.atMs - acceptedMs, probeMs: joined === undefined || healthy === undefined ? 0 : healthy.atMs - joined.atMs }
}

async function seed({ cloud, clouds }: Pick<Stage, 'cloud' | 'clouds'>, name: string): Promise<Omit<Service, 'resourceId'>> {
  const made = (await clouds.ask({ cloud, method: 'POST', path: '/seed', body: { name, drainSeconds: 5 } })) as {
    readonly services: readonly Service[]
  }
  const [service] = made.services
  if (service === undefined) throw new Error(`nothing was made of ${name}`)
  return service
}

/** A service that is imported, protected by one hot shadow in another zone, and proven: through the API alone. */
async function prepare(stage: Stage, name: string): Promise<Service> {
  const { client, accountId } = stage
  const { nativeId, traffic } = await seed(stage, name)
  const imported = await dataOf(client.POST('/v1/resources:import', { body: { accountId, nativeId, name, traffic } }))
  await waitForOperation(client, imported.id, { timeoutMs: patienceMs })
  const { items } = await dataOf(client.GET('/v1/resources', { params: { query: { accountId, pageSize: 100 } } }))
  const resource = items.find((candidate) => candidate.nativeId === nativeId)
  if (resource === undefined) throw new Error(`the import of ${name} brought nothing`)
  await dataOf(
    client.POST('/v1/resources/{id}:protect', {
      params: { path: { id: resource.id }, header: { 'If-Match': resource.etag } },
      body: { tier: { shadows: 1, readiness: 'hot', zones: 'other', purchase: 'spot', proofMaxAgeSeconds: 86_400, formerPrimary: 'terminate' } },
    }),
  )
  await eventually(`a proven shadow of ${name}`, async () => {
    const shadows = await dataOf(client.GET('/v1/shadows', { params: { query: { resourceId: resource.id } } }))
    return shadows.items.some(({ status, proof }) => status === 'ready' && proof !== undefined)
  })
  return { nativeId, traffic, resourceId: resource.id }
}

/** Waits for the end of everything that the interruption has led to, the next shadow among it, and lets go of the resource. */
async function settle({ client }: Stage, resourceId: string): Promise<void> {
  await eventually(`the failover of ${resourceId}`, async () => {
    const { items } = await dataOf(client.GET('/v1/operations', { params: { query: { resourceId, kind: 'failover' } } }))
    const failed = items.find(({ done, status }) => done && status !== 'succeeded')
    if (failed !== undefined) throw new Error(`${failed.id} ${failed.status}: ${failed.error?.message ?? ''}`)
    return items.some(({ done }) => done)
  })
  const { etag } = await dataOf(client.GET('/v1/resources/{id}', { params: { path: { id: resourceId } } }))
  await client.POST('/v1/resources/{id}:unprotect', { params: { path: { id: resourceId }, header: { 'If-Match': etag } } })
  await eventually(`the end of the work for ${resourceId}`, async () => {
    const { items } = await dataOf(client.GET('/v1/operations', { params: { query: { resourceId } } }))
    return items.every(({ done }) => done)
  })
}

async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  for (const untilMs = monotonicMs() + patienceMs; monotonicMs() < untilMs; await setTimeout(200)) if (await look()) return
  throw new Error(`waited ${patienceMs / 1000} s for ${what}, in vain`)
}

async function firstKey(databaseUrl: string): Promise<string> {
  const clock = systemClock()
  const database = openDatabase({ url: databaseUrl, clock })
  try {
    const made = await bootstrap(database, clock, randomIds)
    if (made === undefined) throw new Error('the database of a scenario is not empty')
    return made.secret
  } finally {
    await database.close()
  }
}
