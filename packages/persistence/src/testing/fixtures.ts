import type {
  Account,
  ApiKey,
  Delivery,
  Operation,
  Project,
  Resource,
  SealedSecret,
  Shadow,
  Signal,
  WebhookEndpoint,
  RecoveryPoint,
  RestoreDrill,
  RecoveryCopy,
  RestoredDisk,
  RollbackPolicy,
  Transition,
} from '@understudy/control'
import type { Database } from '@understudy/control'
import { randomIds, systemClock } from '@understudy/core'
import { createTestDatabase } from '@understudy/testing'
import type { TestDatabase } from '@understudy/testing'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { openDatabase } from '../database.ts'

/** The instant at which every test begins. */
export const start = new Date('2026-03-01T12:00:00.000Z')
export const later = (ms: number): Date => new Date(start.getTime() + ms)

export interface TestConnection {
  /** The database under test, with enough connections for tests that race. */
  readonly database: Database
  readonly url: string
  /** A bare connection, for looking behind the stores. Closed after the tests. */
  client(): Promise<pg.Client>
}

/** A database of its own for the test file that calls it. */
export function useDatabase(): TestConnection {
  let own: TestDatabase | undefined
  let database: Database | undefined
  const clients: pg.Client[] = []
  beforeAll(async () => {
    own = await createTestDatabase()
    database = openDatabase({ url: own.url, poolMax: 12, clock: systemClock(), connectTimeoutMs: 60_000 })
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await database?.close()
    await own?.drop()
  })
  const ready = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the database is opened before the tests, not before')
    return value
  }
  return {
    get database() {
      return ready(database)
    },
    get url() {
      return ready(own).url
    },
    async client() {
      const client = new pg.Client({ connectionString: ready(own).url, application_name: 'test' })
      await client.connect()
      clients.push(client)
      return client
    },
  }
}

/** Resolves when another session waits for a lock: the moment in which a race is really on. */
export async function untilSomebodyWaits(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
    if (rows.length > 0) return
  }
}

export const aProject = (overrides: Partial<Project> = {}): Project => ({
  id: randomIds.next('project'),
  name: 'shop',
  createdAt: start,
  ...overrides,
})

export const aKey = (overrides: Partial<ApiKey> = {}): ApiKey => ({
  id: randomIds.next('apiKey'),
  projectId: 'prj_none',
  name: 'deployer',
  role: 'operator',
  installationAdmin: false,
  groups: [],
  prefix: 'usk_abcd',
  createdAt: start,
  expiresAt: undefined,
  lastUsedAt: undefined,
  revokedAt: undefined,
  ...overrides,
})

export const aSecret = (overrides: Partial<SealedSecret> = {}): SealedSecret => ({
  masterKeyId: 'k1',
  wrappedKey: 'd3JhcHBlZA==',
  wrapNonce: 'bm9uY2Ux',
  nonce: 'bm9uY2Uy',
  ciphertext: 'c2VjcmV0',
  ...overrides,
})

export const anAccount = (overrides: Partial<Account> = {}): Account => ({
  id: randomIds.next('account'),
  projectId: 'prj_none',
  name: 'production',
  provider: 'aws',
  nativeAccount: undefined,
  region: 'eu-central-1',
  settings: { endpoint: 'http://127.0.0.1:4566' },
  status: 'unverified',
  verifiedAt: undefined,
  verification: undefined,
  ingestKeyHash: undefined,
  createdAt: start,
  updatedAt: start,
  version: 1,
  ...overrides,
})

export const aDna = (nativeId: string): Resource['dna'] => ({
  dnaVersion: 1,
  ref: { provider: 'aws', account: '111122223333', region: 'eu-central-1', nativeId },
  nativeName: 'web',
  state: 'running',
  nativeState: 'running',
  os: { family: 'linux', arch: 'x86_64' },
  size: { type: 'm7i.large', vcpus: 2, memoryMiB: 8192 },
  purchase: 'spot',
  disks: [],
  nics: [],
  tags: { team: 'shop' },
  placement: { zone: 'eu-central-1a' },
  protection: { terminate: false, stop: false },
  holdEnabled: false,
  native: { EbsOptimized: true },
  fingerprint: 'f00d',
  unknowable: [],
})

export function aResource(overrides: Partial<Resource> = {}): Resource {
  const nativeId = overrides.nativeId ?? `i-${randomIds.next('resource').slice(4)}`
  return {
    id: randomIds.next('resource'),
    projectId: 'prj_none',
    accountId: 'acc_none',
    name: 'web',
    nativeId,
    zone: 'eu-central-1a',
    labels: { team: 'shop' },
    dna: aDna(nativeId),
    dnaHash: 'beef',
    dnaAt: start,
    traffic: undefined,
    tier: undefined,
    status: 'unprotected',
    hold: undefined,
    primaryEpoch: 1,
    createdAt: start,
    updatedAt: start,
    version: 1,
    ...overrides,
  }
}

export const aShadow = (overrides: Partial<Shadow> = {}): Shadow => ({
  id: randomIds.next('shadow'),
  projectId: 'prj_none',
  resourceId: 'res_none',
  accountId: 'acc_none',
  status: 'planned',
  nativeId: undefined,
  zone: 'eu-central-1b',
  instanceType: 'm7i.large',
  purchase: 'on-demand',
  readiness: 'hot',
  dnaFingerprint: 'f00d',
  proof: undefined,
  armedUntil: undefined,
  operationId: undefined,
  failures: 0,
  lastError: undefined,
  createdAt: start,
  updatedAt: start,
  version: 1,
  ...overrides,
})

export function aSignal(overrides: Partial<Signal> = {}): Signal {
  const id = overrides.id ?? randomIds.next('signal')
  return {
    id,
    projectId: 'prj_none',
    accountId: 'acc_none',
    kind: 'interruption',
    effect: 'terminate',
    ...{ phase: 'announced', changeId: undefined, list: undefined, listSequence: undefined, endedBy: undefined },
    nativeId: 'i-0abc',
    resourceId: undefined,
    shadowId: undefined,
    deadline: later(120_000),
    confidence: 'certain',
    cause: 'platform',
    canPostponeUntil: undefined,
    canExpedite: false,
    source: 'push',
    observedAt: start,
    receivedAt: start,
    outcome: 'recorded',
    reason: undefined,
    operationId: undefined,
    deduplicationKey: `event:${id}`,
    raw: { detail: { 'instance-id': 'i-0abc' } },
    ...overrides,
  }
}

export const anOperation = (overrides: Partial<Operation> = {}): Operation => ({
  id: randomIds.next('operation'),
  projectId: 'prj_none',
  kind: 'failover',
  version: 1,
  resourceId: undefined,
  shadowId: undefined,
  status: 'pending',
  params: { resourceId: 'res_none' },
  plan: null,
  planHash: undefined,
  deadline: undefined,
  priority: 20,
  lockKey: undefined,
  requestedBy: 'key:key_test',
  reason: 'a test',
  createdAt: start,
  startedAt: undefined,
  finishedAt: undefined,
  error: undefined,
  output: null,
  cancelRequestedAt: undefined,
  updatedAt: start,
  ...overrides,
})

export const aWebhook = (overrides: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({
  id: randomIds.next('webhook'),
  projectId: 'prj_none',
  url: 'https://hooks.example.com/understudy',
  description: '',
  types: [],
  status: 'enabled',
  disabledReason: undefined,
  createdAt: start,
  updatedAt: start,
  version: 1,
  ...overrides,
})

export const aDelivery = (overrides: Partial<Delivery> = {}): Delivery => ({
  id: randomIds.next('delivery'),
  projectId: 'prj_none',
  endpointId: 'wh_none',
  eventId: randomIds.next('event'),
  eventType: 'io.understudy.operations.succeeded.v1',
  status: 'pending',
  attempts: 0,
  nextAttemptAt: start,
  lastStatusCode: undefined,
  lastError: undefined,
  createdAt: start,
  finishedAt: undefined,
  body: '{"specversion":"1.0"}',
  ...overrides,
})

/** A project with an account, and one resource in it. */
export async function aWorld(database: Database): Promise<{ readonly project: Project; readonly account: Account; readonly resource: Resource }> {
  const project = aProject()
  const account = anAccount({ projectId: project.id })
  const resource = aResource({ projectId: project.id, accountId: account.id })
  await database.stores.access.insertProject(project)
  await database.stores.accounts.insert(account, aSecret())
  await database.stores.resources.insert(resource)
  return { project, account, resource }
}

export const aPolicy = (overrides: Partial<RollbackPolicy> = {}): RollbackPolicy => ({
  ...{ id: randomIds.next('rollbackPolicy'), projectId: 'prj_none', name: 'nightly', description: '', priority: 0, rules: {} },
  ...{ appliesTo: { types: [], labels: {}, group: undefined }, scheduleSince: start, deleteTime: undefined, purgeTime: undefined },
  ...{ createdAt: start, updatedAt: start, version: 1 },
  ...overrides,
})

export const aTransition = (of: Pick<Transition, 'projectId' | 'resourceId' | 'accountId'>, overrides: Partial<Transition> = {}): Transition => ({
  ...{ id: randomIds.next('transition'), ...of, nativeId: 'i-1', source: 'cloud', effect: 'reboot', reason: 'maintenance', requestedBy: 'sig_1' },
  ...{ startsAt: later(1000), estimatedSeconds: undefined, postponeUntil: undefined, canExpedite: false, signalIds: [], status: 'announced' },
  ...{ pointId: undefined, lentTier: false, check: undefined, operationId: undefined, createdAt: start, updatedAt: start, version: 1 },
  ...overrides,
})

export const aRestoreDrill = (
  of: Pick<RestoreDrill, 'projectId' | 'resourceId' | 'accountId'>,
  overrides: Partial<RestoreDrill> = {},
): RestoreDrill => ({
  ...{ id: randomIds.next('drill'), ...of, pointId: randomIds.next('recoveryPoint'), status: 'running', reason: 'the monthly rehearsal' },
  ...{ requestedBy: 'key:test', operationId: randomIds.next('operation'), expiresAt: later(3_600_000), cleanedAt: undefined },
  ...{ record: undefined, signature: undefined, createdAt: start, updatedAt: start, version: 1 },
  ...overrides,
})

export const aRestoredDisk = (
  of: Pick<RestoredDisk, 'projectId' | 'resourceId' | 'accountId'>,
  overrides: Partial<RestoredDisk> = {},
): RestoredDisk => ({
  ...{ id: randomIds.next('restoredDisk'), ...of, pointId: randomIds.next('recoveryPoint'), device: '/dev/sdf', instance: 'i-1', zone: 'z' },
  ...{ status: 'restoring', disk: undefined, place: undefined, readOnly: false, reason: 'a file is missing', requestedBy: 'key:test' },
  ...{ operationId: randomIds.next('operation'), expiresAt: later(3_600_000), cleanedAt: undefined, createdAt: start, updatedAt: start, version: 1 },
  ...overrides,
})

export const aRecoveryCopy = (
  of: Pick<RecoveryCopy, 'projectId' | 'resourceId' | 'accountId'>,
  overrides: Partial<RecoveryCopy> = {},
): RecoveryCopy => ({
  ...{ id: randomIds.next('recoveryCopy'), ...of, pointId: randomIds.next('recoveryPoint'), region: 'far-1', status: 'copying', members: [] },
  ...{ attempts: 1, nextAttemptAt: undefined, operationId: randomIds.next('operation'), lastError: undefined, completedAt: undefined },
  ...{ deletedAt: undefined, createdAt: start, updatedAt: start, version: 1 },
  ...overrides,
})

export const aRecoveryPoint = (
  of: Pick<RecoveryPoint, 'projectId' | 'resourceId' | 'accountId'>,
  overrides: Partial<RecoveryPoint> = {},
): RecoveryPoint => ({
  ...{ id: randomIds.next('recoveryPoint'), ...of, status: 'capturing', reason: 'before the upgrade', requestedBy: 'key:test' },
  ...{ database: undefined, sequence: undefined, manifest: undefined, manifestHash: undefined, capturedAt: undefined, lockedUntil: undefined },
  ...{ deleteTime: undefined, purgeTime: undefined, verification: undefined, operationId: undefined, lastError: undefined },
  ...{ createdAt: start, updatedAt: start, version: 1 },
  ...overrides,
})
