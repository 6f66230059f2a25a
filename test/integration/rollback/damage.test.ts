import {
  captureRecoveryPoint,
  createAccount,
  createPolicy,
  getRecoveryPoint,
  manifestHash,
  prepareRollback,
  startRollback,
  verifyRecoveryPoint,
} from '@understudy/control'
import type { Account, Finding, Operation, RecoveryPoint, Resource } from '@understudy/control'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from '../world.ts'
import type { World } from '../world.ts'
import { awsSite } from './aws-site.ts'
import { azureSite } from './azure-site.ts'
import { googleSite } from './google-site.ts'
import { letPass, type Site } from './site.ts'

let world: World
let sql: pg.Client
beforeAll(async () => {
  world = await createWorld({ sim: { speed: 60, listeners: false } })
  sql = new pg.Client({ connectionString: world.databaseUrl })
  await sql.connect()
  await createPolicy(world.control, world.principal, { name: 'digests', appliesTo: { labels: read }, rules: { digests: 'incremental' } })
}, 180_000)
afterAll(async () => {
  await sql.end()
  await world.close()
})

/** On a resource whose points are read. */
const read = { bytes: 'read' }
const patience = { timeout: 200_000, interval: 100 }
/** Clouds beside each other, one thing after another on each. */
const limit = { timeout: 300_000, concurrent: false }

type Place = Pick<Site, 'dataCentre' | 'make' | 'instanceIdOf' | 'attachments' | 'snapshotIdOf' | 'lose' | 'close'> & Partial<Site>
interface Cloud {
  readonly open: () => Promise<Place>
  /** Whether the bytes of its snapshots can be read. */
  readonly reads: boolean
}
const clouds: readonly (readonly [string, Cloud])[] = [
  ['AWS', { open: () => Promise.resolve(awsSite(world)), reads: true }],
  ['Azure, by restore points', { open: azureSite, reads: true }],
  ['Azure, by a snapshot of the one disk', { open: () => azureSite({ dataDisks: 0 }), reads: true }],
  ['Google Cloud', { open: googleSite, reads: false }],
]

/** What somebody does to a point; the one before it is named too. */
type Damage = (site: Place, point: RecoveryPoint, before: RecoveryPoint) => Promise<unknown>
const memberOf = ({ manifest }: RecoveryPoint): string => manifest!.disks.members[0]!.snapshot
const edit = (manifest: string, { id }: RecoveryPoint): Promise<unknown> =>
  sql.query('update recovery_points set manifest = $2 where id = $1', [id, manifest])
const forged = ({ manifest }: RecoveryPoint) => ({ ...manifest!, memory: { kept: false as const, reason: 'forged' } })

const damages: readonly (readonly [string, Finding['kind'], Damage])[] = [
  [
    'a snapshot that cannot be read',
    'snapshot_unusable',
    async (site, point) => site.dataCentre.storage.spoilSnapshot(site.snapshotIdOf(memberOf(point))),
  ],
  ['a deleted snapshot', 'snapshot_missing', (site, point) => site.lose(memberOf(point))],
  ['a manifest that was edited in the database', 'manifest_changed', (_site, point) => edit(JSON.stringify(forged(point)), point)],
  [
    'one that was edited together with its hash',
    'audit_differs',
    async (_site, point) => {
      await edit(JSON.stringify(forged(point)), point)
      await sql.query('update recovery_points set manifest_hash = $2 where id = $1', [point.id, manifestHash(forged(point))])
    },
  ],
  ['a broken chain', 'chain_broken', (_site, _point, { id }) => sql.query('delete from recovery_points where id = $1', [id])],
]

async function adopted(site: Place, account: Account, what: string, labels = {}): Promise<Resource> {
  const name = what.replaceAll('_', '-')
  const nativeId = await site.make(name)
  return world.imported({ accountId: account.id, nativeId, name, labels })
}

const pointOf = (id: string): Promise<RecoveryPoint> => getRecoveryPoint(world.control, world.principal, { id })

async function keep(site: Place, resource: Resource): Promise<RecoveryPoint> {
  // Of Google, disks of one snapshot once in ten minutes.
  if (site.clock !== undefined && site.speed !== undefined) await letPass({ clock: site.clock, speed: site.speed }, 21 * 60_000)
  const operation = await world.ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return pointOf((operation.params as { pointId: string }).pointId)
}

async function kindsIn({ id }: RecoveryPoint, share: number): Promise<readonly string[]> {
  const operation = await world.ended(await verifyRecoveryPoint(world.control, world.principal, { id, share }))
  expect(operation.status).toBe('succeeded')
  return [...new Set((await pointOf(id)).verification!.findings.map(({ kind }) => kind))]
}

const plan = (point: RecoveryPoint, despite: readonly Finding['kind'][] = []) =>
  prepareRollback(world.control, world.principal, { recoveryPointId: point.id, despite })
const approve = (point: RecoveryPoint, planHash: string): Promise<Operation> =>
  startRollback(world.control, world.principal, { recoveryPointId: point.id, planHash, reason: 'a test' })
const refusal = (kind: Finding['kind']) => ({ kind: 'point_damaged', message: expect.stringContaining(`${kind}: `) as string })

/** All that a rollback would change first. */
function stateOf(site: Place, { nativeId }: Resource) {
  const { state, launchTimeMs } = site.dataCentre.instances.get(site.instanceIdOf(nativeId))!
  return { state, launchTimeMs, attachments: site.attachments(nativeId) }
}

describe.concurrent.each(clouds)(
  'a point that is not what was kept, on %s, is refused by name before anything is stopped:',
  (cloud, { open, reads }) => {
    let site: Place
    let account: Account
    beforeAll(async () => {
      site = await open()
      account = site.account === undefined ? world.account : await createAccount(world.control, world.principal, { ...site.account, name: cloud })
    }, 180_000)
    afterAll(() => site.close())

    test.each(damages)('%s', limit, async (_what, kind, damage) => {
      const resource = await adopted(site, account, kind)
      const before = await keep(site, resource)
      const point = await keep(site, resource)
      const { planHash } = await plan(point)
      const untouched = stateOf(site, resource)
      expect(untouched.state).toBe('running')
      await damage(site, point, before)
      await expect(plan(point)).rejects.toMatchObject(refusal(kind))
      await expect(approve(point, planHash)).rejects.toMatchObject(refusal(kind))
      expect(await kindsIn(point, 0)).toEqual([kind])
      // Whoever knows of it may take the point all the same; a snapshot that is gone cannot be made up for.
      const knowing = plan(point, [kind])
      if (kind.startsWith('snapshot_')) await expect(knowing).rejects.toMatchObject(refusal(kind))
      else expect((await knowing).planHash).toEqual(expect.any(String))
      expect(stateOf(site, resource)).toEqual(untouched)
    })

    test('a clock of ours that was ahead', limit, async () => {
      const resource = await adopted(site, account, 'clock')
      const point = await keep(site, resource)
      const untouched = stateOf(site, resource)
      const { clock } = world.control
      const slow = { ...world.control, clock: { ...clock, nowMs: () => clock.nowMs() - 3_600_000, schedule: clock.schedule.bind(clock) } }
      await expect(prepareRollback(slow, world.principal, { recoveryPointId: point.id })).rejects.toMatchObject(refusal('clock_jumped'))
      expect(stateOf(site, resource)).toEqual(untouched)
    })

    test.skipIf(!reads)('bytes that have changed behind the cloud’s back', limit, async () => {
      const resource = await adopted(site, account, 'bytes', read)
      const [root] = site.attachments(resource.nativeId)
      const { blocks, storage } = site.dataCentre
      blocks.write(root!.volumeId, 0, new Uint8Array(100).fill(1))
      const { id } = await keep(site, resource)
      const point = await vi.waitUntil(async () => {
        await world.wake('recovery-digests')
        const found = await pointOf(id)
        return found.digests === undefined ? undefined : found
      }, patience)
      const { planHash } = await plan(point)
      const untouched = stateOf(site, resource)
      for (const { snapshot } of point.manifest!.disks.members) {
        const behind = site.snapshotIdOf(snapshot)
        for (const block of blocks.written(behind)) storage.corruptSnapshot(behind, { offset: block * 65_536, length: 10 })
      }
      const operation = await world.ended(await approve(point, planHash))
      expect(operation).toMatchObject({ status: 'failed', error: { code: 'point_damaged', message: refusal('bytes_changed').message } })
      expect(await kindsIn(point, 1)).toEqual(['bytes_changed'])
      await expect(plan(point)).rejects.toMatchObject(refusal('bytes_changed'))
      expect(stateOf(site, resource)).toEqual(untouched)
    })
  },
)
