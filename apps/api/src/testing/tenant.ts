import {
  announceTransition,
  createAccount,
  createApiKey,
  createPolicy,
  createProject,
  createWebhook,
  deletePolicy,
  getOperation,
  manifestHash,
  progressOf,
  rotateIngestKey,
  sagaVersions,
  testWebhook,
} from '@understudy/control'
import type {
  Account,
  Control,
  Delivery,
  Manifest,
  NewPolicy,
  Operation,
  Principal,
  RecoveryPoint,
  Resource,
  Role,
  RollbackPolicy,
  Shadow,
  Transition,
  WebhookEndpoint,
} from '@understudy/control'
import { authenticate } from '@understudy/control'
import { contentHash, now } from '@understudy/core'
import type { ResourceDna } from '@understudy/provider'
import type { TestApp } from './test-app.ts'

/** One project with a key of every role, and builders of what routes are asked about. */
export interface Tenant {
  readonly projectId: string
  readonly keys: Readonly<Record<Role, string>>
  readonly admin: Principal
  anAccount(overrides?: Partial<NewAccountInput>): Promise<Account>
  anIngestKey(account: Account): Promise<string>
  aResource(overrides?: Partial<Resource>): Promise<Resource>
  aProtectedResource(): Promise<Resource>
  aShadow(overrides?: Partial<Shadow>): Promise<Shadow>
  /** Sealed, the first of its chain. */
  aRecoveryPoint(overrides?: Partial<RecoveryPoint>): Promise<RecoveryPoint>
  aPolicy(overrides?: Partial<NewPolicy>): Promise<RollbackPolicy>
  /** Announced by a caller, in a day. */
  aTransition(): Promise<Transition>
  /** Of an instance that the simulated cloud really has. */
  aPointOfAnInstance(): Promise<RecoveryPoint>
  anOperation(overrides?: Partial<Operation>): Promise<Operation>
  /** Failed for good behind its point of no return. */
  aStuckOperation(): Promise<{ readonly operation: Operation; readonly step: string }>
  aWebhook(): Promise<WebhookEndpoint>
  aDelivery(): Promise<Delivery>
  anApiKey(): Promise<string>
}

type NewAccountInput = Parameters<typeof createAccount>[2]

export async function aTenant(test: TestApp, name: string): Promise<Tenant> {
  const { control } = test
  const root = await authenticate(control, test.rootKey)
  const project = await createProject(control, root, { name })
  const key = async (role: Role): Promise<string> => (await createApiKey(control, root, { name: role, role, projectId: project.id })).secret
  const keys = { viewer: await key('viewer'), operator: await key('operator'), admin: await key('admin') }
  const admin = await authenticate(control, keys.admin)
  const build = builders(test, admin)
  return { projectId: project.id, keys, admin, ...build }
}

let serial = 0

function builders({ control, cloud }: TestApp, admin: Principal) {
  const anAccount = (overrides: Partial<NewAccountInput> = {}) =>
    createAccount(control, admin, {
      name: 'production',
      provider: 'aws',
      region: 'eu-central-1',
      settings: {},
      credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x'.repeat(40) },
      ...overrides,
    })
  const aResource = async (overrides: Partial<Resource> = {}): Promise<Resource> => {
    const accountId = overrides.accountId ?? (await anAccount()).id
    const resource = { ...resourceDefaults(control, admin.projectId, accountId), ...overrides }
    await control.database.stores.resources.insert(resource)
    return resource
  }
  const aShadow = async (overrides: Partial<Shadow> = {}): Promise<Shadow> => {
    const resource = await aResource({ tier })
    const shadow = { ...shadowDefaults(control, resource), ...overrides }
    await control.database.stores.shadows.insert(shadow)
    return shadow
  }
  const aRecoveryPoint = async (overrides: Partial<RecoveryPoint> = {}): Promise<RecoveryPoint> => {
    const point = { ...recoveryPointDefaults(control, await aResource()), ...overrides }
    await control.database.stores.recoveryPoints.insert(point)
    return point
  }
  const aPointOfAnInstance = async (): Promise<RecoveryPoint> => {
    const { nativeId, set } = await cloud.newInstance()
    const account = await createAccount(control, admin, { name: 'simulated', provider: 'sim', region: cloud.region, settings: {}, credentials: {} })
    const resource = await aResource({ accountId: account.id, nativeId })
    const point = recoveryPointDefaults(control, resource)
    const members = set.members.map(({ deviceKey: device, role, snapshot, sizeGiB }) => ({ device, role, snapshot: snapshot.nativeId, sizeGiB }))
    const definition = { ...point.manifest!.definition, dna: { ...point.manifest!.definition.dna, tags: { team: 'blue' } } }
    const manifest: Manifest = { ...point.manifest!, definition, disks: { ...point.manifest!.disks, set: set.ref.setId, members } }
    const sealed = { ...point, manifest, manifestHash: manifestHash(manifest) }
    await control.database.stores.recoveryPoints.insert(sealed)
    // Where the hash of what was sealed stands a second time.
    await control.database.stores.audit.append([
      {
        ...{
          projectId: point.projectId,
          at: point.createdAt,
          actor: 'system:recovery.capture',
          action: 'recovery_points.captured',
          target: point.id,
        },
        details: { manifestHash: sealed.manifestHash },
      },
    ])
    return sealed
  }
  const anOperation = async (overrides: Partial<Operation> = {}): Promise<Operation> => {
    const operation = { ...operationDefaults(control, admin.projectId), ...overrides }
    await control.database.stores.operations.insertUnlocked([operation])
    return operation
  }
  let lastWebhook: string | undefined
  // One at a time: a project may have only so many.
  const aWebhook = async () => {
    const { webhooks } = control.database.stores
    const former = lastWebhook === undefined ? undefined : await webhooks.find(admin.projectId, lastWebhook)
    if (former) await webhooks.delete(admin.projectId, former.id, former.version)
    const { endpoint } = await createWebhook(control, admin, { url: 'https://93.184.216.34/hook' })
    lastWebhook = endpoint.id
    return endpoint
  }
  return {
    anAccount,
    anIngestKey: async (account: Account) => (await rotateIngestKey(control, admin, { id: account.id })).secret,
    aResource,
    aProtectedResource: () => aResource({ tier, status: 'protected' }),
    aShadow,
    aRecoveryPoint,
    aPointOfAnInstance,
    aTransition: async () => {
      const startsAt = new Date(control.clock.nowMs() + 86_400_000)
      const { id: resourceId } = await aResource()
      return announceTransition(control, admin, { resourceId, reason: 'the kernel is upgraded', startsAt, estimatedSeconds: 600 })
    },
    aPolicy: makePolicy(control, admin),
    anOperation,
    aStuckOperation: () => aStuckOperation(control, admin, anOperation),
    aWebhook,
    aDelivery: async () => testWebhook(control, admin, { id: (await aWebhook()).id }),
    anApiKey: async () => (await createApiKey(control, admin, { name: 'spare', role: 'viewer' })).key.id,
  }
}

/** One at a time: a project may have only so many, and they would fit each other's resources. */
function makePolicy(control: Control, admin: Principal) {
  let last: RollbackPolicy | undefined
  return async (overrides: Partial<NewPolicy> = {}): Promise<RollbackPolicy> => {
    const former = last && (await control.database.stores.rollbackPolicies.find(admin.projectId, last.id))
    if (former !== undefined && former.deleteTime === undefined) {
      await deletePolicy(control, admin, { id: former.id, seenVersion: former.version })
    }
    last = await createPolicy(control, admin, { name: 'nightly', rules: { retention: { count: 7 } }, ...overrides })
    return last
  }
}

const tier: NonNullable<Resource['tier']> = {
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'on-demand',
  holdMemory: false,
  proofMaxAgeSeconds: 86_400,
  formerPrimary: 'terminate',
}

export function dnaOf(nativeId: string): ResourceDna {
  return {
    dnaVersion: 1,
    ref: { provider: 'aws', account: '123456789012', region: 'eu-central-1', nativeId, zone: 'eu-central-1a' },
    nativeName: 'web',
    state: 'running',
    nativeState: 'running',
    os: { family: 'linux', arch: 'x86_64' },
    size: { type: 'm7i.large', vcpus: 2, memoryMiB: 8192 },
    purchase: 'spot',
    disks: [],
    nics: [],
    tags: { Name: 'web' },
    placement: { zone: 'eu-central-1a' },
    protection: { terminate: false, stop: false },
    holdEnabled: false,
    native: {},
    fingerprint: 'f'.repeat(64),
    unknowable: [],
  }
}

function resourceDefaults(control: Control, projectId: string, accountId: string): Resource {
  const nativeId = `i-${String(++serial).padStart(17, '0')}`
  const dna = dnaOf(nativeId)
  const at = now(control.clock)
  return {
    id: control.ids.next('resource'),
    projectId,
    accountId,
    name: 'web',
    nativeId,
    zone: 'eu-central-1a',
    labels: {},
    dna,
    dnaHash: contentHash(dna),
    dnaAt: at,
    traffic: undefined,
    tier: undefined,
    status: 'unprotected',
    hold: undefined,
    primaryEpoch: 1,
    createdAt: at,
    updatedAt: at,
    version: 1,
  }
}

function shadowDefaults(control: Control, resource: Resource): Shadow {
  const at = now(control.clock)
  return {
    id: control.ids.next('shadow'),
    projectId: resource.projectId,
    resourceId: resource.id,
    accountId: resource.accountId,
    status: 'ready',
    nativeId: `i-${String(++serial).padStart(17, '0')}`,
    zone: 'eu-central-1b',
    instanceType: 'm7i.large',
    purchase: 'on-demand',
    readiness: 'hot',
    dnaFingerprint: resource.dna.fingerprint,
    proof: { at, method: 'health', seconds: 3, operationId: undefined },
    armedUntil: undefined,
    operationId: undefined,
    failures: 0,
    lastError: undefined,
    createdAt: at,
    updatedAt: at,
    version: 1,
  }
}

function recoveryPointDefaults(control: Control, resource: Resource): RecoveryPoint {
  const at = now(control.clock)
  const { projectId, accountId, nativeId, dnaHash } = resource
  const id = control.ids.next('recoveryPoint')
  const manifest: Manifest = {
    ...{ format: 1, point: id, resource: resource.id, instance: nativeId, sequence: 1, parent: null },
    definition: { hash: dnaHash, dna: { nativeName: 'web' } },
    disks: {
      ...{ set: 'c'.repeat(32), takenAt: at.toISOString(), consistency: 'crash' },
      members: [{ device: '/dev/xvda', role: 'root', snapshot: 'snap-0123456789abcdef0', sizeGiB: 8 }],
    },
    memory: { kept: false, reason: 'no' },
    database: null,
    order: [{ what: 'disks', at: at.toISOString() }],
  }
  return {
    ...{ id, projectId, resourceId: resource.id, accountId, status: 'usable', reason: 'before the upgrade', requestedBy: 'key:test' },
    ...{ database: undefined, sequence: 1, manifest, manifestHash: manifestHash(manifest), capturedAt: at },
    ...{ lockedUntil: undefined, deleteTime: undefined, purgeTime: undefined, verification: undefined, operationId: undefined },
    ...{ lastError: undefined, createdAt: at, updatedAt: at, version: 1 },
  }
}

function operationDefaults(control: Control, projectId: string): Operation {
  const at = now(control.clock)
  return {
    id: control.ids.next('operation'),
    projectId,
    kind: 'account.verify',
    version: sagaVersions['account.verify'],
    resourceId: undefined,
    shadowId: undefined,
    status: 'pending',
    params: { accountId: 'acc_none' },
    plan: null,
    planHash: undefined,
    deadline: undefined,
    priority: 60,
    lockKey: undefined,
    requestedBy: 'test',
    reason: 'test',
    createdAt: at,
    startedAt: undefined,
    finishedAt: undefined,
    error: undefined,
    output: null,
    cancelRequestedAt: undefined,
    updatedAt: at,
  }
}

async function aStuckOperation(control: Control, admin: Principal, anOperation: (overrides: Partial<Operation>) => Promise<Operation>) {
  const { id } = await anOperation({ kind: 'shadow.retire', version: sagaVersions['shadow.retire'], params: { shadowId: 'shd_none' } })
  const { sagas } = control.database
  const atMs = control.clock.nowMs()
  const [claimed] = await sagas.claim({ runner: 'test', limit: 1, leaseMs: 60_000, nowMs: atMs, sagas: ['shadow.retire'], operationId: id })
  if (claimed === undefined) throw new Error('the operation is claimable')
  const failure = { code: 'provider_unauthorized', message: 'The cloud refused the credentials.', transient: false, remedy: 'Correct them.' }
  await sagas.append(claimed, [
    { sequence: 1, type: 'started', step: 'taken', attempt: 1, data: null, atMs },
    { sequence: 2, type: 'succeeded', step: 'taken', attempt: 1, data: { secretly: 'not for people' }, atMs },
    { sequence: 3, type: 'started', step: 'gone', attempt: 1, data: null, atMs },
    { sequence: 4, type: 'failed', step: 'gone', attempt: 1, data: failure, atMs },
  ])
  await sagas.note(claimed, { step: 'gone', message: 'A person is needed', data: { looked: 'everywhere' }, atMs })
  await sagas.finish(claimed, { status: 'stuck', error: failure, atMs })
  const { operation, timeline } = await getOperation(control, admin, { id })
  return { operation, step: progressOf(operation, timeline).next?.step ?? 'none' }
}
