import { seedWebService } from '@understudy/cloud-sim'
import { announceTransition, createPolicy, getTransition, importResource, transitionsReconciler } from '@understudy/control'
import type { Operation, PolicyRules, Resource, Transition } from '@understudy/control'
import { expect, test } from 'vitest'
import { useRooms } from './rooms.ts'
import type { Tenant } from './rooms.ts'

const rooms = useRooms()
const minuteMs = 60_000
let tenants = 0
let tenant: Tenant

async function governed(rules: PolicyRules): Promise<Resource> {
  const { control, clock, dc, newTenant, newAccount, finish } = rooms()
  tenant = await newTenant(`transitions ${++tenants}`)
  const account = await newAccount(tenant)
  const nativeId = seedWebService(dc, { name: `guarded-${tenants}`, purchase: 'on-demand' }).instance.instanceId
  clock.advance(2 * minuteMs)
  await finish(await importResource(control, tenant.operator, { accountId: account.id, nativeId, name: nativeId }))
  await createPolicy(control, tenant.admin, { name: 'guarded', rules })
  return (await control.database.stores.resources.findByNativeIds(account.id, [nativeId]))[0]!
}

const operations = (): Promise<readonly Operation[]> =>
  rooms().control.database.stores.operations.list(tenant.projectId, { after: undefined, limit: 100 })
/** A pass, and whatever it has begun to its end. */
async function look(id: string): Promise<Transition> {
  await rooms().drive(transitionsReconciler.pass(rooms().control))
  for (const operation of await operations()) if (operation.finishedAt === undefined) await rooms().finish(operation)
  return (await getTransition(rooms().control, tenant.viewer, { id })).transition
}
const announce = (resource: Resource): Promise<Transition> =>
  announceTransition(rooms().control, tenant.operator, {
    ...{ resourceId: resource.id, reason: 'the kernel is upgraded', estimatedSeconds: 60 },
    startsAt: new Date(rooms().clock.nowMs() + 60 * minuteMs),
  })

/** Announces a change in which somebody stops the instance and forgets to start it again; answers when it was looked at. */
async function damaged(resource: Resource): Promise<Transition> {
  const { dc, clock } = rooms()
  const { id } = await announce(resource)
  expect(await look(id)).toMatchObject({ status: 'prepared' })
  clock.advance(61 * minuteMs)
  dc.instances.stop([resource.nativeId])
  clock.advance(10 * minuteMs)
  expect(await look(id)).toMatchObject({ status: 'started' })
  return look(id)
}

test('a resource that a change has damaged is rolled back by its policy, once in a day; then a person is called', async () => {
  const { dc, clock } = rooms()
  const resource = await governed({ automatic: { perDay: 1 } })
  const disksBefore = dc.instances.get(resource.nativeId)!.blockDevices.map(({ volumeId }) => volumeId)
  const found = await damaged(resource)
  expect(found).toMatchObject({ status: 'damaged', check: { findings: [{ kind: 'not_running' }], recommendedPointId: found.pointId } })
  const done = await look(found.id)
  const { operationId } = done.check!.automatic as { operationId: string }
  const rollback = (await operations()).find(({ id }) => id === operationId)
  expect(rollback).toMatchObject({ kind: 'recovery.rollback', status: 'succeeded', requestedBy: 'system:automatic-rollback' })
  expect(dc.instances.get(resource.nativeId)!.blockDevices.map(({ volumeId }) => volumeId)).not.toEqual(disksBefore)
  // Decided once, whatever happens later.
  expect((await look(found.id)).check).toEqual(done.check)

  dc.instances.start([resource.nativeId])
  clock.advance(5 * minuteMs)
  const again = await look((await damaged(resource)).id)
  expect(again.check?.automatic).toEqual({ personCalled: 'It was rolled back 1 times in 24 hours already.' })

  clock.advance(24 * 60 * minuteMs)
  dc.instances.start([resource.nativeId])
  clock.advance(5 * minuteMs)
  expect((await look((await damaged(resource)).id)).check?.automatic).toMatchObject({ operationId: expect.stringMatching(/^op_/) as string })
})

test('without a rule a person is called, with what to go back to', async () => {
  const resource = await governed({ maxPointAgeSeconds: 3600 })
  const { id } = await damaged(resource)
  const over = await look(id)
  expect(over.check).toMatchObject({ recommendedPointId: over.pointId, automatic: { personCalled: expect.stringMatching(/No policy/) as string } })
  const events = await rooms().control.database.stores.events.listAfter(0, { limit: 1000, projectId: tenant.projectId })
  const types = events.filter(({ subject }) => subject === `transitions/${id}`).map(({ type }) => type.split('.')[3])
  expect(types).toEqual(['announced', 'prepared', 'started', 'check_started', 'rollback_recommended', 'person_called'])
})
