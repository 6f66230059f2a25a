import { GuestFiles, programsOf } from '@understudy/cloud-sim'
import {
  captureRecoveryPoint,
  createPolicy,
  deletePolicy,
  getRecoveryPoint,
  getRestoreDrill,
  prepareRollback,
  startRollback,
  startTestRollback,
} from '@understudy/control'
import type { Operation, RecoveryPoint, Resource, RollbackRequest } from '@understudy/control'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
let resource: Resource
beforeAll(async () => {
  // Guests answer: they are probed through the region's proxy.
  world = await createWorld({ sim: { speed: 60 } })
  resource = await world.adopt(await world.seed('kept', { purchase: 'on-demand' }))
}, 300_000)
afterAll(async () => {
  await world.close()
})

const limit = { timeout: 900_000 }

async function keep(): Promise<RecoveryPoint> {
  const operation = await world.ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect(operation.status).toBe('succeeded')
  return getRecoveryPoint(world.control, world.principal, { id: (operation.params as { pointId: string }).pointId })
}

const plan = (request: RollbackRequest) => prepareRollback(world.control, world.principal, request)
const approve = (request: RollbackRequest, planHash: string) =>
  startRollback(world.control, world.principal, { ...request, planHash, reason: 'a test' })
const run = async (request: RollbackRequest): Promise<Operation> => world.ended(await approve(request, (await plan(request)).planHash))

const instance = () => world.sim.dataCentre.instances.get(resource.nativeId)!
const volumes = () =>
  instance()
    .blockDevices.map(({ volumeId }) => volumeId)
    .toSorted()

test('what came back is verified by its boot, by the cloud and by probes; one that fails puts everything back', limit, async () => {
  const point = await keep()
  const answering = { kind: 'http', port: 8080, path: '/healthz', contains: 'ok' } as const
  const verified = await run({ recoveryPointId: point.id, verification: { probes: [answering, { kind: 'tcp', port: 8080 }] } })
  expect({ status: verified.status, error: verified.error }).toEqual({ status: 'succeeded', error: undefined })
  const before = volumes()
  const wrong = { ...answering, status: 503 }
  const failed = await run({ recoveryPointId: point.id, verification: { probes: [wrong], withinSeconds: 3 } })
  expect(failed).toMatchObject({
    status: 'failed',
    error: { code: 'verification_failed', message: expect.stringContaining('It answered 200') as string },
  })
  expect(volumes()).toEqual(before)
  expect(instance().state).toBe('running')
  // Whoever wants it kept all the same is told, and keeps it.
  const kept = await run({ recoveryPointId: point.id, verification: { probes: [wrong], withinSeconds: 3 }, onFailedVerification: 'keep' })
  expect(kept.status).toBe('succeeded')
  expect(volumes()).not.toEqual(before)
})

test('what a policy wants is asked from inside as well: a file by its checksum, a database by a query, and a command', limit, async () => {
  const { dataCentre } = world.sim
  const files = new GuestFiles(dataCentre, resource.nativeId)
  files.write('/etc/app.conf', Buffer.from('mode = kept'))
  const sums = () => createHash('sha256').update('mode = kept').digest('hex')
  const point = await keep()
  files.write('/etc/app.conf', Buffer.from('mode = broken'))
  const asked: string[][] = []
  programsOf(dataCentre).set('psql', (args, seen) => {
    asked.push([...args])
    return { exitCode: 0, output: `${seen.read('/etc/app.conf')?.toString() === 'mode = kept' ? '42' : '0'}\n` }
  })
  const sql = `select count(*) from orders where state = 'paid'`
  const checks = [
    { kind: 'checksum', path: '/etc/app.conf', sha256: sums() },
    { kind: 'query', name: 'orders', engine: 'postgresql', database: 'shop', sql, expects: '42' },
    { kind: 'command', name: 'config', script: 'test -f /etc/app.conf && cat /etc/app.conf', contains: 'kept' },
  ] as const
  const policy = await createPolicy(world.control, world.principal, {
    name: 'inside',
    rules: { verification: { checks: [...checks], withinSeconds: 120 } },
  })
  const verified = await run({ recoveryPointId: point.id })
  expect({ status: verified.status, error: verified.error }).toEqual({ status: 'succeeded', error: undefined })
  expect(asked.every((args) => args.join(' ').endsWith(`-d shop -c ${sql}`))).toBe(true)
  // Each check has its row, by its hash; what is in a script is in no row.
  const rows = await world.control.database.stores.audit.list(resource.projectId, { after: 0, limit: 1000 })
  const runs = rows.filter(({ action }) => action === 'commands.run')
  expect(new Set(runs.map(({ details }) => (details as { check: string }).check))).toEqual(
    new Set(['checksum /etc/app.conf', 'query postgresql orders', 'command config']),
  )
  expect(JSON.stringify(runs)).not.toContain('app.conf && cat')

  const before = volumes()
  const wrong = [{ ...checks[0], sha256: '0'.repeat(64) }]
  const failed = await run({ recoveryPointId: point.id, verification: { checks: wrong, withinSeconds: 3 } })
  expect(failed).toMatchObject({
    status: 'failed',
    error: { code: 'verification_failed', message: expect.stringContaining('checksum /etc/app.conf: The file has another checksum') as string },
  })
  expect(volumes()).toEqual(before)
  // The clone of a rehearsal speaks to nobody.
  const rehearsed = await world.ended(await startTestRollback(world.control, world.principal, { id: point.id, reason: 'a test' }))
  const drill = await getRestoreDrill(world.control, world.principal, { id: (rehearsed.params as { drillId: string }).drillId })
  expect(drill.record!.checks.map(({ check, outcome }) => `${check} ${outcome}`)).toEqual([
    'boot passed',
    'cloud passed',
    'checksum /etc/app.conf skipped',
    'query postgresql orders skipped',
    'command config skipped',
  ])
  await deletePolicy(world.control, world.principal, { id: policy.id, seenVersion: policy.version })
})
