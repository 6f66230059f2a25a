import { deletePolicy, prepareRollback, restoreDisk, startTestRollback } from '@understudy/control'
import type { TestApp } from './test-app.ts'
import type { Tenant } from './tenant.ts'

/** A request that succeeds when the right key asks: path parameters, query, body, and the state it was made from. */
export interface Sample {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: string
  readonly body?: Readonly<Record<string, unknown>>
  readonly etag?: string
  /** Instead of an API key. */
  readonly headers?: Readonly<Record<string, string>>
}

type MakeSample = (tenant: Tenant, test: TestApp) => Promise<Sample>
const nothing: MakeSample = () => Promise.resolve({})
const version = (thing: { readonly version: number }): string => `"${thing.version}"`
const of = (thing: { readonly id: string }) => ({ path: { id: thing.id } })
const changing = (thing: { readonly id: string; readonly version: number }, body?: Sample['body']): Sample => ({
  ...of(thing),
  etag: version(thing),
  ...(body === undefined ? {} : { body }),
})

const announcement = { reason: 'the kernel is upgraded', estimatedSeconds: 600 }

const aDisk = async (tenant: Tenant): Promise<{ readonly id: string; readonly device: string }> => {
  const { id, manifest } = await tenant.aPointOfAnInstance()
  return { id, device: manifest!.disks.members[0]!.device }
}
const aRestoredDisk = async (tenant: Tenant, { control }: TestApp): Promise<string> => {
  const { params } = await restoreDisk(control, tenant.admin, { ...(await aDisk(tenant)), reason: 'a file is missing' })
  return (params as { restoredDiskId: string }).restoredDiskId
}

/** One for every route; the walk over the contract fails when a route has none. Each makes things of its own, so that order does not matter. */
export const samples: Readonly<Record<string, MakeSample>> = {
  createProject: () => Promise.resolve({ body: { name: 'another' } }),
  listProjects: nothing,
  createApiKey: () => Promise.resolve({ body: { name: 'ci', role: 'viewer', expiresAt: '2030-01-01T00:00:00Z' } }),
  listApiKeys: nothing,
  getApiKey: async (t) => ({ path: { id: await t.anApiKey() } }),
  revokeApiKey: async (t) => ({ path: { id: await t.anApiKey() } }),
  listAudit: nothing,
  verifyAudit: nothing,

  createAccount: () =>
    Promise.resolve({
      body: {
        name: 'staging',
        provider: 'aws',
        region: 'eu-west-1',
        settings: {},
        credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x'.repeat(40) },
      },
    }),
  listAccounts: nothing,
  getAccount: async (t) => of(await t.anAccount()),
  updateAccount: async (t) => changing(await t.anAccount(), { name: 'renamed' }),
  deleteAccount: async (t) => changing(await t.anAccount()),
  verifyAccount: async (t) => of(await t.anAccount()),
  getAccountCapabilities: async (t) => of(await t.anAccount()),
  getResourceCapabilities: async (t) => of(await t.aResource()),
  rotateIngestKey: async (t) => of(await t.anAccount()),

  importResource: async (t) => ({ body: { accountId: (await t.anAccount()).id, nativeId: 'i-0b662ef9931388ba0', name: 'web' } }),
  listResources: nothing,
  getResource: async (t) => of(await t.aResource()),
  updateResource: async (t) => changing(await t.aResource(), { name: 'renamed', labels: { team: 'web' } }),
  deleteResource: async (t) => changing(await t.aResource()),
  refreshResource: async (t) => of(await t.aResource()),
  protectResource: async (t) => changing(await t.aResource(), { tier: { readiness: 'hot' } }),
  unprotectResource: async (t) => changing(await t.aProtectedResource()),
  holdResource: async (t) => changing(await t.aResource(), { reason: 'maintenance by hand', untilSeconds: 3600 }),
  releaseHold: async (t, { clock }) =>
    changing(await t.aResource({ hold: { reason: 'mine', by: 'key:test', until: new Date(clock.nowMs() + 60_000) } })),
  startFailover: async (t) => ({ path: { id: (await t.aShadow()).resourceId }, body: { reason: 'a rehearsal' } }),
  getDna: async (t) => of(await t.aResource()),
  getResourceTimeline: async (t) => of(await t.aResource()),

  listShadows: nothing,
  getShadow: async (t) => of(await t.aShadow()),
  drillShadow: async (t) => of(await t.aShadow()),
  promoteShadow: async (t) => of(await t.aShadow()),
  armShadow: async (t) => of(await t.aShadow()),
  disarmShadow: async (t) => of(await t.aShadow()),

  captureRecoveryPoint: async (t) => ({ body: { resourceId: (await t.aResource()).id, reason: 'before the upgrade' } }),
  listRecoveryPoints: nothing,
  getRecoveryPoint: async (t) => of(await t.aRecoveryPoint()),
  verifyRecoveryPoint: async (t) => of(await t.aRecoveryPoint()),
  lockRecoveryPoint: async (t, { clock }) => changing(await t.aRecoveryPoint(), { until: new Date(clock.nowMs() + 60_000).toISOString() }),
  deleteRecoveryPoint: async (t) => changing(await t.aRecoveryPoint()),
  undeleteRecoveryPoint: async (t, { clock }) => {
    const at = new Date(clock.nowMs())
    return changing(await t.aRecoveryPoint({ deleteTime: at, purgeTime: at }))
  },

  startRollback: async (t, { control }) => {
    const recoveryPointId = (await t.aPointOfAnInstance()).id
    const { planHash } = await prepareRollback(control, t.admin, { recoveryPointId })
    return { body: { recoveryPointId, planHash, reason: 'the upgrade has failed' } }
  },

  createRollbackPolicy: () => Promise.resolve({ body: { name: 'nightly', schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin' } } }),
  listRollbackPolicies: nothing,
  getRollbackPolicy: async (t) => of(await t.aPolicy()),
  updateRollbackPolicy: async (t) => changing(await t.aPolicy(), { maxPointAgeSeconds: 86_400, schedule: null }),
  deleteRollbackPolicy: async (t) => changing(await t.aPolicy()),
  undeleteRollbackPolicy: async (t, { control }) => {
    const { id, version } = await t.aPolicy()
    return changing(await deletePolicy(control, t.admin, { id, seenVersion: version }))
  },
  listCompliance: nothing,
  getResourceRollbackPolicy: async (t) => of(await t.aResource()),

  announceTransition: async (t, { clock }) => ({
    body: { ...announcement, resourceId: (await t.aResource()).id, startsAt: new Date(clock.nowMs() + 86_400_000).toISOString() },
  }),
  listTransitions: nothing,
  getTransition: async (t) => of(await t.aTransition()),
  postponeTransition: async (t, { clock }) => changing(await t.aTransition(), { until: new Date(clock.nowMs() + 172_800_000).toISOString() }),
  preserveTransition: async (t) => changing(await t.aTransition(), {}),
  rehearseTransition: async (t, { control }) => {
    const transition = await t.aTransition()
    const { id: pointId } = await t.aRecoveryPoint()
    await control.database.stores.transitions.update({ ...transition, pointId }, transition.version)
    return { ...of(transition), body: { reason: 'before the upgrade' } }
  },
  cancelTransition: async (t) => changing(await t.aTransition()),
  startTestRollback: async (t) => ({ path: { id: (await t.aRecoveryPoint()).id }, body: { reason: 'the monthly rehearsal' } }),
  listTestRollbacks: nothing,
  getTestRollback: async (t, { control }) => {
    const operation = await startTestRollback(control, t.admin, { id: (await t.aRecoveryPoint()).id, reason: 'the monthly rehearsal' })
    return { path: { id: (operation.params as { drillId: string }).drillId } }
  },
  restoreDisk: async (t) => {
    const { id, device } = await aDisk(t)
    return { path: { id }, body: { device, reason: 'a file is missing' } }
  },
  listRestoredDisks: nothing,
  getRestoredDisk: async (t, test) => ({ path: { id: await aRestoredDisk(t, test) } }),
  releaseRestoredDisk: async (t, test) => {
    const { control } = test
    const id = await aRestoredDisk(t, test)
    const { restoredDisks } = control.database.stores
    const row = (await restoredDisks.findById(id))!
    await restoredDisks.update({ ...row, status: 'attached', disk: 'vol-1', place: '/dev/sdf' }, row.version)
    return { path: { id } }
  },
  getSigningKeys: nothing,
  rotateSigningKey: nothing,

  createSignal: async (t) => ({ body: { resourceId: (await t.aResource()).id, kind: 'rebalance' } }),
  listSignals: nothing,
  getSignal: async (t, test) => {
    const body = { resourceId: (await t.aResource()).id, kind: 'maintenance' }
    const { json } = await test.inject({ method: 'POST', url: '/v1/signals', key: t.keys.operator, payload: body })
    return { path: { id: json.id } }
  },
  ingestEvents: async (t) => {
    const account = await t.anAccount()
    const key = await t.anIngestKey(account)
    return { path: { provider: 'aws', accountId: account.id }, body: { hello: 'world' }, headers: { 'x-understudy-ingest-key': key } }
  },

  allowEvents: async (t) => {
    const account = await t.anAccount()
    const key = await t.anIngestKey(account)
    return {
      path: { provider: 'aws', accountId: account.id },
      headers: { 'x-understudy-ingest-key': key, 'webhook-request-origin': 'eventgrid.azure.net' },
    }
  },

  listOperations: nothing,
  getOperation: async (t) => of(await t.anOperation()),
  cancelOperation: async (t) => of(await t.anOperation()),
  retryOperation: async (t) => of((await t.aStuckOperation()).operation),
  skipStep: async (t) => {
    const { operation, step } = await t.aStuckOperation()
    return { ...of(operation), body: { step } }
  },
  // One that has ended: the stream of another would stay open.
  streamOperation: async (t, { clock }) => of(await t.anOperation({ status: 'succeeded', finishedAt: new Date(clock.nowMs()) })),
  listEvents: nothing,

  createWebhook: () => Promise.resolve({ body: { url: 'https://93.184.216.34/hook', types: ['io.understudy.operations.'] } }),
  listWebhooks: nothing,
  getWebhook: async (t) => of(await t.aWebhook()),
  updateWebhook: async (t) => changing(await t.aWebhook(), { description: 'the pager' }),
  deleteWebhook: async (t) => changing(await t.aWebhook()),
  rotateWebhookSecret: async (t) => of(await t.aWebhook()),
  testWebhook: async (t) => of(await t.aWebhook()),
  listDeliveries: nothing,
  resendDelivery: async (t) => of(await t.aDelivery()),

  getHealth: nothing,
  getReadiness: nothing,
  getMetrics: nothing,
  getDocument: nothing,
  listReconcilers: nothing,
}
