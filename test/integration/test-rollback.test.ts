import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { captureRecoveryPoint, getRestoreDrill, listSigningKeys, rotateSigningKey, startTestRollback } from '@understudy/control'
import type { RestoreDrill } from '@understudy/control'
import { ownTags } from '@understudy/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
let directory: string
beforeAll(async () => {
  world = await createWorld({ sim: { speed: 60 } })
  directory = await mkdtemp(join(tmpdir(), 'understudy-record-'))
})
afterAll(async () => {
  await world.close()
  await rm(directory, { recursive: true })
})

const limit = { timeout: 900_000 }

async function rehearse(pointId: string, probe: { readonly status: number }): Promise<RestoreDrill> {
  const verification = { probes: [{ kind: 'http', port: 8080, path: '/healthz', ...probe } as const], withinSeconds: probe.status === 200 ? 120 : 3 }
  const operation = await world.ended(await startTestRollback(world.control, world.principal, { id: pointId, reason: 'a test', verification }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return getRestoreDrill(world.control, world.principal, { id: (operation.params as { drillId: string }).drillId })
}

const run = promisify(execFile)
async function verifyOffline(document: object, publicKey: string): Promise<string> {
  const [record, key] = [join(directory, 'record.json'), join(directory, 'key.pem')]
  await writeFile(record, JSON.stringify(document))
  await writeFile(key, publicKey)
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'verify-record.mjs')
  return (await run(process.execPath, [script, record, key])).stdout
}

test('a test rollback over the wire: isolated, verified, measured, deleted, and signed so that anybody can check it', limit, async () => {
  const { dataCentre } = world.sim
  const resource = await world.adopt(await world.seed('kept', { purchase: 'on-demand' }))
  const before = { ...dataCentre.instances.get(resource.nativeId)! }
  const capture = await world.ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  const { pointId } = capture.params as { pointId: string }
  const groups: unknown[] = []
  const unsubscribe = dataCentre.subscribe((event) => {
    if (event.kind !== 'instance_state' || event.to !== 'running') return
    const clone = dataCentre.instances.get(event.instanceId)
    if (clone?.tags[ownTags.role] !== 'drill') return
    const { items } = dataCentre.network.describeSecurityGroups({ ids: clone.securityGroupIds })
    groups.push(...items.map(({ ingress, egress }) => ({ ports: ingress?.map(({ toPort }) => toPort), egress })))
  })
  const passed = await rehearse(pointId, { status: 200 })
  unsubscribe()
  // Four private ranges may ask on the port of the probe; nothing goes out.
  expect(groups).toEqual([{ ports: [8080, 8080, 8080, 8080], egress: [] }])
  expect(passed).toMatchObject({ status: 'passed', record: { outcome: 'passed', removed: { instances: 1, securityGroups: 1 } } })
  expect(passed.record!.checks.map(({ check, outcome }) => `${check} ${outcome}`)).toEqual([
    'boot passed',
    'cloud passed',
    'http 8080 /healthz 200 passed',
  ])
  expect(passed.record!.recoverySeconds).toBeGreaterThan(0)

  const failed = await rehearse(pointId, { status: 503 })
  expect(failed).toMatchObject({ status: 'failed', record: { outcome: 'failed' } })
  const isDrill = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean => tags[ownTags.role] === 'drill'
  expect([...dataCentre.instances.all()].filter((instance) => isDrill(instance) && instance.state !== 'terminated')).toEqual([])
  expect(dataCentre.storage.describeVolumes().items.filter((volume) => isDrill(volume))).toEqual([])
  expect(dataCentre.network.describeSecurityGroups().items.filter((group) => isDrill(group))).toEqual([])
  expect(dataCentre.instances.get(resource.nativeId)).toMatchObject({ state: 'running', launchTimeMs: before.launchTimeMs })

  const [key] = await listSigningKeys(world.control, world.principal)
  const { record, signature } = passed
  expect(await verifyOffline({ record, signature }, key!.publicKey)).toContain(`Verified with ${key!.id}`)
  const forged = { record: { ...failed.record, outcome: 'passed' }, signature: failed.signature }
  await expect(verifyOffline(forged, key!.publicKey)).rejects.toThrow('NOT VERIFIED: the record is not what was signed')
  const next = await rotateSigningKey(world.control, world.principal)
  await expect(verifyOffline({ record, signature }, next.publicKey)).rejects.toThrow('NOT VERIFIED: it was signed with')
  expect((await listSigningKeys(world.control, world.principal)).map(({ id, retiredAt }) => [id, retiredAt === undefined])).toEqual([
    [next.id, true],
    [key!.id, false],
  ])
})
