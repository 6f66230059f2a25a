import { createTestDatabase } from '@understudy/testing'
import type { TestDatabase } from '@understudy/testing'
import type { Signal } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createCrashWorld } from '../crash-world.ts'
import type { CrashWorld, Protected } from '../crash-world.ts'
import { expectAtRest, expectFailedOver } from '../invariants.ts'
import { hotTier } from '../tiers.ts'
import { startWorkerProcess } from '../worker-process.ts'
import type { WorkerProcess } from '../worker-process.ts'
import { idsOf, inFrontOf, interrupt, interruptedClouds, turnsOf } from './interrupted.ts'

describe.each(interruptedClouds)('on $title, the notice of an interruption', (cloud) => {
  let own: TestDatabase
  let world: CrashWorld
  let worker: WorkerProcess
  let services: readonly Protected[]
  beforeAll(async () => {
    own = await createTestDatabase()
    world = await createCrashWorld(own.url, cloud)
    worker = startWorkerProcess({ databaseUrl: own.url, leaseSeconds: cloud.leaseSeconds })
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
    const { nativeId } = service.resource
    const isDone = inFrontOf(world, service, turnsOf(cloud).shift + 1, () => world.repeatNotice(nativeId, 10))
    await interrupt(world, service, 30)
    await expectFailedOver(world, service, () => worker)
    expect(isDone()).toBe(true)
    await world.repeatNotice(nativeId, 10)
    // The cloud may deliver one twice by itself, where a busy worker acknowledges late.
    await vi.waitUntil(async () => ((await signalsOf(service, 'interruption'))[0]?.duplicates ?? 0) >= 49, { timeout: 120_000, interval: 100 })
    expect(await signalsOf(service, 'interruption')).toMatchObject([{ outcome: 'accepted' }])
    await expectFailedOver(world, service, () => worker)
  })

  test.for([
    { notice: 'soon after the instance has gone', noticeAfterMs: 20_000 },
    { notice: 'long after the instance has gone', noticeAfterMs: 600_000 },
  ])('that comes $notice recovers the resource once', async ({ noticeAfterMs }, { skip }) => {
    skip(world.cloud.metadata !== undefined, 'Only the machine itself is told, and it has gone.')
    const service = services[noticeAfterMs > 20_000 ? 2 : 1]!
    world.cloud.proxy.unwatch()
    world.reclaim(service.resource.nativeId, { noticeAfterMs })
    await vi.waitUntil(async () => (await signalsOf(service, 'interruption')).length === 1, { timeout: 120_000, interval: 100 })
    await expectFailedOver(world, service, () => worker)
    const [notice] = await signalsOf(service, 'interruption')
    expect(notice?.outcome).toBeOneOf(['accepted', 'unmatched'])
  })

  test('that never comes is not needed: the lost primary is noticed', async () => {
    const service = services[3]!
    world.reclaim(service.resource.nativeId)
    await expectFailedOver(world, service, () => worker)
    expect(await signalsOf(service, 'interruption')).toEqual([])
  })

  test('and every promise is kept again', () => expectAtRest(world, idsOf(services)))
})
