import { expect, test } from 'vitest'
import { aPolicy, aWorld, later, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const policies = () => connection.database.stores.rollbackPolicies

test('a policy comes back as it was stored, and only to its project', async () => {
  const { project } = await aWorld(connection.database)
  const bare = aPolicy({ projectId: project.id })
  const full = aPolicy({
    ...{ projectId: project.id, priority: -3, description: 'of the shop', deleteTime: later(1), purgeTime: later(2) },
    appliesTo: { types: ['m7i.*'], labels: { team: 'shop' }, group: 'payments' },
    rules: { schedule: { cron: '0 * * * *', timeZone: 'UTC' }, retention: { count: 3, generations: { daily: 7 } } },
  })
  for (const policy of [bare, full]) {
    await policies().insert(policy)
    expect(await policies().find(project.id, policy.id)).toEqual(policy)
    expect(await policies().find('prj_other', policy.id)).toBeUndefined()
  }
  expect(await policies().inForce([project.id])).toEqual([bare])
  expect(await policies().list(project.id, { after: undefined, limit: 9 })).toEqual([bare])
  expect(await policies().list(project.id, { after: undefined, limit: 9, showDeleted: true })).toHaveLength(2)
  expect(await connection.database.stores.recoverySchedules.projects()).toContain(project.id)
  expect(await policies().purge(later(1))).toBe(0)
  expect(await policies().purge(later(2))).toBe(1)
})

test('a change that saw an older version is refused', async () => {
  const { project } = await aWorld(connection.database)
  const policy = aPolicy({ projectId: project.id })
  await policies().insert(policy)
  await policies().update({ ...policy, name: 'changed' }, 1)
  await expect(policies().update({ ...policy, name: 'lost' }, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
  expect(await policies().find(project.id, policy.id)).toMatchObject({ name: 'changed', version: 2 })
})
