import { adapters, createProviders } from '@understudy/adapters'
import { seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import type { DataCentre } from '@understudy/cloud-sim'
import {
  aesGcmVault,
  authenticate,
  bootstrap,
  createAccount,
  createApiKey,
  createProject,
  failureOf,
  sagaDefinitions,
  serviceSigner,
} from '@understudy/control'
import type { Account, Control, Database, Operation, Principal, Role, SagaDeps } from '@understudy/control'
import { isAppError, randomIds, seededRandom, VirtualClock } from '@understudy/core'
import type { AppError, ErrorKind } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { providerError } from '@understudy/provider'
import type { Adapter, Provider, TrafficBinding } from '@understudy/provider'
import { createRunner, isFinal, runnable } from '@understudy/saga'
import { drive } from '@understudy/saga/testing'
import { countedDatabase, createTestDatabase, InFlight } from '@understudy/testing'
import { afterAll, beforeAll } from 'vitest'

/** One project with a key for every role. */
export interface Tenant {
  readonly projectId: string
  readonly admin: Principal
  readonly operator: Principal
  readonly viewer: Principal
}

/** The application over a real database, in virtual time, with a simulated region in the same process; no worker and no HTTP. */
export interface Rooms {
  readonly control: Control
  readonly clock: VirtualClock
  readonly deps: SagaDeps
  readonly dc: DataCentre
  readonly provider: Provider
  /** Called before an instance is tagged, once. */
  readonly hooks: { beforeTag?: (() => Promise<unknown>) | undefined }
  /** With the key of the installation. */
  readonly installer: Principal
  readonly us: Tenant
  /** Another tenant of the same installation. */
  readonly them: Tenant
  newTenant(name: string): Promise<Tenant>
  /** An account on the simulated region. */
  newAccount(tenant: Tenant, overrides?: { readonly name?: string; readonly credentials?: { readonly key: string } }): Promise<Account>
  /** A running web service behind a load balancer, and where its traffic comes in. */
  newService(
    name: string,
    tags?: Readonly<Record<string, string>>,
    userData?: string,
  ): { readonly nativeId: string; readonly traffic: TrafficBinding }
  /** Lets virtual time pass until the work settles. */
  drive<T>(work: Promise<T>): Promise<T>
  /** Resolves when the database has nothing to do. */
  settle(): Promise<void>
  /** Runs an operation to its end, or until it is stuck. */
  finish(operation: Pick<Operation, 'id'>): Promise<Operation>
}

/** Makes the rooms before the tests of a file and closes them afterwards. */
export function useRooms(): () => Rooms {
  let rooms: (Rooms & { close(): Promise<void> }) | undefined
  beforeAll(async () => {
    rooms = await openRooms()
  })
  afterAll(async () => {
    await rooms?.close()
  })
  return () => {
    if (rooms === undefined) throw new Error('the rooms are open in tests only')
    return rooms
  }
}

async function openRooms(): Promise<Rooms & { close(): Promise<void> }> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const testDatabase = await createTestDatabase()
  const real = openDatabase({ url: testDatabase.url, clock, connectTimeoutMs: 60_000 })
  const inFlight = new InFlight()
  const database = countedDatabase(real, inFlight)
  const settle = () => inFlight.settle()
  const dc = seedRegion({ clock, random: seededRandom(11) })
  const hooks: Rooms['hooks'] = {}
  const sim = simProvider(dc, { installation: 'test' })
  const tag: Provider['labels']['tag'] = async (...parameters) => {
    const hook = hooks.beforeTag
    hooks.beforeTag = undefined
    await hook?.()
    return sim.labels.tag(...parameters)
  }
  const provider: Provider = { ...sim, labels: { ...sim.labels, tag } }
  const control = controlOver(database, clock, provider)
  const deps: SagaDeps = {
    database,
    clock,
    ids: control.ids,
    settings: control.settings,
    vault: control.vault,
    async openProvider(accountId) {
      const account = await database.stores.accounts.findById(accountId)
      if (account === undefined) throw new Error(`there is no account ${accountId}`)
      return control.providers.open(account)
    },
    signer: serviceSigner(control),
    prober: { attempt: () => Promise.resolve({ passed: false, detail: 'There is no network in these rooms.' }) },
  }
  const installer = await firstPrincipal(control)
  const driven = <T>(work: Promise<T>): Promise<T> => drive(clock, work, { settle })
  const newTenant = (name: string) => makeTenant(control, installer, name)
  return {
    control,
    clock,
    deps,
    dc,
    provider,
    hooks,
    installer,
    us: await newTenant('us'),
    them: await newTenant('them'),
    newTenant,
    newAccount: (tenant, overrides = {}) =>
      createAccount(control, tenant.admin, {
        name: 'simulated',
        provider: 'sim',
        region: dc.region,
        settings: {},
        credentials: { key: 'valid' },
        ...overrides,
      }),
    newService(name, tags, userData) {
      const service = seedWebService(dc, { name, ...(tags === undefined ? {} : { tags }), ...(userData === undefined ? {} : { userData }) })
      clock.advance(120_000)
      return { nativeId: service.instance.instanceId, traffic: { mechanism: 'lb-weight', native: service.binding } }
    },
    drive: driven,
    settle,
    finish: (operation) => driven(finish(deps, operation.id)),
    async close() {
      await provider.close()
      await real.close()
      await testDatabase.drop()
    },
  }
}

function controlOver(database: Database, clock: VirtualClock, provider: Provider): Control {
  const vault = aesGcmVault({ keys: new Map([['test', new Uint8Array(32).fill(7)]]), current: 'test' })
  const random = seededRandom(5)
  return {
    database,
    clock,
    ids: randomIds,
    random,
    vault,
    providers: createProviders({
      adapters: [...adapters, simAdapter(provider)],
      accounts: () => database.stores.accounts,
      vault,
      installation: 'test',
      clock,
      random,
    }),
    settings: { installation: 'test', armTtlMs: 60_000, webhookAllowedNetworks: ['127.0.0.0/8'], idempotencyTtlMs: 86_400_000 },
  }
}

/** The port over the simulated region. Its credentials are one key, which is `valid`, `wrong` or `forbidden`. */
function simAdapter(provider: Provider): Adapter {
  return {
    name: 'sim',
    validate: ({ credentials }) => (typeof credentials['key'] === 'string' ? [] : [{ pointer: '/credentials/key', message: 'must be a text' }]),
    create: ({ credentials }) => (credentials['key'] === 'valid' ? provider : refusing(provider, String(credentials['key']))),
    parse: (document, received) =>
      provider.signals?.parse(document, received) ?? { outcome: 'ignored', reason: 'the simulated region pushes nothing here' },
  }
}

/** What the region answers to a key it does not know. */
function refusing(provider: Provider, key: string): Provider {
  return {
    ...provider,
    async identify() {
      if (key === 'elsewhere') return { account: '999999999999', principal: 'arn:elsewhere' }
      if (key === 'silent') return new Promise(() => undefined)
      if (key === 'unreachable') throw providerError('unavailable', 'ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:443')
      throw providerError('unauthorized', key === 'forbidden' ? 'AccessDenied' : 'InvalidClientTokenId', `The key ${key} is not accepted.`)
    },
  }
}

async function firstPrincipal(control: Control): Promise<Principal> {
  const made = await bootstrap(control.database, control.clock, control.ids)
  if (made === undefined) throw new Error('the test database is not empty')
  return authenticate(control, made.secret)
}

async function makeTenant(control: Control, installer: Principal, name: string): Promise<Tenant> {
  const { id: projectId } = await createProject(control, installer, { name })
  const principal = async (role: Role): Promise<Principal> => {
    const { secret } = await createApiKey(control, installer, { name: `${name} ${role}`, role, projectId })
    return authenticate(control, secret)
  }
  return { projectId, admin: await principal('admin'), operator: await principal('operator'), viewer: await principal('viewer') }
}

async function finish(deps: SagaDeps, id: string): Promise<Operation> {
  const runner = createRunner({
    store: deps.database.sagas,
    sagas: sagaDefinitions.map((saga) => runnable(saga, () => deps)),
    clock: deps.clock,
    random: seededRandom(3),
    runnerId: 'test',
    classify: failureOf,
    leaseMs: 30_000,
  })
  for (let claims = 0; claims < 50; claims++) {
    await runner.runOne(id)
    const operation = await deps.database.stores.operations.findById(id)
    if (operation === undefined) throw new Error(`there is no operation ${id}`)
    if (isFinal(operation.status) || operation.status === 'stuck') return operation
  }
  throw new Error(`the operation ${id} has not ended`)
}

/** The expected failure of a use-case. */
export async function refusalOf(work: Promise<unknown>): Promise<AppError> {
  try {
    await work
  } catch (error) {
    if (isAppError(error)) return error
    throw error
  }
  throw new Error('it was not refused')
}
export const kindOf = async (work: Promise<unknown>): Promise<ErrorKind> => (await refusalOf(work)).kind
