import { startSimServer } from '@understudy/cloud-sim'
import type { SimServer } from '@understudy/cloud-sim'
import { ownTags } from '@understudy/core'
import { vi } from 'vitest'
import { startMutationProxy } from '../mutation-proxy.ts'
import type { Call, Protocol } from '../mutation-proxy.ts'
import { generous, isThere, speed } from './cloud.ts'
import { coldTier, hotTier, parkedTier } from '../tiers.ts'
import type { Cloud, CrashCloud, Service } from './cloud.ts'

const changes =
  /^(Copy|Run|Start|Stop|Terminate|Create|Delete|Modify|Register|Deregister|Associate|Disassociate|Authorize|Revoke|Cancel|Attach|Detach|Set|Add|Remove)/

/** The query protocol: an action with its arguments in a form. Systems Manager has it in a header, and SQS is read all the time. */
function readCall({ headers, body }: Parameters<Protocol['readCall']>[0]): Call | undefined {
  if (headers['x-amz-target'] === 'AmazonSSM.SendCommand') return { action: 'SendCommand', names: (name) => body.includes(`"${name}"`) }
  const form = new URLSearchParams(body)
  const action = form.get('Action') ?? ''
  const values = [...form.values()]
  // What is made for a new shadow belongs to another operation.
  return changes.test(action) && !values.includes('shadow') ? { action, names: (name) => values.includes(name) } : undefined
}

interface Seeded {
  readonly name: string
  readonly instanceId: string
  readonly listenerArn: string
  readonly primaryTargetGroupArn: string
  readonly standbyTargetGroupArn: string
  readonly port: number
}

/** EC2, Elastic Load Balancing and SQS. */
export async function openAws(): Promise<CrashCloud & { readonly server: SimServer }> {
  // Without listeners: real health checks would time out at this speed on a busy machine, and it is not the requests that are tested.
  const server = await startSimServer({ port: 0, speed, seed: 11, listeners: false })
  const { dataCentre } = server
  const made = (answer: string): string[] => [...answer.matchAll(/<instanceId>(i-[0-9a-f]+)<\/instanceId>/g)].map(([, id = '']) => id)
  const proxy = await startMutationProxy(server.url, { readCall, made })
  const { queues } = await server.endpoints()
  const eventsQueueUrl = queues.find((queue) => queue.name === 'understudy-events')?.url
  if (eventsQueueUrl === undefined) throw new Error('the simulated region has no event queue')
  return {
    server,
    dataCentre,
    proxy,
    account: {
      provider: 'aws',
      region: server.region,
      settings: { endpoint: proxy.url, eventsQueueUrl, limits: generous },
      credentials: { ...server.credentials },
    },
    seed: (name, count) => seedAws(server, { name, count, purchase: 'spot' }),
    machines: () =>
      [...dataCentre.instances.all()]
        .filter(({ instanceId }) => isThere(dataCentre, instanceId))
        .map(({ instanceId, tags }) => ({ nativeId: instanceId, instanceId, names: [], tags })),
    leftovers: () =>
      dataCentre.storage
        .describeVolumes({ filters: [{ name: `tag:${ownTags.managed}`, values: ['true'] }] })
        .items.filter(({ attachment }) => attachment === undefined)
        .map(({ volumeId }) => `the volume ${volumeId}`),
    async close() {
      await proxy.close()
      await server.close()
    },
  }
}

/** In one zone, so that no shadow shares it with the primary of another service. */
export async function seedAws(
  { url, dataCentre }: SimServer,
  wanted: { readonly name: string; readonly count: number; readonly purchase: 'spot' | 'on-demand' },
): Promise<readonly Service[]> {
  const response = await fetch(`${url}/_sim/seed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wanted),
  })
  const { services } = (await response.json()) as { services: Seeded[] }
  await vi.waitUntil(() => services.every(({ instanceId }) => dataCentre.instances.get(instanceId)?.state === 'running'), { timeout: 180_000 })
  return services.map(({ name, instanceId, listenerArn, ...native }): Service => {
    const { primaryTargetGroupArn, standbyTargetGroupArn, port } = native
    const binding = { listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port }
    return {
      name,
      nativeId: instanceId,
      traffic: { mechanism: 'lb-weight', native: binding },
      listenerArn,
      weights: [0, 100],
      names: [listenerArn],
    }
  })
}

const behindTheShift = ['CreateTags', 'DeregisterTargets', 'TerminateInstances', 'CreateTags', 'DeleteTags', 'CreateTags']
const toRunning = { tier: hotTier, changes: ['ModifyListener', ...behindTheShift] }

export const aws: Cloud = {
  name: 'aws',
  title: 'AWS',
  leaseSeconds: 4,
  isAccepted: () => false,
  open: openAws,
  failovers: [
    { title: 'to a running shadow, with the queue on PostgreSQL', queue: 'postgres', ...toRunning },
    { title: 'to a running shadow, with the queue on Redis', queue: 'redis', ...toRunning, sample: 3 },
    {
      title: 'to a parked shadow',
      queue: 'postgres',
      tier: parkedTier,
      changes: ['StartInstances', 'RegisterTargets', 'ModifyListener', ...behindTheShift],
      dieAtFirst: 3,
      sample: 3,
    },
    {
      title: 'without an instance that could take over',
      queue: 'postgres',
      tier: coldTier,
      changes: ['CreateSnapshots', 'RunInstances', 'RegisterTargets', 'ModifyListener', ...behindTheShift],
      dieAtFirst: 4,
      sample: 4,
    },
  ],
}
