import { expect, test } from 'vitest'
import { aResource, aShadow, aWorld, later, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
async function aWorldOf() {
  const { project, account, resource } = await aWorld(connection.database)
  return { projectId: project.id, accountId: account.id, resource }
}
const stores = () => connection.database.stores

test('many questions at once each get their own answer, also those about what does not exist', async () => {
  const { resource: first, ...common } = await aWorldOf()
  const resources = Array.from({ length: 30 }, () => aResource(common))
  await Promise.all(resources.map((resource) => stores().resources.insert(resource)))
  const [second] = resources
  const shadow = aShadow({ ...common, resourceId: first.id })
  await stores().shadows.insert(shadow)
  const found = await Promise.all([...resources.map(({ id }) => id), 'res_unknown'].map((id) => stores().resources.findById(id)))
  expect(found.map((resource) => resource?.id)).toEqual([...resources.map(({ id }) => id), undefined])
  const alive = await Promise.all([[first.id], [second!.id], [], [second!.id, first.id]].map((ids) => stores().shadows.listAlive(ids)))
  expect(alive.map((list) => list.map(({ id }) => id))).toEqual([[shadow.id], [], [], [shadow.id]])
})

test('who asks after a change has returned sees it', async () => {
  const { resource } = await aWorldOf()
  const before = stores().resources.findById(resource.id)
  await stores().resources.setStatus(resource.id, 'failing-over', later(1000))
  expect(await stores().resources.findById(resource.id)).toMatchObject({ status: 'failing-over', updatedAt: later(1000), version: resource.version })
  expect((await before)?.id).toBe(resource.id)
})

test('of changes of state asked for at once the last one stays', async () => {
  const { resource } = await aWorldOf()
  await Promise.all(
    (['degraded', 'failing-over', 'lost'] as const).map((status, index) => stores().resources.setStatus(resource.id, status, later(index))),
  )
  expect((await stores().resources.findById(resource.id))?.status).toBe('lost')
})

test('of many who want the same shadow at once one gets it, and each the one that only it wants', async () => {
  const { resource, ...common } = await aWorldOf()
  const [wanted, ...others] = Array.from({ length: 9 }, () => aShadow({ ...common, resourceId: resource.id, status: 'ready', lastError: 'old' }))
  await Promise.all([wanted!, ...others].map((shadow) => stores().shadows.insert(shadow)))
  const reserve = (id: string, operationId: string) => stores().shadows.move(id, { from: ['ready'], to: 'reserved', operationId, at: later(5) })
  const [won, own] = await Promise.all([
    Promise.all(Array.from({ length: 20 }, (_, index) => reserve(wanted!.id, `op_${index}`))),
    Promise.all(others.map(({ id }) => reserve(id, `op_of_${id}`))),
  ])
  expect(won.filter(Boolean)).toHaveLength(1)
  expect(own).toEqual(others.map(() => true))
  expect(await stores().shadows.findById(wanted!.id)).toMatchObject({ status: 'reserved', operationId: `op_${won.indexOf(true)}`, lastError: 'old' })
  const cleared = { from: ['reserved'], to: 'ready', operationId: null, lastError: null, at: later(6) } as const
  expect(await stores().shadows.move(wanted!.id, cleared)).toBe(true)
  const shadow = await stores().shadows.findById(wanted!.id)
  expect(shadow).toMatchObject({ operationId: undefined, lastError: undefined, version: wanted!.version + 2, nativeId: wanted!.nativeId })
})

test('a shadow can go through two states at once when both are asked for in that order', async () => {
  const { resource, ...common } = await aWorldOf()
  const shadow = aShadow({ ...common, resourceId: resource.id, status: 'ready' })
  await stores().shadows.insert(shadow)
  const moves = await Promise.all([
    stores().shadows.move(shadow.id, { from: ['ready'], to: 'proving', at: later(1) }),
    stores().shadows.move(shadow.id, { from: ['proving'], to: 'reserved', at: later(2) }),
    stores().shadows.move('shd_unknown', { from: ['ready'], to: 'reserved', at: later(2) }),
  ])
  expect(moves).toEqual([true, true, false])
})
