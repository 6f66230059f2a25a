import { createUnderstudyClient } from '@understudy/contract/client'
import type { UnderstudyClient } from '@understudy/contract/client'
import { AppError } from '@understudy/core'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CliConfig } from '../config.ts'
import { startInstallation } from '../up/start-installation.ts'
import type { Installation } from '../up/start-installation.ts'
import { startLoad } from './load.ts'
import type { LoadReport } from './load.ts'
import { printTimeline } from './print-timeline.ts'
import { eventually } from './eventually.ts'
import { simulatedCloud } from './simulated-cloud.ts'
import type { SimulatedCloud } from './simulated-cloud.ts'

export interface DemoOptions {
  readonly rate: number
  readonly keep: boolean
  readonly say: (line: string) => void
  readonly interrupted: Promise<string>
}

/** `npm run demo`: a throw-away installation, live traffic, one spot interruption. Answers 0 when no request was lost. */
export async function demo(config: CliConfig, options: DemoOptions): Promise<number> {
  const { say } = options
  if (!(options.rate >= 1 && options.rate <= 2000)) throw new Error('--rate must be between 1 and 2000 requests per second.')
  const home = await mkdtemp(join(tmpdir(), 'understudy-demo-'))
  say('Understudy demo: one web service on an interruptible instance, one shadow, live traffic, one interruption.\n')
  const throwAway: CliConfig = { ...config, home, API_PORT: 0, SIM_PORT: 0, WORKER_PORT: 0 }
  const installation = await startInstallation(throwAway, { say: (line) => say(`  ${line} …`), sim: true })
  try {
    const cut = options.interrupted.then((signal): never => {
      throw new Error(`Cut off by ${signal}.`)
    })
    return await Promise.race([play(installation, options), cut, installation.broken.then(fail)])
  } finally {
    await installation.stop()
    if (options.keep) say(`\nFiles and logs are kept in ${home}`)
    else await rm(home, { recursive: true, force: true })
  }
}

const fail = (why: string): never => {
  throw new Error(why)
}

async function play(installation: Installation, options: DemoOptions): Promise<number> {
  const { say } = options
  if (installation.simUrl === undefined || installation.adminKey === undefined)
    throw new AppError('internal', 'The demo has no simulated region, or no key.')
  const client = createUnderstudyClient({ baseUrl: installation.apiUrl, apiKey: installation.adminKey })
  const cloud = simulatedCloud(installation.simUrl)
  const service = await cloud.seedWebService('web')
  const frontDoor = await cloud.listenerUrl(service.listenerArn)
  say(`\nThe service web runs on ${service.instanceId} (spot, ${service.zone}) behind ${frontDoor}`)

  const resourceId = await protect(client, cloud, service, say)
  const shadow = await eventually('a proven shadow', async () => {
    const { data } = await client.GET('/v1/shadows', { params: { query: { resourceId } } })
    return data?.items.find((candidate) => candidate.status === 'ready' && candidate.proof !== undefined)
  })
  say(
    `Shadow ${shadow.nativeId ?? ''} stands in ${shadow.zone}, ${shadow.readiness}, proven by ${shadow.proof?.method ?? ''} in ${shadow.proof?.seconds.toFixed(1) ?? '?'} s`,
  )

  const load = startLoad(frontDoor, options.rate)
  await eventually('warm traffic', async () => (load.snapshot().sent >= options.rate * 3 ? true : undefined))
  say(`\n${options.rate} requests/s are flowing. The cloud announces that ${service.instanceId} goes in 120 s …`)
  const noticedMs = Date.now()
  await cloud.interrupt(service.instanceId)
  const operation = await eventually('the failover', async () => {
    const { data } = await client.GET('/v1/operations', { params: { query: { resourceId, kind: 'failover' } } })
    return data?.items.find((candidate) => candidate.done)
  })
  say(`Failover ${operation.id}: ${operation.status}, ${((Date.now() - noticedMs) / 1000).toFixed(1)} s after the notice\n`)
  await printTimeline(client, operation.id, noticedMs, say)
  const successor = await eventually('a new shadow', async () => {
    const { data } = await client.GET('/v1/shadows', { params: { query: { resourceId } } })
    return data?.items.find((candidate) => candidate.status === 'ready' && candidate.id !== shadow.id && candidate.proof !== undefined)
  })
  say(`New shadow ${successor.nativeId ?? ''} in ${successor.zone} is proven, ${((Date.now() - noticedMs) / 1000).toFixed(1)} s after the notice`)
  const report = await load.stop()
  printLoad(report, say)
  const passed =
    operation.status === 'succeeded' && report.failed === 0 && report.perSecond >= Math.min(200, options.rate) * 0.98 && report.answeredBy.length >= 2
  say(passed ? '\nNo request was lost.' : '\nThe demo did not succeed.')
  return passed ? 0 : 1
}

async function protect(
  client: UnderstudyClient,
  cloud: SimulatedCloud,
  service: Awaited<ReturnType<SimulatedCloud['seedWebService']>>,
  say: (line: string) => void,
): Promise<string> {
  const account = await required(
    client.POST('/v1/accounts', {
      body: {
        name: 'simulated region',
        provider: 'aws',
        region: cloud.region,
        settings: { endpoint: cloud.url, eventsQueueUrl: await cloud.eventsQueueUrl() },
        credentials: { ...cloud.credentials },
      },
    }),
  )
  const imported = await finished(
    client,
    await required(
      client.POST('/v1/resources:import', {
        body: {
          accountId: account.id,
          nativeId: service.instanceId,
          name: 'web',
          traffic: {
            mechanism: 'lb-weight',
            native: {
              listenerArn: service.listenerArn,
              primaryTargetGroupArn: service.primaryTargetGroupArn,
              standbyTargetGroupArn: service.standbyTargetGroupArn,
              port: service.port,
            },
          },
        },
      }),
    ),
  )
  const found = await required(client.GET('/v1/resources', { params: { query: { accountId: account.id } } }))
  const resource = found.items[0]
  if (!resource) throw new Error(`The import ${imported.id} brought nothing.`)
  await required(
    client.POST('/v1/resources/{id}:protect', {
      params: { path: { id: resource.id }, header: { 'If-Match': resource.etag } },
      body: { tier: { shadows: 1, readiness: 'hot', zones: 'other', purchase: 'spot', proofMaxAgeSeconds: 3600, formerPrimary: 'terminate' } },
    }),
  )
  say(`Imported as ${resource.id} and protected: one hot shadow in another zone`)
  return resource.id
}

async function finished(client: UnderstudyClient, started: { readonly id: string }): Promise<{ readonly id: string }> {
  return eventually(`operation ${started.id}`, async () => {
    const operation = await required(client.GET('/v1/operations/{id}', { params: { path: { id: started.id } } }))
    if (operation.done && operation.status !== 'succeeded')
      throw new Error(`${operation.kind} ${operation.status}: ${JSON.stringify(operation.error ?? {})}`)
    return operation.done ? operation : undefined
  })
}

async function required<Body>(answer: Promise<{ readonly data?: Body }>): Promise<Body> {
  const { data } = await answer
  if (data === undefined) throw new Error('The API answered without a body.')
  return data
}

function printLoad(report: LoadReport, say: (line: string) => void): void {
  say(`\nTraffic: ${report.sent} requests at ${report.perSecond}/s, p50 ${report.p50Ms} ms, p99 ${report.p99Ms} ms, slowest ${report.maxMs} ms`)
  for (const { instance, requests } of report.answeredBy) say(`  ${instance} answered ${requests}`)
  say(`  ${report.failed} failed requests`)
  for (const failure of report.failures) say(`    ${failure}`)
}
