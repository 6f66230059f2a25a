import { simulatedAccessKeyId, simulatedSecretAccessKey } from '@understudy/cloud-sim'
import { request } from 'undici'

export interface SeededService {
  readonly name: string
  readonly instanceId: string
  readonly zone: string
  readonly listenerArn: string
  readonly primaryTargetGroupArn: string
  readonly standbyTargetGroupArn: string
  readonly port: number
}

/** The controls that a real cloud does not have: make a service, take an instance. */
export interface SimulatedCloud {
  readonly url: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  seedWebService(name: string): Promise<SeededService>
  /** Instances come up in `factor` of the usual time from now on; nothing else gets quicker. */
  scaleLaunches(factor: number): Promise<void>
  /** How many times as fast as ours its clock runs. */
  clockSpeed(): Promise<number>
  interrupt(instanceId: string, noticeSeconds?: number): Promise<void>
  listenerUrl(listenerArn: string): Promise<string>
  eventsQueueUrl(): Promise<string>
}

interface Endpoints {
  readonly listeners: readonly { readonly listenerArn: string; readonly url: string }[]
  readonly queues: readonly { readonly name: string; readonly url: string }[]
}

export function simulatedCloud(url: string): SimulatedCloud {
  const call = async (method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> => {
    const response = await request(`${url}/_sim/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`The simulated region refused ${path}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const endpoints = async (): Promise<Endpoints> => (await call('GET', 'endpoints')) as Endpoints
  return {
    url,
    region: 'sim-east-1',
    credentials: { accessKeyId: simulatedAccessKeyId, secretAccessKey: simulatedSecretAccessKey },
    async seedWebService(name) {
      const seeded = (await call('POST', 'seed', { name, deregistrationDelaySeconds: 5 })) as { readonly services: readonly SeededService[] }
      const [service] = seeded.services
      if (!service) throw new Error('The simulated region made no service.')
      return service
    },
    async scaleLaunches(factor) {
      await call('POST', 'fault', { slowStarts: factor })
    },
    async clockSpeed() {
      const { clock } = (await call('GET', 'state')) as { readonly clock: { readonly speed: number } }
      return clock.speed
    },
    async interrupt(instanceId, noticeSeconds) {
      await call('POST', 'interrupt', { instanceIds: [instanceId], ...(noticeSeconds === undefined ? {} : { noticeSeconds }) })
    },
    async listenerUrl(listenerArn) {
      const found = (await endpoints()).listeners.find((listener) => listener.listenerArn === listenerArn)
      if (!found) throw new Error(`The listener ${listenerArn} does not listen.`)
      return found.url
    },
    async eventsQueueUrl() {
      const found = (await endpoints()).queues.find((queue) => queue.name === 'understudy-events')
      if (!found) throw new Error('The simulated region has no queue for its events.')
      return found.url
    },
  }
}
