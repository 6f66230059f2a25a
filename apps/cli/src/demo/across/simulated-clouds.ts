import { request } from 'undici'
import type { DemoService } from '../clouds/demo-clouds.ts'
import { nameServices } from './name-clouds.ts'
import type { NameCloud } from './name-clouds.ts'

interface Answered {
  readonly instances: readonly { readonly instanceId: string; readonly publicIp?: string; readonly url: string }[]
}

/** Controls of all simulated clouds, and the names that one of them answers. */
export interface SimulatedClouds {
  account(cloud: 'azure' | 'gcp'): Promise<DemoService['account']>
  /** Instances of these come up in a tenth of the usual time. */
  quicken(cloud: 'azure' | 'gcp'): Promise<void>
  /** A name that answers with one address. Answers what an import is told of it. */
  addName(name: string, address: string, ttlSeconds: number): Promise<DemoService['traffic']>
  resolve(name: string): Promise<{ readonly address: string; readonly ttlSeconds: number }>
  /** Where a public address answers on this machine, whichever cloud it belongs to. */
  urlOf(address: string): Promise<string>
  /** The public address of an instance of the AWS region. */
  addressOf(instanceId: string): Promise<string | undefined>
}

/** `names`: in whose service names are. */
export function simulatedClouds(simUrl: string, names: NameCloud = 'gcp'): SimulatedClouds {
  const { controls } = nameServices[names]
  const ask = async <Answer>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> => {
    const answer = await request(`${simUrl}/_sim/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`The simulated clouds refused ${path}: ${text}`)
    return JSON.parse(text) as Answer // as the README of the simulation says
  }
  return {
    account: (cloud) => ask('GET', `${cloud}/account`),
    quicken: (cloud) => ask('POST', `${cloud}/fault`, { slowStarts: 0.1 }),
    addName: async (name, address, ttlSeconds) =>
      (await ask<{ readonly traffic: DemoService['traffic'] }>('POST', `${controls}names`, { name, address, ttlSeconds })).traffic,
    resolve: (name) => ask('POST', `${controls}resolve`, { name }),
    async urlOf(address) {
      for (const path of ['endpoints', 'azure/endpoints', 'gcp/endpoints']) {
        const found = (await ask<Answered>('GET', path)).instances.find(({ publicIp }) => publicIp === address)
        if (found !== undefined) return found.url
      }
      throw new Error(`Nobody answers at ${address}.`)
    },
    addressOf: async (instanceId) => (await ask<Answered>('GET', 'endpoints')).instances.find((one) => one.instanceId === instanceId)?.publicIp,
  }
}
