import type { Account, Resource } from '@understudy/control'
import { expect, test } from 'vitest'
import { aDna, aResource, aShadow, aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const stores = () => connection.database.stores

const tier: NonNullable<Resource['tier']> = {
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'on-demand',
  holdMemory: false,
  proofMaxAgeSeconds: 900,
  formerPrimary: 'terminate',
}

test('a resource comes back as it was stored, with and without its optional parts', async () => {
  const { project, account, resource } = await aWorld(connection.database)
  const full = aResource({
    projectId: project.id,
    accountId: account.id,
    zone: undefined,
    tier,
    status: 'protected',
    hold: { reason: 'migration', by: 'key:key_x', until: later(60_000) },
  })
  await stores().resources.insert(full)
  expect(await stores().resources.find(project.id, full.id)).toEqual(full)
  expect(await stores().resources.findById(resource.id)).toEqual(resource)
  expect(await stores().resources.findManyById([full.id, 'res_unknown'])).toEqual(new Map([[full.id, full]]))
  expect(await stores().resources.findByNativeIds(account.id, [full.nativeId, 'i-unknown'])).toEqual([full])
  expect(await stores().resources.list(project.id, { after: undefined, limit: 10, status: 'protected' })).toEqual([full])
  expect(await stores().resources.list(project.id, { after: undefined, limit: 10, accountId: 'acc_other' })).toEqual([])
})

test('an instance is imported once per account, also by many at once', async () => {
  const { project, account } = await aWorld(connection.database)
  const attempts = Array.from({ length: 8 }, () =>
    stores().resources.insert(aResource({ projectId: project.id, accountId: account.id, nativeId: 'i-once' })),
  )
  const results = await Promise.allSettled(attempts)
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ kind: 'already_exists' })
})

test('of two changes made from one version the second is refused, and neither touches the epoch', async () => {
  const { resource } = await aWorld(connection.database)
  await stores().resources.update({ ...resource, tier, status: 'protected', primaryEpoch: 99 }, 1)
  await expect(stores().resources.update({ ...resource, name: 'late' }, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
  expect(await stores().resources.findById(resource.id)).toMatchObject({ tier, status: 'protected', version: 2, primaryEpoch: 1, name: 'web' })
})

test('the status changes without the version', async () => {
  const { resource } = await aWorld(connection.database)
  await stores().resources.setStatus(resource.id, 'degraded', later(5))
  expect(await stores().resources.findById(resource.id)).toEqual({ ...resource, status: 'degraded', updatedAt: later(5) })
})

test('what is known of shadows without a place is kept with its moment, taken away again, and no change of the resource', async () => {
  const { resource } = await aWorld(connection.database)
  const unplaced = [{ accountId: resource.accountId, code: 'one-zone', reason: 'There is only one.', since: later(5) }] as const
  await stores().resources.setUnplaced(resource.id, unplaced)
  expect(await stores().resources.findById(resource.id)).toEqual({ ...resource, unplaced })
  await stores().resources.update({ ...resource, name: 'other' }, resource.version)
  expect(await stores().resources.findById(resource.id)).toMatchObject({ name: 'other', unplaced })
  await stores().resources.setUnplaced(resource.id, [])
  expect(await stores().resources.findById(resource.id)).not.toHaveProperty('unplaced')
})

const promotion = (resource: Resource, nativeId: string) => ({
  id: resource.id,
  seenEpoch: resource.primaryEpoch,
  accountId: resource.accountId,
  nativeId,
  zone: 'eu-central-1b',
  dna: aDna(nativeId),
  dnaHash: `hash-${nativeId}`,
  at: later(10),
})

test('of many promotions that saw one epoch exactly one succeeds, and the epoch grows by one', async () => {
  const { resource } = await aWorld(connection.database)
  const candidates = Array.from({ length: 12 }, (_, index) => `i-candidate${index}`)
  const won = await Promise.all(candidates.map((nativeId) => stores().resources.promote(promotion(resource, nativeId))))
  expect(won.filter(Boolean)).toHaveLength(1)
  const winner = candidates[won.indexOf(true)]
  expect(await stores().resources.findById(resource.id)).toMatchObject({
    nativeId: winner,
    zone: 'eu-central-1b',
    dnaHash: `hash-${winner}`,
    dnaAt: later(10),
    primaryEpoch: 2,
    version: 2,
  })
})

test('repeating a promotion is a success that changes nothing', async () => {
  const { resource } = await aWorld(connection.database)
  expect(await stores().resources.promote(promotion(resource, 'i-again'))).toBe(true)
  const promoted = await stores().resources.findById(resource.id)
  expect(await stores().resources.promote(promotion(resource, 'i-again'))).toBe(true)
  expect(await stores().resources.findById(resource.id)).toEqual(promoted)
  expect(await stores().resources.promote(promotion(resource, 'i-other'))).toBe(false)
})

test('a change that was read before a promotion cannot undo it', async () => {
  const { resource } = await aWorld(connection.database)
  await stores().resources.promote(promotion(resource, 'i-new-primary'))
  await expect(stores().resources.update({ ...resource, name: 'stale' }, resource.version)).rejects.toMatchObject({ kind: 'precondition_failed' })
  expect(await stores().resources.findById(resource.id)).toMatchObject({ nativeId: 'i-new-primary', primaryEpoch: 2 })
})

test('a reconciler that goes on after the last id visits every resource with a tier or with living stand-ins once', async () => {
  const { project, account, resource: bare } = await aWorld(connection.database)
  const withTier = Array.from({ length: 3 }, () => aResource({ projectId: project.id, accountId: account.id, tier, status: 'protected' }))
  const leaving = aResource({ projectId: project.id, accountId: account.id })
  const left = aResource({ projectId: project.id, accountId: account.id })
  for (const resource of [...withTier, leaving, left]) await stores().resources.insert(resource)
  await stores().shadows.insert(aShadow({ projectId: project.id, accountId: account.id, resourceId: leaving.id, status: 'retiring' }))
  await stores().shadows.insert(aShadow({ projectId: project.id, accountId: account.id, resourceId: left.id, status: 'retired' }))
  const visited: string[] = []
  for (let after: string | undefined; ;) {
    const page = await stores().resources.listProtected({ limit: 2, after })
    if (page.length === 0) break
    visited.push(...page.map(({ id }) => id))
    after = visited.at(-1)
  }
  expect(visited).toEqual([...new Set(visited)].toSorted())
  for (const resource of [...withTier, leaving]) expect(visited).toContain(resource.id)
  for (const resource of [bare, left]) expect(visited).not.toContain(resource.id)
})

test('a resource goes with its former stand-ins, but not while one is alive, and not for another project', async () => {
  const { project, account, resource } = await aWorld(connection.database)
  const shadow = aShadow({ projectId: project.id, accountId: account.id, resourceId: resource.id, status: 'ready' })
  await stores().shadows.insert(shadow)
  await expect(stores().resources.delete(project.id, resource.id)).rejects.toMatchObject({ kind: 'conflict' })
  await stores().shadows.move(shadow.id, { from: ['ready'], to: 'retired', at: start })
  await stores().resources.delete('prj_other', resource.id)
  expect(await stores().resources.findById(resource.id)).toEqual(resource)
  await stores().resources.delete(project.id, resource.id)
  expect(await stores().resources.findById(resource.id)).toBeUndefined()
  expect(await stores().shadows.findById(shadow.id)).toBeUndefined()
})

test('members that the type does not name are left out, not refused', async () => {
  const { project, account } = await aWorld(connection.database)
  const resource = aResource({ projectId: project.id, accountId: account.id })
  await stores().resources.insert(Object.assign({}, resource, { surprise: true }))
  await stores().resources.update(Object.assign({}, resource, { surprise: true, name: 'renamed' }), 1)
  expect(await stores().resources.findById(resource.id)).toEqual({ ...resource, name: 'renamed', version: 2 })
})

test('a primary in another account takes the resource there, and leaves its entry point where it is', async () => {
  const { resource } = await aWorld(connection.database)
  const binding = { mechanism: 'dns-weight', native: { name: 'www.example.com.' } } as const
  await stores().resources.update({ ...resource, traffic: binding, version: resource.version + 1 }, resource.version)
  const moved = { ...promotion(resource, 'i-elsewhere'), accountId: 'acc_elsewhere' }
  await connection.database.stores.accounts.insert({ ...(await accountOf(resource)), id: moved.accountId }, sealedNothing)
  expect(await stores().resources.promote(moved)).toBe(true)
  expect(await stores().resources.promote(moved)).toBe(true)
  expect(await stores().resources.findById(resource.id)).toMatchObject({
    ...{ accountId: moved.accountId, nativeId: 'i-elsewhere', primaryEpoch: resource.primaryEpoch + 1 },
    traffic: { ...binding, accountId: resource.accountId },
  })
  expect(await stores().resources.namesAccount(resource.projectId, resource.accountId)).toBe(resource.id)
  expect(await stores().resources.namesAccount(resource.projectId, 'acc_nobody')).toBeUndefined()
})

const sealedNothing = { masterKeyId: 'm', wrappedKey: '', wrapNonce: '', nonce: '', ciphertext: '' }
async function accountOf({ accountId }: Resource): Promise<Account> {
  const account = await stores().accounts.findById(accountId)
  if (account === undefined) throw new Error('the world has no account')
  return account
}
