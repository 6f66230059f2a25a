import type { Stores } from '@understudy/control'
import { randomIds } from '@understudy/core'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  aDelivery,
  aKey,
  anOperation,
  aPolicy,
  aRecoveryCopy,
  aRecoveryPoint,
  aRestoreDrill,
  aRestoredDisk,
  aSecret,
  aShadow,
  aSignal,
  aTransition,
  aWebhook,
  aWorld,
  start,
  useDatabase,
} from './testing/fixtures.ts'

/**
 * Two projects that hold the same things. Whatever one of them asks for, by listing, by the other's ids, or by going on after the other's
 * last row, it never gets a row of the other, and cannot change one.
 */
interface Tenant {
  readonly projectId: string
  readonly accountId: string
  readonly resourceId: string
  readonly ids: Readonly<Record<string, string>>
}

const connection = useDatabase()
let ours: Tenant
let theirs: Tenant

beforeAll(async () => {
  ours = await aTenant()
  theirs = await aTenant()
})

async function aTenant(): Promise<Tenant> {
  const { stores } = connection.database
  const { project, account, resource } = await aWorld(connection.database)
  const own = { projectId: project.id, accountId: account.id, resourceId: resource.id }
  const [key, shadow, signal] = [aKey(own), aShadow(own), aSignal(own)]
  const operation = anOperation({ projectId: project.id, resourceId: resource.id })
  const webhook = aWebhook({ projectId: project.id })
  const delivery = aDelivery({ projectId: project.id, endpointId: webhook.id })
  await stores.access.insertKey(key, key.id)
  await stores.shadows.insert(shadow)
  await stores.signals.insertNew([signal])
  await stores.operations.insertUnlocked([operation])
  const point = aRecoveryPoint(own)
  await stores.recoveryPoints.insert(point)
  const policy = aPolicy({ projectId: project.id })
  await stores.rollbackPolicies.insert(policy)
  const transition = aTransition(own)
  await stores.transitions.insert(transition)
  const drill = aRestoreDrill(own)
  await stores.restoreDrills.insert(drill)
  const copy = aRecoveryCopy(own, { pointId: point.id })
  await stores.recoveryCopies.insert([copy])
  const restored = aRestoredDisk(own)
  await stores.restoredDisks.insert(restored)
  await stores.webhooks.insert(webhook, { current: aSecret(), previous: undefined, previousUntil: undefined })
  await stores.webhooks.insertDeliveries([delivery])
  await stores.audit.append([{ projectId: project.id, at: start, actor: 'a', action: 'b', target: resource.id, operationId: operation.id }])
  await stores.events.append([{ id: randomIds.next('event'), projectId: project.id, type: 't', subject: 's', at: start, data: null }])
  await stores.idempotency.begin(
    { projectId: project.id, key: 'k', fingerprint: 'f', status: undefined, body: undefined, headers: undefined, createdAt: start },
    start,
  )
  const ids = { key, account, resource, shadow, signal, operation, webhook, delivery, point, copy, policy, transition, drill, restored }
  return { ...own, ids: Object.fromEntries(Object.entries(ids).map(([name, { id }]) => [name, id])) }
}

/** Every method that takes a project and finds one row by its id. */
const finds: Record<string, (stores: Stores, projectId: string, id: string) => Promise<{ readonly projectId: string } | undefined>> = {
  key: (stores, projectId, id) => stores.access.findKey(projectId, id),
  account: (stores, projectId, id) => stores.accounts.find(projectId, id),
  resource: (stores, projectId, id) => stores.resources.find(projectId, id),
  shadow: (stores, projectId, id) => stores.shadows.find(projectId, id),
  signal: (stores, projectId, id) => stores.signals.find(projectId, id),
  operation: (stores, projectId, id) => stores.operations.find(projectId, id),
  webhook: (stores, projectId, id) => stores.webhooks.find(projectId, id),
  delivery: (stores, projectId, id) => stores.webhooks.findDelivery(projectId, id),
  point: (stores, projectId, id) => stores.recoveryPoints.find(projectId, id),
  transition: (stores, projectId, id) => stores.transitions.find(projectId, id),
  drill: (stores, projectId, id) => stores.restoreDrills.find(projectId, id),
  restored: (stores, projectId, id) => stores.restoredDisks.find(projectId, id),
  policy: (stores, projectId, id) => stores.rollbackPolicies.find(projectId, id),
}

type List = (stores: Stores, projectId: string, after: string | undefined, other: Tenant) => Promise<readonly { readonly projectId: string }[]>
/** Every method that takes a project and lists rows, with each of its filters. `after` is a row id. */
const lists: Record<string, { readonly of: string; readonly list: List }> = {
  keys: { of: 'key', list: (stores, projectId, after) => stores.access.listKeys(projectId, { after, limit: 100 }) },
  accounts: { of: 'account', list: (stores, projectId, after) => stores.accounts.list(projectId, { after, limit: 100 }) },
  resources: { of: 'resource', list: (stores, projectId, after) => stores.resources.list(projectId, { after, limit: 100 }) },
  'resources of an account': {
    of: 'resource',
    list: (stores, projectId, after, { accountId }) => stores.resources.list(projectId, { after, limit: 100, accountId }),
  },
  shadows: { of: 'shadow', list: (stores, projectId, after) => stores.shadows.list(projectId, { after, limit: 100 }) },
  'shadows of a resource': {
    of: 'shadow',
    list: (stores, projectId, after, { resourceId }) => stores.shadows.list(projectId, { after, limit: 100, resourceId }),
  },
  signals: { of: 'signal', list: (stores, projectId, after) => stores.signals.list(projectId, { after, limit: 100 }) },
  'signals of a resource': {
    of: 'signal',
    list: (stores, projectId, after, { resourceId }) => stores.signals.list(projectId, { after, limit: 100, resourceId }),
  },
  operations: { of: 'operation', list: (stores, projectId, after) => stores.operations.list(projectId, { after, limit: 100 }) },
  'operations of a resource': {
    of: 'operation',
    list: (stores, projectId, after, { resourceId }) => stores.operations.list(projectId, { after, limit: 100, resourceId }),
  },
  webhooks: { of: 'webhook', list: (stores, projectId, after) => stores.webhooks.list(projectId, { after, limit: 100 }) },
  'enabled webhooks': { of: 'webhook', list: (stores, projectId) => stores.webhooks.listEnabled(projectId) },
  deliveries: { of: 'delivery', list: (stores, projectId, after) => stores.webhooks.listDeliveries(projectId, { after, limit: 100 }) },
  'deliveries of an endpoint': {
    of: 'delivery',
    list: (stores, projectId, after, { ids }) => stores.webhooks.listDeliveries(projectId, { after, limit: 100, endpointId: ids.webhook! }),
  },
  'recovery points': { of: 'point', list: (stores, projectId, after) => stores.recoveryPoints.list(projectId, { after, limit: 100 }) },
  'recovery points of a resource': {
    of: 'point',
    list: (stores, projectId, after, { resourceId }) => stores.recoveryPoints.list(projectId, { after, limit: 100, resourceId }),
  },
  transitions: { of: 'transition', list: (stores, projectId, after) => stores.transitions.list(projectId, { after, limit: 100 }) },
  'transitions of a resource': {
    of: 'transition',
    list: (stores, projectId, after, { resourceId }) => stores.transitions.list(projectId, { after, limit: 100, resourceId }),
  },
  'copies of a point': {
    of: 'copy',
    list: (stores, projectId) => stores.recoveryCopies.listOf(projectId, [ours.ids.point!, theirs.ids.point!]),
  },
  'restored disks': { of: 'restored', list: (stores, projectId, after) => stores.restoredDisks.list(projectId, { after, limit: 100 }) },
  'restored disks of a resource': {
    of: 'restored',
    list: (stores, projectId, after, { resourceId }) => stores.restoredDisks.list(projectId, { after, limit: 100, resourceId }),
  },
  'restored disks of a point': {
    of: 'restored',
    async list(stores, projectId, after, other) {
      const pointId = (await stores.restoredDisks.findById(other.ids.restored!))?.pointId ?? ''
      return stores.restoredDisks.list(projectId, { after, limit: 100, pointId })
    },
  },
  'test rollbacks': { of: 'drill', list: (stores, projectId, after) => stores.restoreDrills.list(projectId, { after, limit: 100 }) },
  'test rollbacks of a resource': {
    of: 'drill',
    list: (stores, projectId, after, { resourceId }) => stores.restoreDrills.list(projectId, { after, limit: 100, resourceId }),
  },
  'test rollbacks of a point': {
    of: 'drill',
    list: async (stores, projectId, after, other) => {
      const pointId = (await stores.restoreDrills.findById(other.ids.drill!))?.pointId ?? ''
      return stores.restoreDrills.list(projectId, { after, limit: 100, pointId })
    },
  },
  compliance: { of: 'resource', list: (stores, projectId, after) => stores.compliance.list(projectId, { after, limit: 100, at: start }) },
  'rollback policies': { of: 'policy', list: (stores, projectId, after) => stores.rollbackPolicies.list(projectId, { after, limit: 100 }) },
  'the audit trail': { of: 'resource', list: (stores, projectId) => stores.audit.list(projectId, { after: 0, limit: 100 }) },
  'the audit trail of an operation': {
    of: 'operation',
    list: (stores, projectId, _after, { ids }) => stores.audit.list(projectId, { after: 0, limit: 100, operationId: ids.operation! }),
  },
  'the audit trail of a target': {
    of: 'resource',
    list: (stores, projectId, _after, { resourceId }) => stores.audit.list(projectId, { after: 0, limit: 100, target: resourceId }),
  },
  events: { of: 'resource', list: (stores, projectId) => stores.events.listAfter(0, { limit: 100, projectId }) },
}

describe.each(Object.keys(finds))('%s', (name) => {
  test('is found in its own project only', async () => {
    const { stores } = connection.database
    const find = finds[name]!
    expect(await find(stores, ours.projectId, ours.ids[name]!)).toMatchObject({ projectId: ours.projectId, id: ours.ids[name] })
    expect(await find(stores, ours.projectId, theirs.ids[name]!)).toBeUndefined()
    expect(await find(stores, theirs.projectId, ours.ids[name]!)).toBeUndefined()
  })
})

describe.each(Object.keys(lists))('%s', (name) => {
  test('show the rows of the project that asks, and no others', async () => {
    const { stores } = connection.database
    const { of, list } = lists[name]!
    for (const [asking, other] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      const own = await list(stores, asking.projectId, undefined, asking)
      expect(own.length).toBeGreaterThan(0)
      const listed = [
        ...own,
        ...(await list(stores, asking.projectId, undefined, other)),
        ...(await list(stores, asking.projectId, other.ids[of], asking)),
        ...(await list(stores, asking.projectId, '', other)),
      ]
      expect(listed.every(({ projectId }) => projectId === asking.projectId)).toBe(true)
    }
  })
})

test('no method that takes a project is missing here', () => {
  const takesProject = {
    access: ['findKey', 'listKeys', 'revokeKey'],
    accounts: ['find', 'list', 'delete'],
    audit: ['list'],
    compliance: ['list'],
    events: ['listAfter'],
    idempotency: ['begin', 'complete', 'forget'],
    operations: ['find', 'list'],
    recoveryCopies: ['listOf'],
    recoveryPoints: ['find', 'list'],
    resources: ['find', 'list', 'delete'],
    restoreDrills: ['find', 'list'],
    restoredDisks: ['find', 'list'],
    rollbackPolicies: ['find', 'list'],
    shadows: ['find', 'list'],
    signals: ['find', 'list'],
    transitions: ['find', 'list'],
    webhooks: ['find', 'list', 'listEnabled', 'delete', 'findDelivery', 'listDeliveries'],
  }
  // Named for a project in the interface, or found without one on purpose: by the worker, by an account's own key, by an id just read.
  const withoutProject = new Set([
    'findById',
    'findManyById',
    'findByNativeIds',
    'findProject',
    'findKeyByHash',
    'listProjects',
    'listAll',
    'listProtected',
  ])
  for (const more of [
    'listUnfinished',
    'listDue',
    'listAlive',
    'listAliveByNativeIds',
    'listArmedBefore',
    'listOpen',
    'findAnnounced',
    'listOverdue',
    'listAccountsSince',
    'listAbandoned',
    'listSpaceDue',
    'listToCompact',
    'deleteChunk',
    'deleteOf',
    'listSealedWithOtherKey',
  ])
    withoutProject.add(more)
  for (const [store, methods] of Object.entries(connection.database.stores)) {
    const named = Object.keys(methods).filter((method) => /^(find|list|delete)/.test(method) && !withoutProject.has(method))
    const known: readonly string[] = takesProject[store as keyof typeof takesProject] ?? []
    // `list` of avoided offerings is by account, those of reconcilers and of the keys that sign are the installation's own.
    if (store === 'avoid' || store === 'reconcilers' || store === 'signingKeys') continue
    expect(known, store).toEqual(expect.arrayContaining(named))
  }
})

describe('a change with an id of another project', () => {
  test.each<[string, (stores: Stores) => Promise<unknown>]>([
    ['revoking its key', (stores) => stores.access.revokeKey(ours.projectId, theirs.ids.key!, start)],
    ['deleting its account', (stores) => stores.accounts.delete(ours.projectId, theirs.accountId, 1)],
    [
      'changing its account',
      async (stores) => stores.accounts.update({ ...(await stores.accounts.findById(theirs.accountId))!, projectId: ours.projectId }, 1),
    ],
    ['deleting its resource', (stores) => stores.resources.delete(ours.projectId, theirs.resourceId)],
    [
      'changing its resource',
      async (stores) => stores.resources.update({ ...(await stores.resources.findById(theirs.resourceId))!, projectId: ours.projectId }, 1),
    ],
    [
      'changing its shadow',
      async (stores) => stores.shadows.update({ ...(await stores.shadows.findById(theirs.ids.shadow!))!, projectId: ours.projectId }, 1),
    ],
    ['deleting its webhook', (stores) => stores.webhooks.delete(ours.projectId, theirs.ids.webhook!, 1)],
    ['forgetting its idempotency key', (stores) => stores.idempotency.forget(ours.projectId, 'k-of-theirs')],
  ])('%s changes nothing', async (_name, change) => {
    const { stores } = connection.database
    const everythingOfTheirs = () =>
      Promise.all([
        ...Object.entries(finds).map(([name, find]) => find(stores, theirs.projectId, theirs.ids[name]!)),
        ...Object.values(lists).map(({ list }) => list(stores, theirs.projectId, undefined, theirs)),
      ])
    const before = await everythingOfTheirs()
    await change(stores).catch((error: unknown) => expect(error).toMatchObject({ kind: 'not_found' }))
    expect(await everythingOfTheirs()).toEqual(before)
  })
})
