import { type Random, seededRandom } from '@understudy/core'
import { join } from 'node:path'
import { type AzureServer, type SavedAzure, startAzureServer } from '../azure/server.ts'
import { answerArm } from '../azure/front.ts'
import type { VmRecord } from '../azure/state.ts'
import { resolveTrafficManager } from '../azure/traffic-manager.ts'
import { type ControlRoutes, handleControl } from '../control/handle.ts'
import { DataPlane } from '../data-plane/data-plane.ts'
import { diskBlockStore } from '../datacentre/block-store-disk.ts'
import { SimError } from '../datacentre/sim-error.ts'
import { azureWorkload, resourceGroup, webGroup } from './azure-workload.ts'
import type { Resource } from './azure-workload.ts'
import type { Cloud, CloudOptions } from './cloud.ts'
import { cloudRoutes, type ControlledCloud, type SeededWorkload } from './cloud-routes.ts'
import { agentBody, type AgentSettings, GuestAgents } from './guest-agents.ts'
import { onceRunning } from './once-running.ts'
import { nameRoutes, type Names } from './names.ts'
import { keepWorld, loadWorld } from './saved-world.ts'
import { scheduledEvents } from './scheduled-events.ts'

interface SavedCloud {
  readonly azure: SavedAzure
  readonly agents: readonly AgentSettings[]
}
/** What Azure gives a Spot machine at most. */
const usualNoticeSeconds = 30

/** Azure Resource Manager with its data plane: `westeurope`, behind a Standard load balancer. */
export async function startAzureCloud(options: CloudOptions): Promise<Cloud> {
  const { stateDirectory, onInternalError } = options
  const saved = await loadWorld<SavedCloud>(stateDirectory)
  let changed = (): void => undefined
  const server = await startAzureServer({
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.speed === undefined ? {} : { speed: options.speed }),
    ...(saved === undefined ? {} : { saved: saved.world.azure }),
    ...(stateDirectory === undefined ? {} : { blocks: diskBlockStore(join(stateDirectory, 'blocks')) }),
    // It is in real seconds, and nobody has those when the clock runs fast.
    retryAfterSeconds: (options.speed ?? 1) > 1 ? 0 : 1,
    // An evicted machine stays deallocated until somebody starts it.
    latencies: { spotReturn: 365 * 86_400_000 },
    onChange: () => changed(),
    onInternalError,
  })
  const { dataCentre, state, clock, url } = server
  if (saved === undefined) await put(server, webGroup(dataCentre.region))
  const random = seededRandom(options.seed ?? 1)
  const plane = saved === undefined ? {} : { state: saved.dataPlane }
  const nativeIdOf = (instanceId: string): string => [...state.vms.values()].find((vm) => vm.instanceId === instanceId)?.id ?? instanceId
  const dataPlane = new DataPlane({ dataCentre, random, onError: onInternalError, nativeIdOf, ...plane })
  const agents = new GuestAgents({ dataCentre, state, settings: saved?.world.agents ?? [], onError: onInternalError })
  const world = (): SavedCloud => ({ azure: server.saved(), agents: agents.settings })
  const kept = keepWorld({ directory: stateDirectory, world, dataPlane, onError: onInternalError })
  changed = () => kept.touch()
  const unsubscribe = dataCentre.subscribe(() => kept.touch())
  const controlled: ControlledAzure = {
    url,
    dataCentre,
    dataPlane,
    clock,
    agents,
    machines: () => [...state.vms.values()],
    noticeSeconds: usualNoticeSeconds,
    longestNoticeSeconds: usualNoticeSeconds,
    account: () => accountOf(server),
    seed: ({ name }) => seed(server, dataPlane, name, onInternalError),
    names: namesOf(server, random),
    instanceIdOf: (nativeId) => state.vms.get(nativeId.toLowerCase())?.instanceId ?? nativeId,
  }
  return {
    name: 'azure',
    url,
    dataCentre,
    async control(request) {
      const reply = await handleControl({ ...azureRoutes, ...nameRoutes }, controlled, request)
      if (request.method !== 'GET') changed()
      return reply
    },
    async close() {
      unsubscribe()
      agents.close()
      await kept.close()
      await dataPlane.close()
      await server.close()
    },
  }
}

interface ControlledAzure extends ControlledCloud {
  readonly agents: GuestAgents
  readonly names: Names
  machines(): readonly VmRecord[]
}

const azureRoutes: ControlRoutes<ControlledAzure> = {
  ...cloudRoutes,
  /** What the metadata service of each machine says of which anything was planned, by the machine's id. */
  'GET /scheduled-events': ({ dataCentre, machines }) =>
    Object.fromEntries(machines().flatMap((machine) => Object.entries({ [machine.id]: scheduledEvents(dataCentre, machine) }))),
  'POST /agents': ({ agents }, body) => {
    const agent = agentBody.parse(body)
    agents.set(agent)
    return { url: agent.url, accountId: agent.accountId }
  },
}

const accountOf = ({ application, ca, dataCentre, subscription, url }: AzureServer): object => ({
  name: 'simulated Azure',
  provider: 'azure',
  nativeAccount: subscription,
  region: dataCentre.region,
  settings: { resourceGroup, endpoint: url, authority: url, certificateAuthority: ca },
  credentials: {
    source: 'client-secret',
    tenantId: application.tenant,
    clientId: application.clientId,
    clientSecret: application.clientSecret,
  },
})

async function put({ dataCentre, state, url }: AzureServer, { type, name, version, body }: Resource): Promise<void> {
  const path = `/subscriptions/${state.subscription}/resourceGroups/${resourceGroup}/providers/${type}/${name}?api-version=${version}`
  const call = { dataCentre, state, method: 'PUT', headers: {}, origin: url, url: path, text: JSON.stringify(body) }
  const { status, body: answered } = await answerArm(call, () => undefined)
  if (status >= 300) throw new SimError('SeedRefused', `${type}/${name}: ${JSON.stringify(answered)}`)
}

/** Each name leads to a Traffic Manager profile of its own, as a CNAME does that its owner keeps elsewhere. */
function namesOf(server: AzureServer, random: Random): Names {
  const profileOf = (name: string): string => name.replace(/\.$/, '').replaceAll('.', '-')
  return {
    async add({ name, address, ttlSeconds }) {
      const profile = profileOf(name)
      const endpoint = { name: 'primary', type: 'Microsoft.Network/trafficManagerProfiles/externalEndpoints', properties: { target: address } }
      const body = {
        location: 'global',
        properties: {
          trafficRoutingMethod: 'Weighted',
          dnsConfig: { relativeName: profile, ttl: ttlSeconds },
          monitorConfig: { protocol: 'HTTP', port: 8080, path: '/healthz', intervalInSeconds: 10, timeoutInSeconds: 5, toleratedNumberOfFailures: 1 },
          endpoints: [endpoint],
        },
      }
      const type = 'Microsoft.Network/trafficManagerProfiles'
      await put(server, { type, name: profile, version: '2022-04-01', body })
      const id = `/subscriptions/${server.subscription}/resourceGroups/${resourceGroup}/providers/${type}/${profile}`
      return { mechanism: 'dns-weight', native: { trafficManagerProfileId: id } }
    },
    resolve: (name) => resolveTrafficManager(server, `${profileOf(name)}.trafficmanager.net`, random),
  }
}

/** One Spot machine in zone 1, behind a Standard load balancer with one backend pool. */
async function seed(server: AzureServer, dataPlane: DataPlane, name: string, onError: (error: unknown) => void): Promise<SeededWorkload> {
  const { dataCentre, state } = server
  const { resources, member, machineId, poolId, balancerId } = azureWorkload(state.subscription, dataCentre.region, name)
  for (const resource of resources) await put(server, resource)
  const machine = state.vms.get(machineId.toLowerCase())
  // The interface joins the pool when its machine can answer.
  onceRunning(dataCentre, machine?.instanceId ?? '', () => void put(server, member).catch(onError))
  const { listeners } = await dataPlane.endpoints()
  const listenerArn = state.loadBalancers.get(balancerId.toLowerCase())?.rules[0]?.listenerArn
  return {
    name,
    nativeId: machine?.id ?? machineId,
    zone: '1',
    traffic: { mechanism: 'lb-target', native: { backendPoolId: poolId, loadBalancingRule: 'web' } },
    frontDoor: listeners.find((listener) => listener.listenerArn === listenerArn)?.url ?? '',
  }
}
