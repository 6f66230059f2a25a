import { dataOf } from '@understudy/contract/client'
import type { components, UnderstudyClient } from '@understudy/contract/client'
import { AppError } from '@understudy/core'
import { eventually } from './eventually.ts'
import type { SeededService, SimulatedCloud } from './simulated-cloud.ts'

/** Body of an account of the simulated AWS region. */
export const awsAccount = async (cloud: SimulatedCloud) => ({
  name: 'simulated region',
  provider: 'aws',
  region: cloud.region,
  settings: { endpoint: cloud.url, eventsQueueUrl: await cloud.eventsQueueUrl() },
  credentials: { ...cloud.credentials },
})

/** What an import is told about where the clients of an instance come in. */
export interface Traffic {
  readonly mechanism: 'lb-weight' | 'lb-target' | 'dns-weight'
  readonly native: Record<string, unknown>
  /** Of the entry point, where it is not the instance's. */
  readonly accountId?: string
}

export const awsTraffic = ({ listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port }: SeededService): Traffic => ({
  mechanism: 'lb-weight',
  native: { listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port },
})

/** What anybody does through the API: an account, an import, and the promise of one hot shadow in another zone. Answers the resource's id. */
export async function protect(client: UnderstudyClient, cloud: SimulatedCloud, service: SeededService): Promise<string> {
  const account = await dataOf(client.POST('/v1/accounts', { body: await awsAccount(cloud) }))
  return await protectOne(client, account.id, { nativeId: service.instanceId, traffic: awsTraffic(service) })
}

/** Imports one instance of an account, and promises it one hot shadow in another zone. Answers the resource's id. */
export async function protectOne(
  client: UnderstudyClient,
  accountId: string,
  instance: { readonly nativeId: string; readonly traffic: Traffic },
): Promise<string> {
  const tier = { shadows: 1, readiness: 'hot', zones: 'other', purchase: 'spot', proofMaxAgeSeconds: 3600, formerPrimary: 'terminate' } as const
  const resource = await importOne(client, accountId, instance)
  await promise(client, resource, tier)
  return resource.id
}

/** The resource that an instance of an account becomes. */
export async function importOne(
  client: UnderstudyClient,
  accountId: string,
  { nativeId, traffic }: { readonly nativeId: string; readonly traffic: Traffic },
) {
  const imported = await dataOf(client.POST('/v1/resources:import', { body: { accountId, nativeId, name: 'web', traffic } }))
  await succeeded(client, imported.id)
  const { items } = await dataOf(client.GET('/v1/resources', { params: { query: { accountId } } }))
  const [resource] = items
  if (!resource) throw new AppError('internal', `The import ${imported.id} brought nothing.`)
  return resource
}

export type TierInput = components['schemas']['TierInput']

export const promise = (client: UnderstudyClient, { id, etag }: { readonly id: string; readonly etag: string }, tier: TierInput) =>
  dataOf(client.POST('/v1/resources/{id}:protect', { params: { path: { id }, header: { 'If-Match': etag } }, body: { tier } }))

/** A shadow of the resource that has been proven and is not among those named. */
export function provenShadow(client: UnderstudyClient, resourceId: string, others: readonly string[] = []) {
  return eventually('a proven shadow', async () => {
    const { items } = await dataOf(client.GET('/v1/shadows', { params: { query: { resourceId } } }))
    return items.find(({ id, status, proof }) => status === 'ready' && proof !== undefined && !others.includes(id))
  })
}

const howProven: Readonly<Record<string, string>> = { health: 'health checks', running: 'running, with nobody to ask whether it answers,' }

/** How it has shown that it is ready. */
export const proofText = (shadow: { readonly proof?: { readonly method: string; readonly seconds: number } }): string =>
  shadow.proof === undefined ? 'nothing' : `${howProven[shadow.proof.method] ?? shadow.proof.method} after ${shadow.proof.seconds.toFixed(1)} s`

/** The failover of the resource, when it has come to its end. */
export function failover(client: UnderstudyClient, resourceId: string) {
  return eventually('the failover', async () => {
    const { items } = await dataOf(client.GET('/v1/operations', { params: { query: { resourceId, kind: 'failover' } } }))
    return items.find(({ done }) => done)
  })
}

async function succeeded(client: UnderstudyClient, operationId: string): Promise<void> {
  await eventually(`operation ${operationId}`, async () => {
    const operation = await dataOf(client.GET('/v1/operations/{id}', { params: { path: { id: operationId } } }))
    if (operation.done && operation.status !== 'succeeded')
      throw new AppError('internal', `${operation.kind} ${operation.status}: ${JSON.stringify(operation.error ?? {})}`)
    return operation.done ? operation : undefined
  })
}
