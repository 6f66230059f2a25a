import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { acceptSignals } from '@understudy/control'
import { createTestDatabase, startTestRedis, testRedisUrl, unusedPort } from '@understudy/testing'
import type { TestDatabase, TestRedis } from '@understudy/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCrashWorld, namesOf } from '../crash-world.ts'
import type { CrashWorld, Protected } from '../crash-world.ts'
import { expectAtRest, expectFailedOver } from '../invariants.ts'
import { hotTier } from '../tiers.ts'
import { startWorkerProcess } from '../worker-process.ts'
import type { WorkerProcess } from '../worker-process.ts'
import { idsOf, inFrontOf, interrupt, interruptedClouds, turnsOf } from './interrupted.ts'

describe.skipIf(testRedisUrl() === undefined).each(interruptedClouds)('on $title, Redis emptied in the middle of a failover', (cloud) => {
  const { leaseSeconds } = cloud
  const turns = turnsOf(cloud)
  let own: TestDatabase
  let redis: TestRedis | undefined
  let world: CrashWorld
  let worker: WorkerProcess
  let services: readonly Protected[]
  const url = (): string => redis?.url ?? ''
  const start = (redisUrl = url()): WorkerProcess => startWorkerProcess({ databaseUrl: own.url, redisUrl, leaseSeconds })
  beforeAll(async () => {
    own = await createTestDatabase()
    redis = await startTestRedis()
    world = await createCrashWorld(own.url, cloud)
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
    const service = services[0]!
    const isDone = inFrontOf(world, service, turns.shift, () => flush(url()))
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(isDone()).toBe(true)
  })

  test('loses nothing when the worker dies with it', async () => {
    const service = services[1]!
    let isDone = false
    world.cloud.proxy.watch(namesOf(world, service), async ({ number, phase }, forward) => {
      await forward()
      if (number !== turns.end - 2 || phase !== 'change' || isDone) return 'answer'
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
    worker = start(`redis://127.0.0.1:${await unusedPort()}`)
    await worker.ready
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(await worker.stop()).toBe(0)
    worker = start()
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
