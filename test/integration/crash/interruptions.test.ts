import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { acceptSignals } from '@understudy/control'
import type { Signal } from '@understudy/control'
import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import type { EmbeddedPostgres } from '@understudy/persistence/embedded'
import { migrate } from '@understudy/persistence/migrate'
import { createTestDatabase, startTestRedis, testRedisUrl, unusedPort } from '@understudy/testing'
import type { TestDatabase, TestRedis } from '@understudy/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { aws } from './clouds/aws.ts'
import { createCrashWorld, namesOf } from './crash-world.ts'
import type { CrashWorld, Protected } from './crash-world.ts'
import { expectAtRest, expectFailedOver } from './invariants.ts'
import { hotTier } from './tiers.ts'
import { startWorkerProcess } from './worker-process.ts'
import type { WorkerProcess } from './worker-process.ts'

const idsOf = (services: readonly Protected[]): string[] => services.map(({ resource }) => resource.id)
const interrupt = (world: CrashWorld, { resource }: Protected, copies = 1): Promise<void> => world.interrupt(resource.nativeId, copies)

/** Does something in front of one change of a failover, and then lets it go on. */
function inFrontOf(world: CrashWorld, service: Protected, number: number, deed: () => Promise<void>): () => boolean {
  let done = false
  world.cloud.proxy.watch(namesOf(world, service), async (mutation, forward) => {
    if (mutation.number === number && !done) {
      done = true
      await deed()
    }
    await forward()
    return 'answer'
  })
  return () => done
}

describe.skipIf(testRedisUrl() === undefined)('Redis emptied in the middle of a failover', () => {
  let own: TestDatabase
  let redis: TestRedis | undefined
  let world: CrashWorld
  let worker: WorkerProcess
  let services: readonly Protected[]
  const url = (): string => redis?.url ?? ''
  const start = (): WorkerProcess => startWorkerProcess({ databaseUrl: own.url, redisUrl: url() })
  beforeAll(async () => {
    own = await createTestDatabase()
    redis = await startTestRedis()
    world = await createCrashWorld(own.url, aws)
    worker = start()
    await worker.ready
    services = await world.protect('flush', 4, hotTier)
  })
  afterAll(async () => {
    await worker.kill()
    await world.close()
    await redis?.stop()
    await own.drop()
  })

  test('loses nothing while the worker lives', async () => {
    const [service] = services as readonly [Protected]
    const isDone = inFrontOf(world, service, 1, () => flush(url()))
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(isDone()).toBe(true)
  })

  test('loses nothing when the worker dies with it', async () => {
    const service = services[1]!
    let isDone = false
    world.cloud.proxy.watch(namesOf(world, service), async ({ number }, forward) => {
      await forward()
      if (number !== 2 || isDone) return 'answer'
      isDone = true
      await worker.kill()
      await flush(url())
      worker = start()
      return 'silence'
    })
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(isDone).toBe(true)
  })

  test('loses nothing that was accepted while no worker ran', async () => {
    const service = services[2]!
    world.cloud.proxy.unwatch()
    await worker.kill()
    await startByHand(world, service)
    await flush(url())
    worker = start()
    await expectFailedOver(world, service, () => worker)
  })

  test('loses nothing while there is no Redis at all, and a worker without one stops when it is told to', async () => {
    const service = services[3]!
    await worker.kill()
    worker = startWorkerProcess({ databaseUrl: own.url, redisUrl: `redis://127.0.0.1:${await unusedPort()}` })
    await worker.ready
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(await worker.stop()).toBe(0)
    worker = start()
  })

  test('and every promise is kept again', () => expectAtRest(world, idsOf(services)))
})

describe('PostgreSQL crashing in the middle of a failover', () => {
  let directory: string
  let server: EmbeddedPostgres
  let world: CrashWorld
  let worker: WorkerProcess
  let services: readonly Protected[]
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'understudy-crash-'))
    await chmod(directory, 0o755) // The server runs as another user when root runs the tests.
    // One that waits for the disk: what it has confirmed has to be there after a crash.
    server = await startEmbeddedPostgres({ directory, connectionsMax: 60 })
    await migrate(server.url)
    world = await createCrashWorld(server.url, aws)
    worker = startWorkerProcess({ databaseUrl: server.url })
    await worker.ready
    services = await world.protect('crash', 6, hotTier)
  })
  afterAll(async () => {
    await worker.kill()
    await world.close()
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })

  test.each([
    { number: 1, when: 'before the traffic moves' },
    { number: 4, when: 'before the former primary is ended' },
    { number: 5, when: 'before the stand-in is promoted' },
  ])('delays it, $when', async ({ number }) => {
    const service = services[[1, 4, 5].indexOf(number)]!
    const isDone = inFrontOf(world, service, number, () => world.whileAway(server.restart('crash')))
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(isDone()).toBe(true)
  })

  test.each([{ number: 1 }, { number: 3 }, { number: 5 }])('is survived while the cloud goes on, from change $number on', async ({ number }) => {
    const service = services[3 + [1, 3, 5].indexOf(number)]!
    let restarting = Promise.resolve()
    const isDone = inFrontOf(world, service, number, () => {
      restarting = world.whileAway(server.restart('crash'))
      return Promise.resolve()
    })
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(isDone()).toBe(true)
    await restarting
  })

  test('and the same worker keeps every promise again', async () => {
    await expectAtRest(world, idsOf(services))
    expect(await worker.stop(), 'it has survived, drains and ends').toBe(0)
  })
})

describe('the notice of an interruption', () => {
  let own: TestDatabase
  let world: CrashWorld
  let worker: WorkerProcess
  let services: readonly Protected[]
  beforeAll(async () => {
    own = await createTestDatabase()
    world = await createCrashWorld(own.url, aws)
    worker = startWorkerProcess({ databaseUrl: own.url })
    await worker.ready
    services = await world.protect('notice', 4, hotTier)
  })
  afterAll(async () => {
    await worker.kill()
    await world.close()
    await own.drop()
  })
  const signalsOf = async ({ resource }: Protected, kind: Signal['kind']) =>
    (await world.control.database.stores.signals.list(world.principal.projectId, { after: undefined, limit: 50, kind })).filter(
      (signal) => signal.nativeId === resource.nativeId,
    )

  test('delivered 50 times, before, during and after, starts one failover and promotes once', async () => {
    const service = services[0]!
    const { market } = world.cloud.dataCentre
    const repeat = (times: number): void => {
      for (let copy = 0; copy < times; copy++) market.repeatNotice(service.resource.nativeId)
    }
    const isDone = inFrontOf(world, service, 2, () => Promise.resolve(repeat(10)))
    await interrupt(world, service, 30)
    await expectFailedOver(world, service, () => worker)
    expect(isDone()).toBe(true)
    repeat(10)
    await vi.waitUntil(async () => (await signalsOf(service, 'interruption'))[0]?.duplicates === 49, { timeout: 120_000, interval: 100 })
    expect(await signalsOf(service, 'interruption')).toMatchObject([{ outcome: 'accepted' }])
    await expectFailedOver(world, service, () => worker)
  })

  test.each([
    { notice: 'soon after the instance has gone', noticeAfterMs: 20_000 },
    { notice: 'long after the instance has gone', noticeAfterMs: 600_000 },
  ])('that comes $notice recovers the resource once', async ({ noticeAfterMs }) => {
    const service = services[noticeAfterMs > 20_000 ? 2 : 1]!
    world.cloud.proxy.unwatch()
    world.cloud.dataCentre.market.reclaim(service.resource.nativeId, { noticeAfterMs })
    await vi.waitUntil(async () => (await signalsOf(service, 'interruption')).length === 1, { timeout: 120_000, interval: 100 })
    await expectFailedOver(world, service, () => worker)
    const [notice] = await signalsOf(service, 'interruption')
    expect(notice?.outcome).toBeOneOf(['accepted', 'unmatched'])
  })

  test('that never comes is not needed: the lost primary is noticed', async () => {
    const service = services[3]!
    world.cloud.dataCentre.market.reclaim(service.resource.nativeId)
    await expectFailedOver(world, service, () => worker)
    expect(await signalsOf(service, 'interruption')).toEqual([])
  })

  test('and every promise is kept again', () => expectAtRest(world, idsOf(services)))
})

/** What the API does when it is told of an interruption, without any worker. */
async function startByHand(world: CrashWorld, { resource }: Protected): Promise<void> {
  const signal = {
    kind: 'interruption',
    effect: 'terminate',
    nativeId: resource.nativeId,
    observedAt: new Date(world.control.clock.nowMs()).toISOString(),
    confidence: 'certain',
    cause: 'platform',
    canExpedite: false,
    eventId: `by-hand-${resource.id}`,
  } as const
  const answers = await acceptSignals(world.control, { account: world.account, source: 'api', received: [{ signal, raw: null }] })
  expect(answers).toMatchObject([{ outcome: 'accepted' }])
}

async function flush(url: string): Promise<void> {
  const { port, hostname } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname })
  socket.end('FLUSHALL\r\nQUIT\r\n')
  expect(await text(socket)).toContain('+OK')
}
