import { expect, test } from 'vitest'
import { aProject, aResource, aSecret, anAccount, aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const stores = () => connection.database.stores

test('an account comes back as it was stored, its credentials only when they are asked for', async () => {
  const project = aProject()
  await stores().access.insertProject(project)
  const account = anAccount({
    projectId: project.id,
    nativeAccount: '111122223333',
    status: 'verified',
    verifiedAt: start,
    verification: { principal: 'arn:aws:iam::111122223333:role/understudy' },
    ingestKeyHash: 'abc',
  })
  await stores().accounts.insert(account, aSecret())
  expect(await stores().accounts.find(project.id, account.id)).toEqual(account)
  expect(await stores().accounts.findById(account.id)).toEqual(account)
  expect(await stores().accounts.list(project.id, { after: undefined, limit: 10 })).toEqual([account])
  expect((await stores().accounts.listAll()).map(({ id }) => id)).toContain(account.id)
  expect(await stores().accounts.credentials(account.id)).toEqual(aSecret())
  expect(await stores().accounts.credentials('acc_unknown')).toBeUndefined()
})

test('of two changes made from one version the second is refused', async () => {
  const { account } = await aWorld(connection.database)
  await stores().accounts.update({ ...account, name: 'first', updatedAt: later(1) }, 1)
  await expect(stores().accounts.update({ ...account, name: 'second' }, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
  expect(await stores().accounts.findById(account.id)).toMatchObject({ name: 'first', version: 2, updatedAt: later(1) })
})

test('changing or deleting an account that is not there, or is not ours, says not found', async () => {
  const { account } = await aWorld(connection.database)
  await expect(stores().accounts.update({ ...account, id: 'acc_gone' }, 1)).rejects.toMatchObject({ kind: 'not_found' })
  await expect(stores().accounts.update({ ...account, projectId: 'prj_other' }, 1)).rejects.toMatchObject({ kind: 'not_found' })
  await expect(stores().accounts.delete('prj_other', account.id, 1)).rejects.toMatchObject({ kind: 'not_found' })
})

test('an account is not deleted from an old version, nor while a resource is in it; its credentials go with it', async () => {
  const { project, account, resource } = await aWorld(connection.database)
  await expect(stores().accounts.delete(project.id, account.id, 7)).rejects.toMatchObject({ kind: 'precondition_failed' })
  await expect(stores().accounts.delete(project.id, account.id, 1)).rejects.toMatchObject({ kind: 'conflict' })
  await stores().resources.delete(project.id, resource.id)
  await stores().accounts.delete(project.id, account.id, 1)
  expect(await stores().accounts.findById(account.id)).toBeUndefined()
  expect(await stores().accounts.credentials(account.id)).toBeUndefined()
})

test('credentials under another master key are found, and are not once they are sealed again', async () => {
  const { account } = await aWorld(connection.database)
  const others = async () => (await stores().accounts.listSealedWithOtherKey('k2', 100)).filter(({ id }) => id === account.id)
  expect(await others()).toEqual([{ id: account.id, credentials: aSecret() }])
  await stores().accounts.setCredentials(account.id, aSecret({ masterKeyId: 'k2' }))
  expect(await others()).toEqual([])
  expect(await stores().accounts.credentials(account.id)).toMatchObject({ masterKeyId: 'k2' })
})

test('a resource of an unknown account is refused', async () => {
  const { project } = await aWorld(connection.database)
  await expect(stores().resources.insert(aResource({ projectId: project.id, accountId: 'acc_gone' }))).rejects.toMatchObject({ kind: 'conflict' })
})
