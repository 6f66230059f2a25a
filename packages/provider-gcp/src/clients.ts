import type { protos } from '@google-cloud/compute'
import type { OAuth2Client } from 'google-auth-library'
import { addressRefusedCode, providerError } from '@understudy/provider'
import type { AddressGuard, Offering } from '@understudy/provider'
import { lookup } from 'node:dns/promises'
import { abortedError, classify } from './errors.ts'
import type { CallEffect } from './errors.ts'
import type { GcpCredentials, GcpSettings } from './settings.ts'

export type Instance = protos.google.cloud.compute.v1.IInstance
export type Disk = protos.google.cloud.compute.v1.IDisk
export type Backend = protos.google.cloud.compute.v1.IBackend
export type BackendService = protos.google.cloud.compute.v1.IBackendService
export type Operation = protos.google.cloud.compute.v1.IOperation

const scope = 'https://www.googleapis.com/auth/compute'
const requestTimeoutMs = 30_000
/** A server holds a wait for up to two minutes. */
const waitTimeoutMs = 150_000
/** HTTP numbers beside gRPC's: the SDK's own table of what to repeat holds the latter, and its errors carry the former. */
const readOptions = {
  timeout: requestTimeoutMs,
  retry: {
    retryCodes: [14, 429, 500, 502, 503, 504],
    backoffSettings: {
      initialRetryDelayMillis: 200,
      retryDelayMultiplier: 2,
      maxRetryDelayMillis: 2_000,
      initialRpcTimeoutMillis: 10_000,
      rpcTimeoutMultiplier: 1,
      maxRpcTimeoutMillis: 10_000,
      totalTimeoutMillis: 20_000,
    },
  },
}
/** An iteration pages by itself, and the SDK warns whoever does not say so. */
const listOptions = { ...readOptions, autoPaginate: false }
/** The SDK repeats no change by itself, and neither do we here: who knows the intent repeats it with the same request id. */
const changeOptions = { timeout: requestTimeoutMs, retry: null }

export type GcpCalls = ReturnType<typeof gcpCalls>

/** Every call this adapter makes, and nothing else: the permissions in docs/clouds/gcp.md follow from this list. */
export function gcpCalls(settings: GcpSettings) {
  const clients = opened(settings)
  const project = settings.scope.account
  const secrets = secretsOf(settings.credentials)
  const allowed = guardedEndpoint(settings.endpoint, settings.guard)
  const tell = async <T>(
    effect: CallEffect,
    call: (clients: Clients) => Promise<T>,
    more: { signal?: AbortSignal | undefined; offering?: Offering } = {},
  ): Promise<T> => {
    try {
      await allowed()
      return await unlessAborted(async () => await call(await clients.open()), more.signal)
    } catch (error) {
      throw classify(error, { effect, offering: more.offering, secrets })
    }
  }
  const accepted = async (
    call: (clients: Clients) => Promise<readonly [{ readonly latestResponse: unknown }, ...unknown[]]>,
    more: { signal?: AbortSignal | undefined; offering?: Offering } = {},
  ): Promise<Operation> => {
    const [answer] = await tell('repeatable', call, more)
    // `name` of the answer itself is the numeric id, by which no operation can be polled.
    return answer.latestResponse as Operation // what the SDK has parsed, typed as unknown
  }
  return { ...reads(project, tell), ...changes(project, accepted), ...trafficCalls(project, tell, accepted), close: clients.close }
}

type Tell = <T>(effect: CallEffect, call: (clients: Clients) => Promise<T>, more?: { signal?: AbortSignal | undefined }) => Promise<T>
type Accepted = (
  call: (clients: Clients) => Promise<readonly [{ readonly latestResponse: unknown }, ...unknown[]]>,
  more?: { signal?: AbortSignal | undefined; offering?: Offering },
) => Promise<Operation>
type Clients = Awaited<ReturnType<typeof sdkClients>>
interface Target {
  readonly zone: string
  readonly instance: string
  readonly requestId: string
}

const reads = (project: string, tell: Tell) => ({
  getProject: (signal?: AbortSignal) => tell('read', async ({ projects }) => (await projects.get({ project }, readOptions))[0], { signal }),
  getInstance: (zone: string, instance: string, signal?: AbortSignal) =>
    tell('read', async ({ instances }) => (await instances.get({ project, zone, instance }, readOptions))[0], { signal }),
  /** One page per zone and page; `unreachable` zones are an error, not an empty list. */
  listInstances: (filter: string | undefined) =>
    pages(
      tell,
      ({ instances }) => instances.aggregatedListAsync({ project, ...(filter === undefined ? {} : { filter }), maxResults: 500 }, listOptions),
      ({ instances: found }) => found,
    ),
  listDisks: (filter: string) =>
    pages(
      tell,
      ({ disks }) => disks.aggregatedListAsync({ project, filter, maxResults: 500 }, listOptions),
      ({ disks: found }) => found,
    ),
  getDisk: (zone: string, disk: string) => tell('read', async ({ disks }) => (await disks.get({ project, zone, disk }, readOptions))[0]),
  getMachineType: (zone: string, machineType: string) =>
    tell('read', async ({ machineTypes }) => (await machineTypes.get({ project, zone, machineType }, readOptions))[0]),
  getZoneOperation: (zone: string, operation: string) =>
    tell('read', async ({ zoneOperations }) => (await zoneOperations.get({ project, zone, operation }, readOptions))[0]),
  waitZoneOperation: (zone: string, operation: string, signal?: AbortSignal) =>
    tell(
      'read',
      async ({ zoneOperations }) => (await zoneOperations.wait({ project, zone, operation }, { ...readOptions, timeout: waitTimeoutMs }))[0],
      { signal },
    ),
})

const changes = (project: string, accepted: Accepted) => ({
  insertInstance: (zone: string, instanceResource: Instance, requestId: string, offering: Offering, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.insert({ project, zone, instanceResource, requestId }, changeOptions), { signal, offering }),
  startInstance: (target: Target, offering: Offering, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.start({ project, ...target }, changeOptions), { signal, offering }),
  resumeInstance: (target: Target, offering: Offering, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.resume({ project, ...target }, changeOptions), { signal, offering }),
  stopInstance: (target: Target, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.stop({ project, ...target }, changeOptions), { signal }),
  suspendInstance: (target: Target, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.suspend({ project, ...target }, changeOptions), { signal }),
  deleteInstance: (target: Target, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.delete({ project, ...target }, changeOptions), { signal }),
  setMachineType: ({ machineType, ...target }: Target & { readonly machineType: string }, signal?: AbortSignal) =>
    accepted(
      ({ instances }) =>
        instances.setMachineType(
          { project, ...target, instancesSetMachineTypeRequestResource: { machineType: `zones/${target.zone}/machineTypes/${machineType}` } },
          changeOptions,
        ),
      { signal },
    ),
  setInstanceLabels: (
    { labels, labelFingerprint, ...target }: Target & { readonly labels: Record<string, string>; readonly labelFingerprint: string },
    signal?: AbortSignal,
  ) =>
    accepted(
      ({ instances }) => instances.setLabels({ project, ...target, instancesSetLabelsRequestResource: { labels, labelFingerprint } }, changeOptions),
      {
        signal,
      },
    ),
  setDiskLabels: (
    target: {
      readonly zone: string
      readonly resource: string
      readonly requestId: string
      readonly labels: Record<string, string>
      readonly labelFingerprint: string
    },
    signal?: AbortSignal,
  ) => {
    const { labels, labelFingerprint, ...rest } = target
    return accepted(({ disks }) => disks.setLabels({ project, ...rest, zoneSetLabelsRequestResource: { labels, labelFingerprint } }, changeOptions), {
      signal,
    })
  },
  setDeletionProtection: ({ instance: resource, ...target }: Target, deletionProtection: boolean, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.setDeletionProtection({ project, ...target, resource, deletionProtection }, changeOptions), { signal }),
})

interface GroupTarget {
  readonly zone: string
  readonly name: string
  /** URL of the instance. */
  readonly instance: string
  readonly requestId: string
}

const trafficCalls = (project: string, tell: Tell, accepted: Accepted) => ({
  getBackendService: (backendService: string) =>
    tell('read', async ({ backendServices }) => (await backendServices.get({ project, backendService }, readOptions))[0]),
  getBackendHealth: (backendService: string, group: string) =>
    tell(
      'read',
      async ({ backendServices }) =>
        (await backendServices.getHealth({ project, backendService, resourceGroupReferenceResource: { group } }, readOptions))[0],
    ),
  listGroup: ({ zone, name }: { readonly zone: string; readonly name: string }) =>
    tell('read', async ({ instanceGroups }) => {
      const request = { project, zone, instanceGroup: name, instanceGroupsListInstancesRequestResource: { instanceState: 'ALL' } }
      return (await instanceGroups.listInstances(request, readOptions))[0]
    }),
  addToGroup: ({ zone, name, instance, requestId }: GroupTarget, signal?: AbortSignal) =>
    accepted(
      ({ instanceGroups }) =>
        instanceGroups.addInstances(
          { project, zone, instanceGroup: name, requestId, instanceGroupsAddInstancesRequestResource: { instances: [{ instance }] } },
          changeOptions,
        ),
      { signal },
    ),
  removeFromGroup: ({ zone, name, instance, requestId }: GroupTarget, signal?: AbortSignal) =>
    accepted(
      ({ instanceGroups }) =>
        instanceGroups.removeInstances(
          { project, zone, instanceGroup: name, requestId, instanceGroupsRemoveInstancesRequestResource: { instances: [{ instance }] } },
          changeOptions,
        ),
      { signal },
    ),
  patchBackends: (
    change: { readonly backendService: string; readonly backends: Backend[]; readonly fingerprint: string; readonly requestId: string },
    signal?: AbortSignal,
  ) => {
    const { backendService, backends, fingerprint, requestId } = change
    return accepted(
      ({ backendServices }) =>
        backendServices.patch({ project, backendService, requestId, backendServiceResource: { backends, fingerprint } }, changeOptions),
      { signal },
    )
  },
  waitGlobalOperation: (operation: string, signal?: AbortSignal) =>
    tell(
      'read',
      async ({ globalOperations }) => (await globalOperations.wait({ project, operation }, { ...readOptions, timeout: waitTimeoutMs }))[0],
      {
        signal,
      },
    ),
})

/** All items of an aggregated list. A zone that could not be asked must not look like one in which there is nothing. */
async function* pages<Page extends { readonly warning?: { readonly code?: unknown; readonly message?: string | null } | null }, Item>(
  tell: Tell,
  open: (clients: Clients) => AsyncIterable<[string, Page]>,
  itemsOf: (page: Page) => readonly Item[] | null | undefined,
): AsyncGenerator<Item> {
  let iterator: AsyncIterator<[string, Page]> | undefined
  for (;;) {
    const step = await tell('read', async (clients) => await (iterator ??= open(clients)[Symbol.asyncIterator]()).next())
    if (step.done === true) return
    const [zone, page] = step.value
    const warning = page.warning?.code
    if (warning === 'UNREACHABLE') throw providerError('unavailable', 'UNREACHABLE', `Google could not ask ${zone}: ${page.warning?.message ?? ''}`)
    yield* itemsOf(page) ?? []
  }
}

/**
 * Opens the SDK at the first call and not before: loading it takes seconds and 200 MB, which a process without an account on
 * Google Cloud has no use for.
 */
function opened(settings: GcpSettings): { open(): Promise<Clients>; close(): Promise<void> } {
  let clients: Promise<Clients> | undefined
  return {
    open: async () => await (clients ??= sdkClients(settings)),
    async close() {
      if (clients !== undefined) await Promise.allSettled(Object.values(await clients).map(async (client) => await client.close()))
    },
  }
}

async function sdkClients({ endpoint, credentials }: GcpSettings) {
  const sdk = await import('@google-cloud/compute')
  const address = endpoint === undefined ? undefined : new URL(endpoint)
  const authClient = await authClientOf(credentials)
  const options = {
    fallback: true as const,
    ...(authClient === undefined ? {} : { authClient }),
    ...(address === undefined
      ? {}
      : {
          apiEndpoint: address.hostname,
          port: address.port === '' ? (address.protocol === 'https:' ? 443 : 80) : Number(address.port),
          protocol: address.protocol.slice(0, -1),
        }),
  }
  return {
    backendServices: new sdk.BackendServicesClient(options),
    disks: new sdk.DisksClient(options),
    globalOperations: new sdk.GlobalOperationsClient(options),
    instanceGroups: new sdk.InstanceGroupsClient(options),
    instances: new sdk.InstancesClient(options),
    machineTypes: new sdk.MachineTypesClient(options),
    projects: new sdk.ProjectsClient(options),
    zoneOperations: new sdk.ZoneOperationsClient(options),
  }
}

/** Without one, the library asks the machine's metadata service, and only the default chain means that. */
async function authClientOf(credentials: GcpCredentials): Promise<OAuth2Client | undefined> {
  if (credentials === 'default-chain') return undefined
  const { JWT, OAuth2Client } = await import('google-auth-library')
  if ('clientEmail' in credentials) return new JWT({ email: credentials.clientEmail, key: credentials.privateKey, scopes: [scope] })
  const client = new OAuth2Client()
  client.setCredentials({ access_token: credentials.accessToken })
  return client
}

function secretsOf(credentials: GcpCredentials): readonly string[] {
  if (credentials === 'default-chain') return []
  return 'clientEmail' in credentials ? [credentials.privateKey] : [credentials.accessToken]
}

/** The SDK takes no agent, so that an endpoint of one's own is looked up and asked about before each call. */
function guardedEndpoint(endpoint: string | undefined, guard: AddressGuard | undefined): () => Promise<void> {
  if (endpoint === undefined || guard === undefined) return async () => undefined
  const { hostname } = new URL(endpoint)
  return async () => {
    const host = hostname.replace(/^\[|\]$/g, '')
    for (const { address } of await lookup(host, { all: true })) {
      const reason = guard(address)
      if (reason !== undefined) throw providerError('invalid', addressRefusedCode, `The endpoint ${hostname} ${reason}`)
    }
  }
}

/** The SDK cannot abort a request; the caller is let go, and what the request still does is found by its key. */
async function unlessAborted<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await call()
  if (signal.aborted) throw abortedError(signal.reason)
  let stop: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(abortedError(signal.reason))
    signal.addEventListener('abort', stop, { once: true })
  })
  const work = call()
  work.catch(() => undefined) // awaited below, or given up
  try {
    return await Promise.race([work, aborted])
  } finally {
    if (stop) signal.removeEventListener('abort', stop)
  }
}
