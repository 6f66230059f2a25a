import { AppError } from '@understudy/core'
import { request } from 'undici'
import { simulatedCloud } from '../simulated-cloud.ts'
import type { Operator } from '../operator.ts'
import { awsAccount, awsTraffic } from '../protect.ts'
import type { Traffic } from '../protect.ts'

/** Body of an account, as its cloud wants it. */
type Account = Pick<Awaited<ReturnType<typeof awsAccount>>, 'name' | 'provider' | 'region'> & {
  readonly nativeAccount?: string
  readonly settings: Record<string, string>
  readonly credentials: Record<string, string>
}

export type DemoCloudName = 'aws' | 'azure' | 'gcp'

/** A service on one of the simulated clouds, and what its cloud can do to it. */
export interface DemoService {
  readonly nativeId: string
  readonly zone: string
  readonly frontDoor: string
  readonly traffic: Traffic
  /** Body of the account that reaches it. */
  readonly account: Account
  /** What is set up beside the account so that the cloud's notices arrive. */
  listen(accountId: string): Promise<void>
  interrupt(): Promise<void>
}

export interface DemoCloud {
  readonly title: string
  /** How long ahead this cloud says that it takes an instance. */
  readonly noticeSeconds: number
  seed(operator: Operator, quickLaunches: boolean): Promise<DemoService>
}

export const demoClouds: Readonly<Record<DemoCloudName, DemoCloud>> = {
  aws: { title: 'AWS', noticeSeconds: 120, seed: seedAws },
  azure: { title: 'Azure', noticeSeconds: 30, seed: (operator, quick) => seedOther('azure', operator, quick) },
  gcp: { title: 'Google Cloud', noticeSeconds: 30, seed: (operator, quick) => seedOther('gcp', operator, quick) },
}

/** `aws,azure,gcp`, or some of them. */
export function cloudsIn(list: string): readonly DemoCloudName[] {
  const names = [...new Set(list.split(',').map((name) => name.trim()))]
  const known = names.filter((name): name is DemoCloudName => Object.hasOwn(demoClouds, name))
  if (known.length !== names.length || known.length === 0)
    throw new AppError('invalid_request', `--clouds is a list of ${Object.keys(demoClouds).join(', ')}.`)
  return known
}

async function seedAws({ simUrl }: Operator, quickLaunches: boolean): Promise<DemoService> {
  const cloud = simulatedCloud(simUrl)
  if (quickLaunches) await cloud.scaleLaunches(0.1)
  const service = await cloud.seedWebService('web')
  return {
    nativeId: service.instanceId,
    zone: service.zone,
    frontDoor: await cloud.listenerUrl(service.listenerArn),
    traffic: awsTraffic(service),
    account: await awsAccount(cloud),
    listen: () => Promise.resolve(),
    interrupt: () => cloud.interrupt(service.instanceId),
  }
}

async function seedOther(name: 'azure' | 'gcp', { simUrl, apiUrl, adminKey }: Operator, quickLaunches: boolean): Promise<DemoService> {
  const control = async (method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> => {
    const answer = await request(`${simUrl}/_sim/${name}/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`The simulated ${demoClouds[name].title} refused ${path}: ${text}`)
    return JSON.parse(text)
  }
  if (quickLaunches) await control('POST', 'fault', { slowStarts: 0.1 })
  const seeded = (await control('POST', 'seed', { name: 'web', drainSeconds: 5 })) as {
    readonly services: readonly Pick<DemoService, 'nativeId' | 'zone' | 'frontDoor' | 'traffic'>[]
  }
  const [service] = seeded.services
  if (!service) throw new Error(`The simulated ${demoClouds[name].title} made no service.`)
  return {
    ...service,
    account: (await control('GET', 'account')) as DemoService['account'],
    // Azure tells only the guest: the agent on it is told where to pass that on.
    listen: async (accountId) => {
      if (name === 'azure') await control('POST', 'agents', { url: apiUrl, apiKey: adminKey, accountId })
    },
    interrupt: async () => void (await control('POST', 'interrupt', { nativeIds: [service.nativeId] })),
  }
}
