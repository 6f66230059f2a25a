import { dataOf } from '@understudy/contract/client'
import { request } from 'undici'
import type { DemoOptions } from '../demo.ts'
import { eventually } from '../eventually.ts'
import { startLoad } from '../load.ts'
import { lostRequests } from '../lost-requests.ts'
import { operatorOf } from '../operator.ts'
import type { Operator } from '../operator.ts'
import { printTimeline, timelineLine } from '../print-timeline.ts'
import { failover, protectOne, provenShadow } from '../protect.ts'
import { simulatedCloud } from '../simulated-cloud.ts'
import type { Installation } from '../../up/start-installation.ts'
import { demoClouds } from './demo-clouds.ts'
import type { DemoCloudName, DemoService } from './demo-clouds.ts'

interface Actor {
  readonly name: DemoCloudName
  readonly service: DemoService
  readonly resourceId: string
  readonly shadow: Awaited<ReturnType<typeof provenShadow>>
}

/** One service on each cloud, all under traffic at once, each interrupted with its own cloud's notice. Answers the exit code. */
export async function playOnClouds(
  installation: Installation,
  options: DemoOptions & { readonly clouds: readonly DemoCloudName[] },
  closing: (() => Promise<unknown>)[],
): Promise<number> {
  const { say, clouds } = options
  const operator = operatorOf(installation)
  const speed = await simulatedCloud(operator.simUrl).clockSpeed()
  say('')
  if (options.quickLaunches) say('Instances come up in a tenth of the usual time here (--usual-launches).')
  say(
    speed === 1
      ? 'Everything else is in real time.'
      : `The clocks of the simulated clouds run ${speed} times as fast as yours (SIM_SPEED); times below are yours.`,
  )
  say('')
  const actors = await Promise.all(clouds.map((name) => stage(name, operator, options)))
  const rate = Math.ceil(options.rate / clouds.length)
  const loads = actors.map(({ service }) => startLoad(service.frontDoor, rate))
  for (const load of loads) closing.push(() => load.stop())
  say(`  Traffic    ${rate * clouds.length} requests per second, ${rate} on each cloud`)
  await eventually('warm traffic', async () => (loads.every(({ sent }) => sent.length >= rate * 3) ? true : undefined))
  const passed: boolean[] = []
  const noticed = await Promise.all(
    actors.map(async ({ service }) => {
      const at = { dateMs: Date.now(), performanceMs: performance.now() }
      await service.interrupt()
      return at
    }),
  )
  const operations = await Promise.all(actors.map(({ resourceId }) => failover(operator.client, resourceId)))
  for (const [index, actor] of actors.entries()) {
    const [at, operation, load] = [noticed[index], operations[index], loads[index]]
    if (at === undefined || operation === undefined || load === undefined) throw new Error('every cloud has its own')
    const { title, noticeSeconds } = demoClouds[actor.name]
    const seconds = noticeSeconds / speed
    say(`\n${title}\n\n     since the notice`)
    say(timelineLine(0, 'notice', `The cloud announces: in ${seconds} s it takes ${shortName(actor.service.nativeId)} away`))
    await printTimeline(operator.client, operation.id, at.dateMs, say)
    const roles = new Map([
      [shortName(actor.service.nativeId), 'former primary'],
      [shortName(actor.shadow.nativeId ?? ''), 'shadow, now primary'],
    ])
    const lost = await lostRequests(load, at.performanceMs, roles, { rate, say })
    const movedMs = await trafficMovedMs(operator, operation.id)
    const inTime = movedMs !== undefined && movedMs - at.dateMs <= seconds * 1000
    say(
      `  Traffic ${movedMs === undefined ? 'not moved' : `moved after ${((movedMs - at.dateMs) / 1000).toFixed(2)} s`}, of a notice of ${seconds} s`,
    )
    if (operation.status !== 'succeeded') say(`  The failover ${operation.id} has ${operation.status}: ${JSON.stringify(operation.error ?? {})}`)
    passed.push(operation.status === 'succeeded' && lost === 0 && inTime)
  }
  const all = passed.every(Boolean)
  say(all ? `\n${passed.length} instances are gone, and nobody noticed.` : '\nThe demo did not succeed.')
  return all ? 0 : 1
}

/** A service, its account, its import, and a shadow that has been proven. */
async function stage(name: DemoCloudName, operator: Operator, { quickLaunches, say }: DemoOptions): Promise<Actor> {
  const service = await demoClouds[name].seed(operator, quickLaunches)
  await eventually(`${demoClouds[name].title} to serve`, async () => (await serves(service.frontDoor)) || undefined)
  const account = await dataOf(operator.client.POST('/v1/accounts', { body: service.account }))
  await service.listen(account.id)
  const resourceId = await protectOne(operator.client, account.id, service)
  const shadow = await provenShadow(operator.client, resourceId)
  say(`  ${demoClouds[name].title.padEnd(14)}${shortName(service.nativeId)} in ${service.zone}, behind ${service.frontDoor}`)
  say(`  ${''.padEnd(14)}shadow ${shortName(shadow.nativeId ?? '')} in ${shadow.zone}, proven`)
  return { name, service, resourceId, shadow }
}

/** A load balancer lets nobody through before its probes have found an instance well. */
async function serves(frontDoor: string): Promise<boolean> {
  const answer = await request(frontDoor)
  await answer.body.dump()
  return answer.statusCode === 200
}

async function trafficMovedMs({ client }: Operator, operationId: string): Promise<number | undefined> {
  const { metadata } = await dataOf(client.GET('/v1/operations/{id}', { params: { path: { id: operationId } } }))
  const step = metadata.steps?.find(({ name, status }) => name === 'traffic' && status === 'succeeded')
  return step?.finishedAt === undefined ? undefined : Date.parse(step.finishedAt)
}

/** Azure's ids are paths. */
const shortName = (nativeId: string): string => nativeId.split('/').pop() ?? nativeId
