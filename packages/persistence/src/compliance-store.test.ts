import { manifestHash, policyOf } from '@understudy/control'
import type { ComplianceRow, Manifest, RecoveryPoint, Resource, RestoreDrill, RestoreRecord } from '@understudy/control'
import { randomIds, seededRandom } from '@understudy/core'
import { expect, test } from 'vitest'
import { aDna, aPolicy, aRecoveryCopy, aRecoveryPoint, aRestoreDrill, aResource, aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const stores = () => connection.database.stores
const hourMs = 3_600_000

const aPoint = (of: Resource, sequence: number, capturedAt: Date, overrides: Partial<RecoveryPoint> = {}): RecoveryPoint => {
  const id = randomIds.next('recoveryPoint')
  const manifest = { format: 1, point: id } as unknown as Manifest // its content is of no concern here
  const sealed = { status: 'usable', sequence, manifest, manifestHash: manifestHash(manifest), capturedAt } as const
  return aRecoveryPoint({ projectId: of.projectId, resourceId: of.id, accountId: of.accountId }, { id, ...sealed, ...overrides })
}
const aDrill = (of: Resource, status: RestoreDrill['status'], verifiedAt: Date): RestoreDrill =>
  aRestoreDrill(
    { projectId: of.projectId, resourceId: of.id, accountId: of.accountId },
    // The rest of the record is of no concern here.
    { status, record: { verifiedAt: verifiedAt.toISOString() } as RestoreRecord, signature: { keyId: 'sk_1', algorithm: 'Ed25519', value: '' } },
  )
async function aPlace() {
  const { project, account } = await aWorld(connection.database)
  const of = { projectId: project.id, accountId: account.id }
  const insert = async (overrides: Partial<Resource> = {}): Promise<Resource> => {
    const resource = aResource({ ...of, ...overrides })
    await stores().resources.insert(resource)
    return resource
  }
  const rows = async (filter: object = {}): Promise<readonly ComplianceRow[]> =>
    stores().compliance.list(project.id, { after: undefined, limit: 1000, at: start, ...filter })
  return { projectId: project.id, insert, rows }
}

test('names each violation, and only that', async () => {
  const { projectId, insert, rows } = await aPlace()
  const rules = { maxPointAgeSeconds: 7200, proofMaxAgeSeconds: 86_400 }
  const policy = aPolicy({ projectId, appliesTo: { types: [], labels: { ruled: 'yes' }, group: undefined }, rules })
  const ageOnly = aPolicy({ projectId, appliesTo: { types: [], labels: { ruled: 'age' }, group: undefined }, rules: { maxPointAgeSeconds: 7200 } })
  for (const item of [policy, ageOnly]) await stores().rollbackPolicies.insert(item)
  const [free, none, old, fresh] = [
    await insert({ labels: {} }),
    await insert({ labels: { ruled: 'yes' } }),
    await insert({ labels: { ruled: 'age' } }),
    await insert({ labels: { ruled: 'age' } }),
  ]
  await stores().recoveryPoints.insert(aPoint(old, 1, later(-3 * hourMs)))
  // Neither a deleted point nor a purged one helps.
  await stores().recoveryPoints.insert(aPoint(old, 2, start, { deleteTime: start, purgeTime: later(1) }))
  await stores().recoveryPoints.insert(aPoint(old, 3, start, { status: 'purged' }))
  const newest = aPoint(fresh, 2, later(-hourMs))
  await stores().recoveryPoints.insert(aPoint(fresh, 1, later(-5 * hourMs)))
  await stores().recoveryPoints.insert(newest)
  const of = async ({ id }: Resource): Promise<ComplianceRow | undefined> => (await rows()).find(({ resourceId }) => resourceId === id)
  expect(await of(free)).toMatchObject({ violations: ['no_policy'], policyId: undefined })
  expect(await of(none)).toMatchObject({ violations: ['no_point', 'no_proven_restore'], policyId: policy.id })
  // Nor does a rehearsal that failed.
  await stores().restoreDrills.insert(aDrill(none, 'failed', later(-hourMs)))
  expect(await of(none)).toMatchObject({ violations: ['no_point', 'no_proven_restore'], restoreProvenAt: undefined })
  await stores().restoreDrills.insert(aDrill(none, 'passed', later(-25 * hourMs)))
  expect(await of(none)).toMatchObject({ violations: ['no_point', 'no_proven_restore'], restoreProvenAt: later(-25 * hourMs) })
  await stores().restoreDrills.insert(aDrill(none, 'passed', later(-23 * hourMs)))
  expect(await of(none)).toMatchObject({ violations: ['no_point'], restoreProvenAt: later(-23 * hourMs) })
  expect(await of(old)).toMatchObject({ violations: ['point_too_old'], newestPointAt: later(-3 * hourMs) })
  expect(await of(fresh)).toMatchObject({ violations: [], newestPointId: newest.id, maxPointAgeSeconds: 7200 })
  const ids = async (filter: object): Promise<string[]> => (await rows(filter)).map(({ resourceId }) => resourceId)
  expect(await ids({ violation: 'point_too_old' })).toEqual([old.id])
  expect(await ids({ violation: 'any' })).not.toContain(fresh.id)
  expect((await ids({ policyId: ageOnly.id })).toSorted()).toEqual([old.id, fresh.id].toSorted())
  expect(await ids({ accountId: 'acc_other' })).toEqual([])
  const all = await ids({})
  expect(await ids({ after: all[1], limit: 1 })).toEqual([all[2]])
})

test('a copy that a policy wants has to be complete, young enough, and of a point that is there, unless its region is the own', async () => {
  const { projectId, insert, rows } = await aPlace()
  const rules = { maxPointAgeSeconds: 7200, copies: [{ region: 'far-1' }] }
  await stores().rollbackPolicies.insert(aPolicy({ projectId, appliesTo: { types: [], labels: { far: 'yes' }, group: undefined }, rules }))
  const resource = await insert({ labels: { far: 'yes' } })
  const { region: own } = (await stores().accounts.findById(resource.accountId))!
  const home = { copies: [{ region: own }] }
  await stores().rollbackPolicies.insert(aPolicy({ projectId, appliesTo: { types: [], labels: { far: 'own' }, group: undefined }, rules: home }))
  const atHome = await insert({ labels: { far: 'own' } })
  const of = async ({ id }: Resource) => (await rows()).find(({ resourceId }) => resourceId === id)?.violations
  const [old, fresh] = [aPoint(resource, 1, later(-3 * hourMs)), aPoint(resource, 2, later(-hourMs))]
  for (const point of [old, fresh]) await stores().recoveryPoints.insert(point)
  const place = { projectId, resourceId: resource.id, accountId: resource.accountId }
  expect([await of(resource), await of(atHome)]).toEqual([['no_copy'], []])
  const complete = { status: 'complete', completedAt: start } as const
  const begun = aRecoveryCopy(place, { pointId: fresh.id })
  await stores().recoveryCopies.insert([aRecoveryCopy(place, { pointId: old.id, ...complete }), begun])
  await stores().recoveryCopies.insert([aRecoveryCopy(place, { pointId: fresh.id, region: 'far-2', ...complete })])
  expect(await of(resource)).toEqual(['no_copy'])
  await stores().recoveryCopies.update({ ...begun, ...complete }, 1)
  expect(await of(resource)).toEqual([])
  await stores().recoveryPoints.update({ ...fresh, deleteTime: start, purgeTime: later(1) }, 1)
  expect(await of(resource)).toEqual(['point_too_old', 'no_copy'])
})

test('chooses the policy that the rule chooses, whatever policies and resources there are', async () => {
  const { projectId, insert, rows } = await aPlace()
  const random = seededRandom(17)
  const some = <T>(values: readonly T[]): T => values[random.int(0, values.length - 1)]!
  const policies = Array.from({ length: 40 }, (_, index) => {
    const createdAt = later(random.int(0, 5) * 1000)
    const labels = {
      ...(random.int(0, 1) === 1 ? { team: some(['shop', 'ops']) } : {}),
      ...(random.int(0, 1) === 1 ? { stage: some(['live', 'test']) } : {}),
    }
    const types = some([[], [], ['m7i.*'], ['*.large'], ['Standard_D2*', 'c7i.large']])
    const appliesTo = { types, labels, group: some([undefined, undefined, 'payments']) }
    const deleted = index % 9 === 0 ? { deleteTime: start, purgeTime: later(1) } : {}
    return aPolicy({ projectId, appliesTo, priority: random.int(0, 1), createdAt, ...deleted })
  })
  for (const policy of policies) await stores().rollbackPolicies.insert(policy)
  const expected = new Map<string, string | undefined>()
  for (let index = 0; index < 60; index++) {
    const nativeId = `i-${index}-${projectId}`
    const size = { ...aDna(nativeId).size, type: some(['m7i.large', 'c7i.large', 'Standard_D2s_v5', 'StandardXD2s', 't3.small']) }
    const labels = { team: some(['shop', 'ops', 'lab']), stage: some(['live', 'test']), ...(random.int(0, 2) === 0 ? { group: 'payments' } : {}) }
    const resource = await insert({ nativeId, labels, dna: { ...aDna(nativeId), size } })
    expected.set(resource.id, policyOf(resource, policies)?.id)
  }
  const found = new Map((await rows()).filter(({ resourceId }) => expected.has(resourceId)).map(({ resourceId, policyId }) => [resourceId, policyId]))
  expect(found).toEqual(expected)
  expect(new Set(found.values()).size).toBeGreaterThan(3)
})

test('every row has the room of its own points', async () => {
  const { insert, rows } = await aPlace()
  const [bare, two] = [await insert(), await insert()]
  await stores().recoveryPoints.insert(aPoint(two, 1, start, { space: { usedBytes: 100, fullBytes: 100 } }))
  await stores().recoveryPoints.insert(aPoint(two, 2, start, { space: { usedBytes: 1, fullBytes: 100 } }))
  await stores().recoveryPoints.insert(aPoint(two, 3, start, { status: 'purged', space: { usedBytes: 7, fullBytes: 100 } }))
  const of = async ({ id }: Resource) => (await rows()).find(({ resourceId }) => resourceId === id)?.space
  const none = { known: 0, bytes: 0 }
  expect(await of(bare)).toEqual({ points: 0, used: none, full: none, saved: none })
  expect(await of(two)).toEqual({ points: 2, used: { known: 2, bytes: 101 }, full: { known: 2, bytes: 200 }, saved: { known: 2, bytes: 99 } })
})
