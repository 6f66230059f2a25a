import { expect, test } from 'vitest'
import type { Shadow } from '@understudy/control'
import { aShadow, aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const shadows = () => connection.database.stores.shadows

async function aStoredShadow(overrides: Partial<Shadow> = {}): Promise<Shadow> {
  const { project, account, resource } = await aWorld(connection.database)
  const shadow = aShadow({ projectId: project.id, accountId: account.id, resourceId: resource.id, ...overrides })
  await shadows().insert(shadow)
  return shadow
}

test('a shadow comes back as it was stored, with and without its optional parts', async () => {
  const bare = await aStoredShadow()
  const full = await aStoredShadow({
    status: 'reserved',
    nativeId: 'i-full',
    proof: { at: start, method: 'start', seconds: 41.5, operationId: 'op_drill' },
    armedUntil: later(1000),
    operationId: 'op_x',
    failures: 2,
    lastError: 'no capacity',
  })
  expect(await shadows().find(bare.projectId, bare.id)).toEqual(bare)
  expect(await shadows().findById(full.id)).toEqual(full)
  expect(await shadows().list(full.projectId, { after: undefined, limit: 10, resourceId: full.resourceId, status: 'reserved' })).toEqual([full])
  expect(await shadows().list(full.projectId, { after: undefined, limit: 10, status: 'ready' })).toEqual([])
})

test('those that are promoted or retired are not among the living', async () => {
  const shadow = await aStoredShadow({ status: 'ready', nativeId: 'i-living' })
  for (const status of ['promoted', 'retired', 'retiring'] as const) {
    await shadows().insert(aShadow({ ...shadow, id: `${shadow.id}-${status}`, status, nativeId: status === 'retiring' ? undefined : 'i-living' }))
  }
  const alive = await shadows().listAlive([shadow.resourceId])
  expect(alive.map(({ status }) => status).toSorted()).toEqual(['ready', 'retiring'])
  expect(await shadows().listAliveByNativeIds(shadow.accountId, ['i-living'])).toEqual([shadow])
})

test('one instance is a living stand-in once', async () => {
  const shadow = await aStoredShadow({ status: 'ready', nativeId: 'i-twice' })
  await expect(shadows().insert({ ...shadow, id: `${shadow.id}-b` })).rejects.toMatchObject({ kind: 'already_exists' })
})

test('of many moves from one status exactly one succeeds, and carries its operation', async () => {
  const shadow = await aStoredShadow({ status: 'ready' })
  const operations = Array.from({ length: 12 }, (_, index) => `op_${index}`)
  const won = await Promise.all(
    operations.map((operationId) => shadows().move(shadow.id, { from: ['ready'], to: 'reserved', operationId, at: later(1) })),
  )
  expect(won.filter(Boolean)).toHaveLength(1)
  expect(await shadows().findById(shadow.id)).toMatchObject({ status: 'reserved', operationId: operations[won.indexOf(true)], updatedAt: later(1) })
})

test('a move keeps what it does not name and clears what it names as null', async () => {
  const shadow = await aStoredShadow({ status: 'provisioning', operationId: 'op_a', lastError: 'slow' })
  expect(await shadows().move(shadow.id, { from: ['provisioning', 'planned'], to: 'unproven', nativeId: 'i-born', at: start })).toBe(true)
  expect(await shadows().findById(shadow.id)).toMatchObject({ nativeId: 'i-born', operationId: 'op_a', lastError: 'slow' })
  expect(await shadows().move(shadow.id, { from: ['unproven'], to: 'ready', operationId: null, lastError: null, at: start })).toBe(true)
  expect(await shadows().findById(shadow.id)).toMatchObject({ operationId: undefined, lastError: undefined, status: 'ready' })
})

test('a change that was read before a move, a proof or an arming cannot undo it', async () => {
  const shadow = await aStoredShadow({ status: 'ready' })
  const changes = [
    () => shadows().move(shadow.id, { from: ['ready'], to: 'proving', at: start }),
    () => shadows().setProof(shadow.id, { at: later(5), method: 'health', seconds: 0.2, operationId: undefined }),
    () => shadows().setArmed(shadow.id, later(9), start),
  ]
  for (const change of changes) {
    const read = await shadows().findById(shadow.id)
    await change()
    await expect(shadows().update(read!, read!.version)).rejects.toMatchObject({ kind: 'precondition_failed' })
  }
  expect(await shadows().findById(shadow.id)).toMatchObject({
    status: 'proving',
    proof: { at: later(5), method: 'health', seconds: 0.2 },
    armedUntil: later(9),
    version: 4,
  })
})

test('of two changes made from one version the second is refused', async () => {
  const shadow = await aStoredShadow()
  await shadows().update({ ...shadow, failures: 1, lastError: 'no capacity' }, 1)
  await expect(shadows().update({ ...shadow, failures: 5 }, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
  expect(await shadows().findById(shadow.id)).toMatchObject({ failures: 1, lastError: 'no capacity', version: 2 })
})

test('armed shadows whose time has come are listed, the first to stand down first', async () => {
  const first = await aStoredShadow({ status: 'ready', armedUntil: later(10) })
  const second = await aStoredShadow({ status: 'ready', armedUntil: later(20) })
  const third = await aStoredShadow({ status: 'ready', armedUntil: later(30) })
  const mine = async (at: Date) =>
    (await shadows().listArmedBefore(at, 100)).map(({ id }) => id).filter((id) => [first.id, second.id, third.id].includes(id))
  expect(await mine(later(30))).toEqual([first.id, second.id])
  await shadows().setArmed(first.id, null, later(30))
  expect(await mine(later(31))).toEqual([second.id, third.id])
})
