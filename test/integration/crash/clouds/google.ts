import { seededGoogleImage, startGoogleServer } from '@understudy/cloud-sim'
import type { GoogleServer } from '@understudy/cloud-sim'
import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import { vi } from 'vitest'
import { startMutationProxy } from '../mutation-proxy.ts'
import type { Answer, Call } from '../mutation-proxy.ts'
import { generous, isThere, speed } from './cloud.ts'
import { coldTier, hotTier, parkedTier } from '../tiers.ts'
import type { Cloud, CrashCloud, Service } from './cloud.ts'

const subscription = 'understudy-events'
/** Sent with POST, and change nothing of what is tested. */
const reads = /\/(wait|getHealth|listInstances|listNetworkEndpoints)$|:(pull|acknowledge)$/

/** Labels hold less than tags: what does not fit is written in hexadecimal digits, and what fits as it is. */
const escape = (text: string): string =>
  [...Buffer.from(text)].map((byte) => (/[a-z0-9-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : hexOf(byte))).join('')
const hexOf = (byte: number): string => `_${byte.toString(16).padStart(2, '0')}`
function unescape(label: string): string {
  const text = Buffer.from(
    label.replace(/_([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString()
  return escape(text) === label ? text : label
}
export const tagsOf = (labels: Labels): Labels => Object.fromEntries(Object.entries(labels).map(([key, value]) => [unescape(key), unescape(value)]))

/** REST: the method and the path are the action, and both path and body name what it is about. */
function readCall({ method, path, body }: { readonly method: string; readonly path: string; readonly body: string }): Call | undefined {
  const [where = ''] = path.split('?')
  const parts = where.split('/').filter((part) => part !== '')
  const from = parts.findIndex((part) => part === 'zones' || part === 'regions' || part === 'global')
  if (method === 'GET' || reads.test(where) || from < 0) return undefined
  const [collection = '', , verb] = parts.slice(parts[from] === 'global' ? from + 1 : from + 2)
  const action = verb ?? (method === 'POST' ? 'insert' : method.toLowerCase())
  const values = new Set([...parts.map((part) => decodeURIComponent(part)), ...textsIn(body)])
  // What is made for a new shadow belongs to another operation.
  if (values.has('shadow')) return undefined
  // What a group has made of its members is named after it, with a hyphen.
  return { action: `${collection}.${action}`, names: (name) => [...values].some((value) => value === name || value.startsWith(`${name}-`)) }
}

/** Every text of a JSON body, whole, without escapes, and by the parts of a path. */
function textsIn(body: string): readonly string[] {
  const texts: string[] = []
  if (!body.startsWith('{')) return texts
  JSON.parse(body, (_, value: unknown) => {
    if (typeof value === 'string') texts.push(value, unescape(value), ...value.split('/'))
    return value
  })
  return texts
}

/** An insertion answers with its operation, which names what is made. */
function made(answer: string): readonly string[] {
  const { operationType, targetId, targetLink } = parsed(answer)
  return operationType === 'insert' ? [targetId ?? '', targetLink?.split('/').pop() ?? ''].filter((name) => name !== '') : []
}

/** Every change answers with one. */
const operation = ({ body }: Answer): string | undefined => {
  const { kind, name } = parsed(body.toString())
  return kind === 'compute#operation' ? `/operations/${name}` : undefined
}

const parsed = (answer: string) => JSON.parse(answer) as Readonly<Record<string, string | undefined>> // Compute Engine answers JSON

/** Compute Engine and Pub/Sub. */
export async function openGoogle(): Promise<CrashCloud & { readonly server: GoogleServer }> {
  const server = await startGoogleServer({ speed, seed: 11 })
  const { project, dataCentre } = server
  project.subscriptions.set(subscription, [])
  const proxy = await startMutationProxy(server.url, { readCall, made, operation })
  return {
    server,
    dataCentre,
    proxy,
    account: {
      provider: 'gcp',
      nativeAccount: project.id,
      region: server.region,
      settings: { endpoint: proxy.url, eventsSubscription: subscription, limits: generous },
      credentials: { accessToken: server.accessToken },
    },
    seed: (prefix, count) => Promise.all(Array.from({ length: count }, (_, index) => seedGoogle(server, `${prefix}-${(index + 10).toString(36)}`))),
    machines: () =>
      project
        .instances()
        .filter(({ instanceId }) => isThere(dataCentre, instanceId))
        .map(({ id, instanceId, name, labels, disks }) => ({
          nativeId: id,
          instanceId,
          // The consistency group of its disks is named after it.
          names: [name, ...disks.map((disk) => disk.name), `us-cg-${id}`],
          tags: tagsOf(labels),
        })),
    leftovers() {
      const attached = new Set(project.instances().flatMap(({ zone, disks }) => disks.map(({ name }) => `${zone}/${name}`)))
      const loose = project.disks().filter(({ zone, name, labels }) => tagsOf(labels)[ownTags.managed] === 'true' && !attached.has(`${zone}/${name}`))
      return [...loose.map(({ name }) => `the disk ${name}`), ...project.instants.map(({ name }) => `the instant snapshot ${name}`)]
    },
    async close() {
      await proxy.close()
      await server.close()
    },
  }
}

/** One instance in zone b, Spot unless it is `adapted`, and a backend service with a group there and an empty one in zone c. */
export async function seedGoogle(
  { url, accessToken, project, region, dataCentre }: GoogleServer,
  name: string,
  adapted = (body: ReturnType<typeof instanceBody>): object => body,
): Promise<Service> {
  const [zone, other] = [`${region}-b`, `${region}-c`]
  const answer = await fetch(`${url}/compute/v1/projects/${project.id}/zones/${zone}/instances`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(adapted(instanceBody(name, zone))),
  })
  if (!answer.ok) throw new Error(`${name} was refused: ${await answer.text()}`)
  const { id, instanceId } = project.instance(zone, name)
  const groups = [zone, other].map((at, index) => {
    const { arn } = dataCentre.balancers.createTargetGroup({
      name: `${name}-${index}`,
      port: 8080,
      healthCheck: { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2, path: '/healthz' },
      deregistrationDelaySeconds: 2,
    })
    return { name: `${name}-${index}`, zone: at, targetGroupArn: arn }
  })
  const [first] = groups
  const targetGroups = groups.map(({ targetGroupArn }, index) => ({ targetGroupArn, weight: index === 0 ? 100 : 0 }))
  const loadBalancerArn = dataCentre.balancers.createLoadBalancer({ name }).arn
  const listener = dataCentre.balancers.createListener({ loadBalancerArn, port: 80, defaultActions: [{ kind: 'forward', targetGroups }] })
  project.groups.push(...groups)
  const backendService = `${name}-service`
  const backends = groups.map((group, index) => ({ group, capacityScaler: index === 0 ? 1 : 0 }))
  project.backendServices.push({ id: project.newId(), name: backendService, listenerArn: listener.arn, backends })
  await vi.waitUntil(() => dataCentre.instances.get(instanceId)?.state === 'running', { timeout: 180_000 })
  dataCentre.balancers.registerTargets(first?.targetGroupArn ?? '', [{ instanceId }])
  const [primaryGroup = '', standbyGroup = ''] = groups.map((group) => `${group.zone}/${group.name}`)
  const traffic = { mechanism: 'lb-weight', native: { backendService, primaryGroup, standbyGroup } } as const
  return { name, nativeId: id, traffic, listenerArn: listener.arn, weights: [0, 100], names: [backendService] }
}

const instanceBody = (name: string, zone: string) => ({
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
    { boot: false, autoDelete: true, deviceName: 'data', initializeParams: { diskSizeGb: '30', diskType: `zones/${zone}/diskTypes/pd-ssd` } },
  ],
  networkInterfaces: [{ accessConfigs: [{ name: 'External NAT', type: 'ONE_TO_ONE_NAT' }] }],
  tags: { items: ['web'] },
  scheduling: { provisioningModel: 'SPOT', instanceTerminationAction: 'STOP', automaticRestart: false, onHostMaintenance: 'TERMINATE' },
})

/** Of two disks at one moment. */
const savingTheState = [
  'instantSnapshotGroups.insert',
  'snapshots.insert',
  'snapshots.insert',
  'instantSnapshots.delete',
  'instantSnapshots.delete',
  'instantSnapshotGroups.delete',
]
const behindTheShift = ['instances.setLabels', 'instanceGroups.removeInstances', 'instances.delete', 'instances.setLabels', 'instances.setLabels']

// The queue is the same code whichever the cloud: one backend is enough here.
export const google: Cloud = {
  name: 'gcp',
  title: 'Google Cloud',
  leaseSeconds: 5,
  // Snapshots and what they were made of are looked at, not their operations.
  isAccepted: (action) => !['snapshots.insert', 'instantSnapshots.delete', 'instantSnapshotGroups.delete'].includes(action),
  open: openGoogle,
  failovers: [
    { title: 'to a running shadow', queue: 'postgres', tier: hotTier, changes: ['backendServices.patch', ...behindTheShift], sample: 4 },
    {
      title: 'to a parked shadow',
      queue: 'postgres',
      tier: parkedTier,
      changes: ['instances.start', 'instanceGroups.addInstances', 'backendServices.patch', ...behindTheShift],
      dieAtFirst: 3,
      sample: 0,
    },
    {
      title: 'without an instance that could take over',
      queue: 'postgres',
      tier: coldTier,
      changes: [...savingTheState, 'instances.insert', 'instanceGroups.addInstances', 'backendServices.patch', ...behindTheShift],
      dieAtFirst: 9,
      sample: 3,
    },
  ],
}
