import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import type { EmbeddedPostgres } from '@understudy/persistence/embedded'
import { migrate } from '@understudy/persistence/migrate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCrashWorld } from '../crash-world.ts'
import type { CrashWorld, Protected } from '../crash-world.ts'
import { expectAtRest, expectFailedOver } from '../invariants.ts'
import { hotTier } from '../tiers.ts'
import { startWorkerProcess } from '../worker-process.ts'
import type { WorkerProcess } from '../worker-process.ts'
import { idsOf, inFrontOf, interrupt, interruptedClouds, turnsOf } from './interrupted.ts'

describe.each(interruptedClouds)('on $title, PostgreSQL crashing in the middle of a failover', (cloud) => {
  const { shift, end, promote } = turnsOf(cloud)
  let directory: string
  let server: EmbeddedPostgres
  let world: CrashWorld
  let worker: WorkerProcess
  let services: Protected[]
  let all: readonly string[]
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'understudy-crash-'))
    await chmod(directory, 0o755) // The server runs as another user when root runs the tests.
    // One that waits for the disk: what it has confirmed has to be there after a crash.
    server = await startEmbeddedPostgres({ directory, connectionsMax: 60 })
    await migrate(server.url)
    world = await createCrashWorld(server.url, cloud)
    worker = startWorkerProcess({ databaseUrl: server.url, leaseSeconds: cloud.leaseSeconds })
    await worker.ready
    services = [...(await world.protect('crash', 6, hotTier))]
    all = idsOf(services)
  })
  afterAll(async () => {
    await worker.kill()
    await world.close()
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })

  test.each([
    { number: shift, when: 'before the traffic moves' },
    { number: end, when: 'before the former primary is ended' },
    { number: promote, when: 'before the stand-in is promoted' },
  ])('delays it, $when', async ({ number }) => {
    const service = services.pop()!
    const isDone = inFrontOf(world, service, number, () => world.whileAway(server.restart('crash')))
    await interrupt(world, service)
    await expectFailedOver(world, service, () => worker)
    expect(isDone()).toBe(true)
  })

  test.each([{ number: shift }, { number: end - 1 }, { number: promote }])(
    'is survived while the cloud goes on, from change $number on',
    async ({ number }) => {
      const service = services.pop()!
      let restarting = Promise.resolve()
      const isDone = inFrontOf(world, service, number, () => {
        restarting = world.whileAway(server.restart('crash'))
        return Promise.resolve()
      })
      await interrupt(world, service)
      await expectFailedOver(world, service, () => worker)
      expect(isDone()).toBe(true)
      await restarting
    },
  )

  test('and the same worker keeps every promise again', async () => {
    await expectAtRest(world, all)
    expect(await worker.stop(), 'it has survived, drains and ends').toBe(0)
  })
})
