import { azureWorkload, scheduledEvents, startAzureServer } from '@understudy/cloud-sim'
import type { AzureServer } from '@understudy/cloud-sim'
import { ownTags } from '@understudy/core'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { json, text } from 'node:stream/consumers'
import { vi } from 'vitest'
import { startMutationProxy } from '../mutation-proxy.ts'
import type { Answer, Call } from '../mutation-proxy.ts'
import { coldTier, hotTier, parkedTier } from '../tiers.ts'
import { generous, isThere, speed } from './cloud.ts'
import type { Cloud, CrashCloud, Service } from './cloud.ts'

const group = 'shop'

/** ARM: the path is what it is about, and its last type with the method, or with the verb that a POST ends in, the action. */
function readCall({ method, path, body }: { readonly method: string; readonly path: string; readonly body: string }): Call | undefined {
  const [where = ''] = path.split('?')
  const below = where.split('/providers/').pop()?.split('/').slice(1) ?? []
  const hasVerb = below.length % 2 === 1
  const verb = hasVerb ? below.at(-1) : method.toLowerCase()
  if (method === 'GET' || !where.includes('/providers/') || verb === 'health') return undefined
  const id = where.toLowerCase()
  const parts = new Set(id.split('/'))
  const said = new Set(textsIn(body).map((text) => text.toLowerCase()))
  return {
    action: `${below.at(hasVerb ? -3 : -2)}.${verb}`,
    // What is made for a new shadow belongs to another operation; what is there is what it is, whatever its tags still say.
    names: (name) => parts.has(name.toLowerCase()) || id.startsWith(name.toLowerCase()) || (!said.has('shadow') && said.has(name.toLowerCase())),
  }
}

function textsIn(body: string): readonly string[] {
  const texts: string[] = []
  if (!body.startsWith('{')) return texts
  JSON.parse(body, (_, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  return texts
}

/** A PUT answers with what it has made. A pool has the same name in every load balancer here. */
function made(answer: string): readonly string[] {
  const { id, name, type } = (answer.startsWith('{') ? JSON.parse(answer) : {}) as Readonly<Record<string, string | undefined>> // ARM answers JSON
  return type?.startsWith('Microsoft.Compute/') === true ? [id ?? '', name ?? ''].filter((text) => text !== '') : []
}

function operation({ headers }: Answer): string | undefined {
  const address = headers['azure-asyncoperation']
  return typeof address === 'string' ? /\/operations\/[^/?]+/.exec(address)?.[0] : undefined
}

/** Azure Resource Manager and its authority. */
export async function openAzure(): Promise<CrashCloud & { readonly server: AzureServer }> {
  const server = await startAzureServer({ speed, seed: 11, latencies: { spotReturn: 365 * 86_400_000 } })
  const { dataCentre, state, application, ca, key } = server
  const proxy = await startMutationProxy(server.url, { readCall, made, operation }, { key, cert: ca })
  const machineOf = (instanceId: string) => [...state.vms.values()].find((vm) => vm.instanceId === instanceId)
  return {
    server,
    dataCentre,
    proxy,
    account: {
      provider: 'azure',
      nativeAccount: server.subscription,
      region: dataCentre.region,
      settings: { resourceGroup: group, endpoint: proxy.url, authority: proxy.url, certificateAuthority: ca, limits: generous },
      credentials: {
        source: 'client-secret',
        tenantId: application.tenant,
        clientId: application.clientId,
        clientSecret: application.clientSecret,
      },
    },
    async seed(prefix, count) {
      const arm = await armOf(server)
      return Promise.all(Array.from({ length: count }, (_, index) => seedAzure(server, arm, `${prefix}-${(index + 10).toString(36)}`)))
    },
    machines: () =>
      [...state.vms.values()].flatMap(({ id, name, tags, instanceId }) =>
        instanceId === undefined || !isThere(dataCentre, instanceId)
          ? []
          : [{ nativeId: id, instanceId, names: [name, ...[...state.nics.values()].flatMap((nic) => (nic.vmId === id ? [nic.name] : []))], tags }],
      ),
    leftovers() {
      const isOurs = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean => tags[ownTags.managed] === 'true'
      return [
        ...[...state.disks.values()].filter((disk) => isOurs(disk) && disk.managedBy === undefined).map(({ name }) => `the disk ${name}`),
        ...[...state.nics.values()].filter((nic) => isOurs(nic) && nic.vmId === undefined).map(({ name }) => `the interface ${name}`),
        ...[...state.vms.values()].filter((vm) => isOurs(vm) && vm.instanceId === undefined).map(({ name }) => `${name}, which was never allocated`),
      ]
    },
    metadata(instanceId) {
      const machine = machineOf(instanceId)
      const document = machine && scheduledEvents(dataCentre, machine)
      return document && { documentKind: 'scheduledevents', document: { ...document } }
    },
    async close() {
      await proxy.close()
      await server.close()
    },
  }
}

type Arm = (method: 'PUT' | 'PATCH' | 'DELETE', path: string, body: object) => Promise<void>

/** What somebody does who sets up a service. */
export async function armOf({ url, ca, application }: AzureServer): Promise<Arm> {
  const send = (method: string, path: string, headers: Readonly<Record<string, string>>, body: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request(`${url}${path}`, { method, ca, headers }, resolve).on('error', reject).end(body)
    })
  const { tenant, clientId, clientSecret } = application
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret })
  const answer = await send('POST', `/${tenant}/oauth2/v2.0/token`, {}, form.toString())
  const { access_token: token } = (await json(answer)) as { readonly access_token: string } // as OAuth has it
  return async (method, path, body) => {
    const payload = JSON.stringify(body)
    // Said by ourselves: Node says no length of what a DELETE carries, and the rest would be read as the next request.
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }
    const made = await send(method, path, headers, payload)
    const said = await text(made)
    if ((made.statusCode ?? 500) >= 300) throw new Error(`${path} was refused: ${said}`)
  }
}

type Workload = ReturnType<typeof azureWorkload>

/** One machine in zone 1, Spot unless it is `adapted`, behind a Standard load balancer with one backend pool. */
export async function seedAzure(
  { state, dataCentre, subscription }: AzureServer,
  arm: Arm,
  name: string,
  adapted = (resources: Workload['resources']): Workload['resources'] => resources,
): Promise<Service> {
  const { resources, member, machineId, poolId, balancerId } = azureWorkload(subscription, dataCentre.region, name)
  const put = ({ type, name: resource, version, body }: (typeof resources)[number]): Promise<void> =>
    arm('PUT', `/subscriptions/${subscription}/resourceGroups/${group}/providers/${type}/${resource}?api-version=${version}`, body)
  for (const resource of adapted(resources)) await put(resource)
  const machine = state.vms.get(machineId.toLowerCase())
  await vi.waitUntil(() => dataCentre.instances.get(machine?.instanceId ?? '')?.state === 'running', { timeout: 180_000 })
  await put(member)
  const listenerArn = state.loadBalancers.get(balancerId.toLowerCase())?.rules[0]?.listenerArn ?? ''
  const traffic = { mechanism: 'lb-target', native: { backendPoolId: poolId, loadBalancingRule: 'web' } } as const
  return { name, nativeId: machine?.id ?? machineId, traffic, listenerArn, weights: [1], names: [`${name}-lb`] }
}

const behindTheShift = ['virtualMachines.patch', 'networkInterfaces.put', 'virtualMachines.delete', 'virtualMachines.patch', 'virtualMachines.patch']

export const azure: Cloud = {
  name: 'azure',
  title: 'Azure',
  leaseSeconds: 4,
  // Interfaces, tags and collections are written at once.
  isAccepted: (action) => !['networkInterfaces.put', 'virtualMachines.patch', 'restorePointCollections.put'].includes(action),
  open: openAzure,
  failovers: [
    {
      title: 'to a running shadow',
      queue: 'postgres',
      tier: hotTier,
      changes: ['networkInterfaces.put', 'backendAddressPools.put', ...behindTheShift],
      sample: 3,
    },
    {
      title: 'to a parked shadow',
      queue: 'postgres',
      tier: parkedTier,
      changes: ['virtualMachines.start', 'networkInterfaces.put', 'backendAddressPools.put', ...behindTheShift],
      dieAtFirst: 3,
      sample: 0,
    },
    {
      title: 'without an instance that could take over',
      queue: 'postgres',
      tier: coldTier,
      changes: [
        // The machine has one disk.
        'snapshots.put',
        'disks.put',
        'networkInterfaces.put',
        'virtualMachines.put',
        'networkInterfaces.put',
        'backendAddressPools.put',
        ...behindTheShift,
      ],
      dieAtFirst: 6,
      sample: 3,
    },
  ],
}
