import {
  createPolicy,
  importResource,
  listCompliance,
  lockRecoveryPoint,
  policyDrillsReconciler,
  recoveryPoliciesReconciler,
} from '@understudy/control'
import type { Operation, PolicyRules, RecoveryPoint, Resource } from '@understudy/control'
import { expect, test } from 'vitest'
import { useRooms } from './rooms.ts'
import type { Tenant } from './rooms.ts'

const rooms = useRooms()
const hourMs = 3_600_000
let tenants = 0
let tenant: Tenant
let resource: Resource

/** A project of its own with one resource and one policy. */
async function governed(rules: PolicyRules): Promise<void> {
  const { control, newTenant, newAccount, newService, finish } = rooms()
  tenant = await newTenant(`policies ${++tenants}`)
  const account = await newAccount(tenant)
  const { nativeId, traffic } = newService(`governed-${tenants}`)
  await finish(await importResource(control, tenant.operator, { accountId: account.id, nativeId, name: nativeId, traffic }))
  const [found] = await control.database.stores.resources.findByNativeIds(account.id, [nativeId])
  resource = found!
  await createPolicy(control, tenant.admin, { name: 'nightly', rules })
}
const points = (): Promise<readonly RecoveryPoint[]> =>
  rooms().control.database.stores.recoveryPoints.list(tenant.projectId, { after: undefined, limit: 100 })
const captures = (): Promise<readonly Operation[]> =>
  rooms().control.database.stores.operations.list(tenant.projectId, { after: undefined, limit: 100, kind: 'recovery.capture' })
const pass = () => rooms().drive(recoveryPoliciesReconciler.pass(rooms().control))
async function passAndFinish(): Promise<void> {
  await pass()
  for (const operation of await captures()) if (operation.finishedAt === undefined) await rooms().finish(operation)
}

test('what a schedule asks for is captured once, and missed occurrences are made up for by one', async () => {
  await governed({ schedule: { cron: '0 * * * *', timeZone: 'UTC' } })
  await pass()
  // What it would have asked for before it was there is nobody's.
  expect(await points()).toHaveLength(0)
  rooms().clock.advance(hourMs)
  await passAndFinish()
  await passAndFinish()
  expect(await points()).toMatchObject([
    { status: 'usable', requestedBy: 'system:recovery-policies', reason: expect.stringMatching(/^Schedule, /) as string },
  ])
  // Nobody looked for ten hours.
  rooms().clock.advance(10 * hourMs)
  await passAndFinish()
  await passAndFinish()
  expect(await points()).toHaveLength(2)
})

test('what is due outside of the window waits until it opens', async () => {
  const hour = (add: number): string => `${String((new Date(rooms().clock.nowMs()).getUTCHours() + add) % 24).padStart(2, '0')}:00`
  await governed({ schedule: { cron: '0 * * * *', timeZone: 'UTC', window: { from: hour(5), to: hour(7) } } })
  rooms().clock.advance(2 * hourMs)
  await pass()
  expect(await points()).toHaveLength(0)
  rooms().clock.advance(3.5 * hourMs)
  await passAndFinish()
  expect(await points()).toHaveLength(1)
})

test('a capture that fails is begun again, three times in all, and not before the one before has ended', async () => {
  await governed({ schedule: { cron: '0 * * * *', timeZone: 'UTC' } })
  rooms().clock.advance(hourMs)
  rooms().dc.instances.terminate([resource.nativeId])
  rooms().clock.advance(120_000)
  for (let round = 0; round < 5; round++) {
    await pass()
    await passAndFinish()
  }
  expect((await points()).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed'])
})

test('retention lets go of what no rule wants, and of nothing that is locked, newest, or in use', async () => {
  const { control, clock } = rooms()
  await governed({ schedule: { cron: '0 * * * *', timeZone: 'UTC' } })
  for (let round = 0; round < 5; round++) {
    clock.advance(hourMs)
    await passAndFinish()
  }
  const [newest, second, third, fourth, fifth] = await points()
  await lockRecoveryPoint(control, tenant.operator, { id: third!.id, seenVersion: third!.version, until: new Date(clock.nowMs() + 48 * hourMs) })
  await control.database.transaction(async (stores) => {
    const operation = { ...(await captures())[0]!, id: control.ids.next('operation'), kind: 'recovery.verify', status: 'pending' } as const
    const unfinished = { ...operation, params: { pointId: fourth!.id }, lockKey: undefined, finishedAt: undefined }
    await stores.operations.insertUnlocked([unfinished])
  })
  await createPolicy(control, tenant.admin, { name: 'short', priority: 1, rules: { retention: { count: 1 } } })
  await pass()
  const deleted = async (): Promise<string[]> => (await points()).filter(({ deleteTime }) => deleteTime !== undefined).map(({ id }) => id)
  expect(await deleted()).toEqual([second!.id, fifth!.id])
  // The lock runs out, and then it goes too.
  clock.advance(49 * hourMs)
  await pass()
  expect(await deleted()).toContain(third!.id)
  expect(await deleted()).not.toContain(newest!.id)
})

test('a restore is rehearsed when the last proof has grown old, once, inside of the window, and not while there is nothing to go back to', async () => {
  const { control, clock, drive, finish } = rooms()
  const hour = (add: number): string => `${String((new Date(clock.nowMs()).getUTCHours() + add) % 24).padStart(2, '0')}:00`
  const window = { from: hour(3), to: hour(6) }
  await governed({ schedule: { cron: '0 * * * *', timeZone: 'UTC' }, proofMaxAgeSeconds: 86_400, drills: { afterSeconds: 12 * 3600, window } })
  const rehearse = async (): Promise<number> => {
    await drive(policyDrillsReconciler.pass(control))
    const all = await control.database.stores.operations.list(tenant.projectId, { after: undefined, limit: 100, kind: 'recovery.test-rollback' })
    for (const operation of all) if (operation.finishedAt === undefined) expect((await finish(operation)).status).toBe('succeeded')
    return all.length
  }
  expect(await rehearse()).toBe(0)
  clock.advance(hourMs)
  await passAndFinish()
  // There is a point, and the window is closed.
  expect(await rehearse()).toBe(0)
  clock.advance(3 * hourMs)
  expect(await rehearse()).toBe(1)
  expect(await rehearse()).toBe(1)
  const { items } = await listCompliance(control, tenant.operator, {})
  expect(items).toMatchObject([{ resourceId: resource.id, violations: [], restoreProvenAt: expect.any(Date) as Date }])
  clock.advance(13 * hourMs)
  expect(await rehearse()).toBe(1)
  clock.advance(11 * hourMs)
  expect(await rehearse()).toBe(2)
})
