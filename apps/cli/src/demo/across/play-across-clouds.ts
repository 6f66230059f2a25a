import { dataOf } from '@understudy/contract/client'
import type { Installation } from '../../up/start-installation.ts'
import type { DemoOptions } from '../demo.ts'
import { eventually } from '../eventually.ts'
import { startLoad } from '../load.ts'
import { lostRequests } from '../lost-requests.ts'
import { operatorOf } from '../operator.ts'
import type { Operator } from '../operator.ts'
import { printTimeline, timelineLine } from '../print-timeline.ts'
import { awsAccount, failover, importOne, promise, provenShadow } from '../protect.ts'
import { simulatedCloud } from '../simulated-cloud.ts'
import { nameClient } from './name-client.ts'
import { nameServices } from './name-clouds.ts'
import { placesOf } from './places.ts'
import { simulatedClouds } from './simulated-clouds.ts'

const name = 'www.example.com.'
/** For so long a client keeps an answer. */
const ttlSeconds = 5
const warmUpSeconds = 3
/** Of AWS. */
const usualNoticeSeconds = 120

type Shadow = Awaited<ReturnType<typeof provenShadow>>

/** One resource on AWS, a shadow on each of the other clouds, clients that follow a name. Answers the exit code. */
export async function playAcrossClouds(installation: Installation, options: DemoOptions, closing: (() => Promise<unknown>)[]): Promise<number> {
  const { say, noticeSeconds = usualNoticeSeconds } = options
  const operator = operatorOf(installation)
  const { client } = operator
  const clouds = simulatedClouds(operator.simUrl, options.names)
  const speed = await explain(operator, options)
  const stage = await prepare(operator, options)
  const { service, resource, titles } = stage
  const places = await placesOf(client, resource.id, stage.accounts, stage.azure)
  await promise(client, resource, { readiness: 'hot', shadows: 0, proofMaxAgeSeconds: 3600, formerPrimary: 'terminate', elsewhere: [...places] })
  const first = await provenShadow(client, resource.id)
  const second = await provenShadow(client, resource.id, [first.id])
  const shadows = [first, second]
  const titleOf = ({ accountId }: Pick<Shadow, 'accountId'>): string => titles.get(accountId) ?? accountId
  for (const shadow of shadows) say(`  Shadow     ${titleOf(shadow).padEnd(14)}${shortName(shadow.nativeId)} (${shadow.instanceType}), which runs`)

  const names = nameClient(clouds, name)
  const load = startLoad(names.target, options.rate)
  closing.push(() => load.stop())
  say(`  Traffic    ${options.rate} requests per second, by a client that keeps what the name answered for ${ttlSeconds} s`)
  await eventually('warm traffic', async () => (load.sent.length >= options.rate * warmUpSeconds ? true : undefined))
  await explainPlan(operator, resource.id, options)

  say('\n     since the notice')
  const noticed = { dateMs: Date.now(), performanceMs: performance.now() }
  await simulatedCloud(operator.simUrl).interrupt(service.instanceId, noticeSeconds)
  say(timelineLine(0, 'notice', `AWS announces: in ${noticeSeconds / speed} s it takes ${service.instanceId} away`))
  const operation = await failover(client, resource.id)
  await printTimeline(client, operation.id, noticed.dateMs, say)
  const now = await dataOf(client.GET('/v1/resources/{id}', { params: { path: { id: resource.id } } }))
  const successor = await provenShadow(
    client,
    resource.id,
    shadows.map(({ id }) => id),
  )
  say(
    timelineLine(
      performance.now() - noticed.performanceMs,
      'new shadow',
      `${shortName(successor.nativeId)} on ${titleOf(successor)}, where the primary was`,
    ),
  )
  const roles = new Map([
    [service.instanceId, 'AWS, former primary'],
    ...shadows.map((shadow): [string, string] => [
      shortName(shadow.nativeId),
      `${titleOf(shadow)}, ${shadow.nativeId === now.nativeId ? 'now primary' : 'shadow'}`,
    ]),
  ])
  const lost = await lostRequests(load, noticed.performanceMs, roles, options)
  explainLag(load.sent, { primary: service.instanceId, movedMs: await movedMs(operator, operation.id), noticed, lookups: names.lookups() }, say)
  if (operation.status !== 'succeeded') say(`\nThe failover ${operation.id} has ${operation.status}: ${JSON.stringify(operation.error ?? {})}`)
  const hasMoved = shadows.some(({ nativeId, accountId }) => nativeId === now.nativeId && accountId === now.accountId)
  const passed = operation.status === 'succeeded' && lost === 0 && hasMoved
  say(passed ? `\nThe service is on ${titleOf(now)} now, with a shadow on each of the other two clouds.` : '\nThe demo did not succeed.')
  return passed ? 0 : 1
}

async function explain({ simUrl }: Operator, { say, quickLaunches }: DemoOptions): Promise<number> {
  const cloud = simulatedCloud(simUrl)
  const speed = await cloud.clockSpeed()
  say('')
  if (quickLaunches) {
    await cloud.scaleLaunches(0.1)
    for (const other of ['azure', 'gcp'] as const) await simulatedClouds(simUrl).quicken(other)
    say('Instances come up in a tenth of the usual time here (--usual-launches).')
  }
  say(
    speed === 1
      ? 'Everything else is in real time.'
      : `The clocks of the simulated clouds run ${speed} times as fast as yours (SIM_SPEED); times below are yours.`,
  )
  say('')
  return speed
}

/** Accounts on three clouds, a service on one of them, and a name on another that leads to it. */
async function prepare({ client, simUrl }: Operator, { say, names = 'gcp' }: DemoOptions) {
  const cloud = simulatedCloud(simUrl)
  const clouds = simulatedClouds(simUrl, names)
  const service = await cloud.seedWebService('web')
  const address = await eventually('the service to answer', () => clouds.addressOf(service.instanceId))
  const azure = await clouds.account('azure')
  const account = async (body: Parameters<typeof create>[0]): Promise<string> => (await create(body)).id
  const create = (body: Awaited<ReturnType<typeof clouds.account>>) => dataOf(client.POST('/v1/accounts', { body }))
  const accounts = { aws: await account(await awsAccount(cloud)), azure: await account(azure), gcp: await account(await clouds.account('gcp')) }
  const traffic = { ...(await clouds.addName(name, address, ttlSeconds)), accountId: accounts[names] }
  const resource = await importOne(client, accounts.aws, { nativeId: service.instanceId, traffic })
  say(`  Service    AWS           ${service.instanceId}, a spot instance in ${service.zone}, at ${address}`)
  const { cloud: home, service: dns } = nameServices[names]
  say(`  Name       ${home.padEnd(14)}${name} in ${dns} answers with that address, to be kept for ${ttlSeconds} s`)
  const titles = new Map([
    [accounts.aws, 'AWS'],
    [accounts.azure, 'Azure'],
    [accounts.gcp, 'Google Cloud'],
  ])
  return { service, accounts, azure, resource, titles }
}

/** What Understudy itself says of it beforehand. */
async function explainPlan({ client }: Operator, id: string, { say, names = 'gcp' }: DemoOptions): Promise<void> {
  const params = { path: { id }, query: { validateOnly: 'true' } } as const
  const answer = await dataOf(client.POST('/v1/resources/{id}:failover', { params, body: { reason: 'to see the plan' } }))
  if (!('plan' in answer)) throw new Error('a dry run answers with the plan')
  const { plan } = answer
  say(`  Data       ${plan.dataLag?.kind ?? 'nothing'}: a shadow has what is on its image, and nothing of the primary's disks`)
  const { service, watch } = nameServices[names]
  const follow = plan.clientsFollowSeconds ?? ttlSeconds
  say(`  Lag        up to ${follow} s: the name's ${ttlSeconds} s, and ${follow - ttlSeconds} s until every name server of ${service} answers alike.`)
  say(`             Here there is one name server, and it answers anew at once. ${watch}`)
}

/** What the lag of the name has meant. */
function explainLag(
  sent: readonly { readonly atMs: number; readonly instance: string | undefined }[],
  seen: {
    readonly primary: string
    readonly movedMs: number
    readonly noticed: { readonly dateMs: number; readonly performanceMs: number }
    readonly lookups: number
  },
  say: (line: string) => void,
): void {
  const movedAtMs = seen.movedMs - seen.noticed.dateMs
  const late = sent.filter(({ atMs, instance }) => instance === seen.primary && atMs - seen.noticed.performanceMs > movedAtMs)
  const last = Math.max(movedAtMs, ...late.map(({ atMs }) => atMs - seen.noticed.performanceMs))
  say('')
  say(
    `  The name changed after ${(movedAtMs / 1000).toFixed(2)} s. For ${((last - movedAtMs) / 1000).toFixed(2)} s more the client went on with the answer it had kept:`,
  )
  say(
    `  ${late.length.toLocaleString('en-US')} requests, which the former primary answered because it was still there. (${seen.lookups} look-ups in all.)`,
  )
  say('  A primary that dies without a notice answers none of these: by a name, clients are then without service until their answer expires.')
}

async function movedMs({ client }: Operator, id: string): Promise<number> {
  const { metadata } = await dataOf(client.GET('/v1/operations/{id}', { params: { path: { id } } }))
  return Date.parse(metadata.steps?.find((step) => step.name === 'traffic')?.finishedAt ?? '')
}

/** Azure's ids are paths. */
const shortName = (nativeId: string | undefined): string => nativeId?.split('/').pop() ?? ''
