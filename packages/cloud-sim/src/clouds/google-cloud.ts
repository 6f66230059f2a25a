import { seededRandom } from '@understudy/core'
import type { Random } from '@understudy/core'
import { join } from 'node:path'
import { handleControl } from '../control/handle.ts'
import { DataPlane } from '../data-plane/data-plane.ts'
import { diskBlockStore } from '../datacentre/block-store-disk.ts'
import { answer } from '../google/answer.ts'
import { recordKey, resolve } from '../google/dns-routes.ts'
import { type GoogleServer, type SavedProject, startGoogleServer } from '../google/google-server.ts'
import type { GroupRecord } from '../google/project.ts'
import { seededGoogleImage } from '../google/seed.ts'
import type { Cloud, CloudOptions } from './cloud.ts'
import { cloudRoutes, type ControlledCloud, type SeededWorkload } from './cloud-routes.ts'
import { nameRoutes, type Names } from './names.ts'
import { onceRunning } from './once-running.ts'
import { keepWorld, loadWorld } from './saved-world.ts'

/** The one that a log sink of the project writes to. */
const subscription = 'understudy-events'

/** Compute Engine with its data plane: `europe-west1`, behind a global load balancer. */
export async function startGoogleCloud(options: CloudOptions): Promise<Cloud> {
  const { stateDirectory, onInternalError } = options
  const saved = await loadWorld<SavedProject>(stateDirectory)
  let changed = (): void => undefined
  const server = await startGoogleServer({
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.speed === undefined ? {} : { speed: options.speed }),
    ...(saved === undefined ? {} : { saved: saved.world }),
    ...(stateDirectory === undefined ? {} : { blocks: diskBlockStore(join(stateDirectory, 'blocks')) }),
    onExchange: ({ method }) => {
      if (method !== 'GET') changed()
    },
    onInternalError,
  })
  const { dataCentre, project, clock, url } = server
  if (saved === undefined) project.subscriptions.set(subscription, [])
  const nativeIdOf = (instanceId: string): string => project.instances().find((record) => record.instanceId === instanceId)?.id ?? instanceId
  const random = seededRandom(options.seed ?? 1)
  const plane = saved === undefined ? {} : { state: saved.dataPlane }
  const dataPlane = new DataPlane({ dataCentre, random, onError: onInternalError, nativeIdOf, ...plane })
  const kept = keepWorld({ directory: stateDirectory, world: () => server.saved(), dataPlane, onError: onInternalError })
  changed = () => kept.touch()
  const unsubscribe = dataCentre.subscribe(() => kept.touch())
  const controlled: ControlledCloud & { readonly names: Names } = {
    url,
    dataCentre,
    dataPlane,
    clock,
    noticeSeconds: 30,
    longestNoticeSeconds: 120,
    account: () => ({
      name: 'simulated Google Cloud',
      provider: 'gcp',
      nativeAccount: project.id,
      region: server.region,
      settings: { endpoint: url, eventsSubscription: subscription },
      credentials: { accessToken: server.accessToken },
    }),
    seed: ({ name, drainSeconds }) => seed(server, dataPlane, name, drainSeconds),
    names: namesOf(project, random),
    instanceIdOf: (nativeId) => project.instances().find(({ id }) => id === nativeId)?.instanceId ?? nativeId,
  }
  return {
    name: 'gcp',
    url,
    dataCentre,
    async control(request) {
      const reply = await handleControl({ ...cloudRoutes, ...nameRoutes }, controlled, request)
      if (request.method !== 'GET') changed()
      return reply
    },
    async close() {
      unsubscribe()
      await kept.close()
      await dataPlane.close()
      await server.close()
    },
  }
}

/** One spot instance in zone b, and a backend service with a group there and an empty one in zone c. */
async function seed(server: GoogleServer, dataPlane: DataPlane, name: string, drainSeconds: number): Promise<SeededWorkload> {
  const { project, dataCentre, region, url } = server
  const [zone, other] = [`${region}-b`, `${region}-c`]
  const path = `/compute/v1/projects/${project.id}/zones/${zone}/instances`
  await answer(project, 'POST', new URL(path, url), instanceBody(name, zone), () => false)
  const { id, instanceId } = project.instance(zone, name)
  const groups = [zone, other].map((at): GroupRecord => {
    const { arn } = dataCentre.balancers.createTargetGroup({
      name: `${name}-${at.slice(-1)}`,
      port: 8080,
      healthCheck: { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2, path: '/healthz' },
      deregistrationDelaySeconds: drainSeconds,
    })
    return { name: `${name}-${at.slice(-1)}`, zone: at, targetGroupArn: arn }
  })
  const loadBalancerArn = dataCentre.balancers.createLoadBalancer({ name }).arn
  const targetGroups = groups.map(({ targetGroupArn }, index) => ({ targetGroupArn, weight: index === 0 ? 100 : 0 }))
  const listener = dataCentre.balancers.createListener({ loadBalancerArn, port: 80, defaultActions: [{ kind: 'forward', targetGroups }] })
  project.groups.push(...groups)
  const backends = groups.map((group, index) => ({ group, capacityScaler: index === 0 ? 1 : 0 }))
  project.backendServices.push({ id: project.newId(), name, listenerArn: listener.arn, backends })
  onceRunning(dataCentre, instanceId, () => dataCentre.balancers.registerTargets(groups[0]?.targetGroupArn ?? '', [{ instanceId }]))
  const { listeners } = await dataPlane.endpoints()
  const [primaryGroup, standbyGroup] = groups.map((group) => `${group.zone}/${group.name}`)
  return {
    name,
    nativeId: id,
    zone,
    traffic: { mechanism: 'lb-weight', native: { backendService: name, primaryGroup, standbyGroup } },
    frontDoor: listeners.find(({ listenerArn }) => listenerArn === listener.arn)?.url ?? '',
  }
}

const instanceBody = (name: string, zone: string): Readonly<Record<string, unknown>> => ({
  name,
  machineType: `zones/${zone}/machineTypes/e2-standard-2`,
  labels: { service: name },
  disks: [
    {
      boot: true,
      autoDelete: true,
      deviceName: 'boot',
      initializeParams: {
        sourceImage: `projects/sim-images/global/images/${seededGoogleImage}`,
        diskSizeGb: '20',
        diskType: `zones/${zone}/diskTypes/pd-balanced`,
      },
    },
  ],
  networkInterfaces: [{ accessConfigs: [{ name: 'External NAT', type: 'ONE_TO_ONE_NAT' }] }],
  tags: { items: ['web'] },
  scheduling: { provisioningModel: 'SPOT', instanceTerminationAction: 'STOP', automaticRestart: false, onHostMaintenance: 'TERMINATE' },
})

/** Each name in a managed zone of its own. */
function namesOf(project: GoogleServer['project'], random: Random): Names {
  const zoneOf = (name: string): string => `zone-${name.replaceAll('.', '-').replace(/-$/, '')}`
  return {
    async add({ name, address, ttlSeconds }) {
      const record = { name, type: 'A', ttl: ttlSeconds, rrdatas: [address] }
      project.dnsZones.push({ name: zoneOf(name), changes: [], records: new Map([[recordKey(name, 'A'), record]]) })
      return { mechanism: 'dns-weight', native: { managedZone: zoneOf(name), name } }
    },
    resolve(name) {
      const record = project.dnsZones.find((zone) => zone.name === zoneOf(name))?.records.get(recordKey(name, 'A'))
      const address = resolve(project, zoneOf(name), name, random)
      return record === undefined || address === undefined ? undefined : { address, ttlSeconds: Number(record['ttl'] ?? 0) }
    },
  }
}
