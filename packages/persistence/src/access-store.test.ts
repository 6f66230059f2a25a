import { expect, test } from 'vitest'
import { aKey, aProject, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const access = () => connection.database.stores.access

test('a project comes back as it was stored, and one that is unknown is undefined', async () => {
  const project = aProject({ name: 'warehouse' })
  await access().insertProject(project)
  expect(await access().findProject(project.id)).toEqual(project)
  expect(await access().findProject('prj_unknown')).toBeUndefined()
})

test('projects are listed in pages that neither repeat nor skip one', async () => {
  for (let i = 0; i < 5; i++) await access().insertProject(aProject())
  const seen: string[] = []
  for (let after: string | undefined; ;) {
    const page = await access().listProjects({ after, limit: 2 })
    if (page.length === 0) break
    seen.push(...page.map(({ id }) => id))
    after = seen.at(-1)
  }
  expect(seen).toEqual([...new Set(seen)].toSorted())
  expect(seen.length).toBeGreaterThanOrEqual(5)
})

test('a key is found by its hash and in its project, with every field', async () => {
  const project = aProject()
  await access().insertProject(project)
  const key = aKey({ projectId: project.id, expiresAt: later(1000), installationAdmin: true, role: 'admin' })
  await access().insertKey(key, 'hash-of-the-key')
  expect(await access().findKeyByHash('hash-of-the-key')).toEqual(key)
  expect(await access().findKey(project.id, key.id)).toEqual(key)
  expect(await access().listKeys(project.id, { after: undefined, limit: 10 })).toEqual([key])
  expect(await access().findKeyByHash('another')).toBeUndefined()
  expect(await access().countKeys()).toBeGreaterThanOrEqual(1)
})

test('two keys with one hash are refused as existing already', async () => {
  const project = aProject()
  await access().insertProject(project)
  await access().insertKey(aKey({ projectId: project.id }), 'same')
  await expect(access().insertKey(aKey({ projectId: project.id }), 'same')).rejects.toMatchObject({ name: 'AppError', kind: 'already_exists' })
})

test('the last use of a key is written at most once a minute', async () => {
  const project = aProject()
  await access().insertProject(project)
  const key = aKey({ projectId: project.id })
  await access().insertKey(key, 'touched')
  const lastUsed = async () => (await access().findKey(project.id, key.id))?.lastUsedAt
  await access().touchKey(key.id, start)
  await access().touchKey(key.id, later(59_000))
  expect(await lastUsed()).toEqual(start)
  await access().touchKey(key.id, later(60_000))
  expect(await lastUsed()).toEqual(later(60_000))
})

test('a key is revoked once, and only in its own project', async () => {
  const project = aProject()
  await access().insertProject(project)
  const key = aKey({ projectId: project.id })
  await access().insertKey(key, 'revoked')
  expect(await access().revokeKey('prj_other', key.id, start)).toBe(false)
  expect(await access().revokeKey(project.id, key.id, start)).toBe(true)
  expect(await access().revokeKey(project.id, key.id, later(1))).toBe(false)
  expect((await access().findKey(project.id, key.id))?.revokedAt).toEqual(start)
})
