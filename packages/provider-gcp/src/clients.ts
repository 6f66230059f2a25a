import type { protos } from '@google-cloud/compute'
import { addressRefusedCode, providerError } from '@understudy/provider'
import type { AddressGuard, Offering } from '@understudy/provider'
import { lookup } from 'node:dns/promises'
import { changeOptions, listed, listOptions, pages, readOptions, waitTimeoutMs } from './call-kit.ts'
import type { Accepted, Ask, Tell } from './call-kit.ts'
import { dnsCalls } from './dns-calls.ts'
import { abortedError, classify, isLostConnection } from './errors.ts'
import { firewallCalls } from './firewall-calls.ts'
import { imageCalls } from './image-calls.ts'
import { pubsubCalls } from './pubsub-calls.ts'
import { opened } from './sdk.ts'
import type { GcpCredentials, GcpSettings } from './settings.ts'
import { storageCalls } from './storage-calls.ts'
import { trafficCalls } from './traffic-calls.ts'

export type Instance = protos.google.cloud.compute.v1.IInstance
export type Disk = protos.google.cloud.compute.v1.IDisk
export type Backend = protos.google.cloud.compute.v1.IBackend
export type BackendService = protos.google.cloud.compute.v1.IBackendService
export type Operation = protos.google.cloud.compute.v1.IOperation

export type GcpCalls = ReturnType<typeof gcpCalls>

/** Every call this adapter makes, and nothing else: the permissions in docs/clouds/gcp.md follow from this list. */
export function gcpCalls(settings: GcpSettings) {
  const clients = opened(settings)
  const project = settings.scope.account
  const secrets = secretsOf(settings.credentials)
  const allowed = guardedEndpoint(settings.endpoint, settings.guard)
  const tell: Tell = async (effect, call, more = {}) => {
    const attempt = async () => {
      try {
        await allowed()
        return await unlessAborted(async () => await call(await clients.open()), more.signal)
      } catch (error) {
        throw classify(error, { effect, offering: more.offering, secrets })
      }
    }
    try {
      return await attempt()
    } catch (error) {
      // A connection that was kept may be closed just when it is used again. The SDK repeats answers, and not this.
      if (effect === 'read' && isLostConnection(error)) return await attempt()
      throw error
    }
  }
  const ask: Ask = async (effect, service, request) => {
    try {
      await allowed()
      return await unlessAborted(() => clients.rest(service, request), request.signal)
    } catch (error) {
      throw classify(error, { effect, secrets })
    }
  }
  const accepted: Accepted = async (call, more) => {
    const [answer] = await tell('repeatable', call, more)
    // `name` of the answer itself is the numeric id, by which no operation can be polled.
    return answer.latestResponse as Operation // what the SDK has parsed, typed as unknown
  }
  return {
    ...reads(settings.scope, tell),
    ...resourceManager(project, ask),
    ...changes(project, accepted),
    ...trafficCalls({ project, region: settings.scope.region }, tell, accepted),
    ...storageCalls({ project, region: settings.scope.region }, tell, accepted),
    ...imageCalls(project, tell, accepted),
    ...firewallCalls(project, tell, accepted),
    ...dnsCalls(project, ask),
    ...pubsubCalls(ask),
    principal: (signal?: AbortSignal) => tell('read', () => clients.principal(), { signal }),
    close: clients.close,
  }
}

/** Cloud Resource Manager's one question. */
const resourceManager = (project: string, ask: Ask) => ({
  /** Those of the permissions that the credentials have on the project. */
  async testPermissions(permissions: readonly string[], signal?: AbortSignal): Promise<readonly string[]> {
    const path = `/v1/projects/${encodeURIComponent(project)}:testIamPermissions`
    const answer = await ask('read', 'cloudresourcemanager', { method: 'POST', path, body: { permissions }, timeoutMs: 15_000, signal })
    const { permissions: granted } = (answer ?? {}) as { readonly permissions?: readonly string[] } // as the method's reference has it
    return granted ?? []
  },
})

interface Target {
  readonly zone: string
  readonly instance: string
  readonly requestId: string
}

const reads = ({ account: project, region }: GcpSettings['scope'], tell: Tell) => ({
  getProject: (signal?: AbortSignal) => tell('read', async ({ projects }) => (await projects.get({ project }, readOptions))[0], { signal }),
  getInstance: (zone: string, instance: string, signal?: AbortSignal) =>
    tell('read', async ({ instances }) => (await instances.get({ project, zone, instance }, readOptions))[0], { signal }),
  /** Over all zones. With `zones`, only those have to be reachable; without, those of the region. */
  listInstances: (filter: string | undefined, zones?: readonly string[]) =>
    pages(tell, {
      open: ({ instances }) =>
        instances.aggregatedListAsync(
          { project, ...(filter === undefined ? {} : { filter }), maxResults: 500, returnPartialSuccess: true },
          listOptions,
        ),
      itemsOf: ({ instances: found }) => found,
      matters: (zone) => (zones === undefined ? zone.startsWith(`${region}-`) : zones.includes(zone)),
    }),
  listDisks: (filter: string) =>
    pages(tell, {
      open: ({ disks }) => disks.aggregatedListAsync({ project, filter, maxResults: 500, returnPartialSuccess: true }, listOptions),
      itemsOf: ({ disks: found }) => found,
      matters: (zone) => zone.startsWith(`${region}-`),
    }),
  getGlobalOperation: (operation: string) =>
    tell('read', async ({ globalOperations }) => (await globalOperations.get({ project, operation }, readOptions))[0]),
  waitRegionOperation: (operation: string, signal?: AbortSignal) =>
    tell(
      'read',
      async ({ regionOperations }) => (await regionOperations.wait({ project, region, operation }, { ...readOptions, timeout: waitTimeoutMs }))[0],
      { signal },
    ),
  waitGlobalOperation: (operation: string, signal?: AbortSignal) =>
    tell(
      'read',
      async ({ globalOperations }) => (await globalOperations.wait({ project, operation }, { ...readOptions, timeout: waitTimeoutMs }))[0],
      {
        signal,
      },
    ),
  /** Operations of this kind in all zones, newest last; Google keeps them for some weeks. The filter language has no dates that could be relied on. */
  listOperations: (filter: string) =>
    pages(tell, {
      open: ({ globalOperations }) =>
        globalOperations.aggregatedListAsync({ project, filter, maxResults: 500, returnPartialSuccess: true }, listOptions),
      itemsOf: ({ operations }) => operations,
      matters: (zone) => zone.startsWith(`${region}-`),
    }),
  /** Zones of the region, with their state. */
  listZones: () => listed(tell, ({ zones }) => zones.listAsync({ project, filter: `name=${region}-*`, maxResults: 500 }, listOptions)),
  getDisk: (zone: string, disk: string) => tell('read', async ({ disks }) => (await disks.get({ project, zone, disk }, readOptions))[0]),
  getMachineType: (zone: string, machineType: string) =>
    tell('read', async ({ machineTypes }) => (await machineTypes.get({ project, zone, machineType }, readOptions))[0]),
  /** Types of one zone that somebody may still choose. */
  listMachineTypes: (zone: string) => listed(tell, ({ machineTypes }) => machineTypes.listAsync({ project, zone, maxResults: 500 }, listOptions)),
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
  insertInstance: (zone: string, instanceResource: Instance, requestId: string, offering: Offering | undefined, signal?: AbortSignal) =>
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
