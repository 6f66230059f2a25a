import { AppError } from '@understudy/core'
import type { CliConfig } from '../config.ts'
import { Interrupted, startInstallation } from '../up/start-installation.ts'
import type { Installation } from '../up/start-installation.ts'
import type { NameCloud } from './across/name-clouds.ts'
import { playAcrossClouds } from './across/play-across-clouds.ts'
import { playOnClouds } from './clouds/play-on-clouds.ts'
import type { DemoCloudName } from './clouds/demo-clouds.ts'
import { eventually } from './eventually.ts'
import { startLoad } from './load.ts'
import { lostRequests } from './lost-requests.ts'
import { operatorOf } from './operator.ts'
import { printTimeline, timelineLine } from './print-timeline.ts'
import { failover, proofText, protect, provenShadow } from './protect.ts'
import { simulatedCloud } from './simulated-cloud.ts'
import type { SimulatedCloud } from './simulated-cloud.ts'
import { makeThrowAwayHome, removeHome } from './throw-away-home.ts'

export interface DemoOptions {
  /** Requests per second. */
  readonly rate: number
  /** One service on each of these; left out, the one of the simulated AWS region. */
  readonly clouds?: readonly DemoCloudName[]
  /** One resource on AWS, with a shadow on each of the other clouds. */
  readonly across?: boolean
  /** With `across`: in whose service the name is that clients follow; left out, Google's. */
  readonly names?: NameCloud
  /** What AWS gives; left out, what it usually does. */
  readonly noticeSeconds?: number
  readonly keep: boolean
  /** Instances come up in a tenth of a cloud's usual time. */
  readonly quickLaunches: boolean
  readonly say: (line: string) => void
  readonly interrupted: Promise<string>
}

/** What a shell answers for a program that Ctrl-C has ended. */
const exitCodeOfInterrupt = 130
/** Traffic before the notice, to compare with. */
const warmUpSeconds = 3

/** `npm run demo`: a throw-away installation, live traffic, one spot interruption. Answers 0 when no request was lost. */
export async function demo(config: CliConfig, options: DemoOptions): Promise<number> {
  const { say } = options
  if (!(options.rate >= 1 && options.rate <= 2000)) throw new AppError('invalid_request', '--rate must be between 1 and 2000 requests per second.')
  const { clouds, across = false, names, noticeSeconds = 120 } = options
  if (!(noticeSeconds >= 10 && noticeSeconds <= 120)) throw new AppError('invalid_request', '--notice must be between 10 and 120 seconds.')
  if (across && clouds !== undefined)
    throw new AppError('invalid_request', 'Give --clouds or --cross: one has a shadow beside each service, the other has them on other clouds.')
  if (names !== undefined && !across)
    throw new AppError('invalid_request', '--names goes with --cross: elsewhere clients come in by a load balancer.')
  say(`${titleOf(options)}\n`)
  const home = await makeThrowAwayHome()
  const closing: (() => Promise<unknown>)[] = []
  try {
    const throwAway: CliConfig = { ...config, home, API_PORT: 0, SIM_PORT: 0, SIM_GCP_PORT: 0, SIM_AZURE_PORT: 0, WORKER_PORT: 0 }
    const installation = await startInstallation(throwAway, {
      say: (line) => say(`  ${line} …`),
      sim: true,
      clouds: across ? ['gcp', 'azure'] : (clouds ?? []).filter((cloud) => cloud !== 'aws'),
      interrupted: options.interrupted,
    })
    closing.push(() => installation.stop())
    const cut = options.interrupted.then((): never => {
      throw new Interrupted()
    })
    const broken = installation.broken.then((why): never => {
      throw new AppError('unavailable', why)
    })
    const played = across
      ? playAcrossClouds(installation, options, closing)
      : clouds === undefined
        ? play(installation, options, closing)
        : playOnClouds(installation, { ...options, clouds }, closing)
    return await Promise.race([played, cut, broken])
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    say('\nStopping, and removing what was made …')
    return exitCodeOfInterrupt
  } finally {
    for (const close of closing.toReversed()) await close()
    if (options.keep) say(`\nFiles and logs are kept in ${home}`)
    else await removeHome(home)
  }
}

function titleOf({ clouds, across = false }: DemoOptions): string {
  if (across) return 'Understudy demo: one web service on AWS, one shadow on Azure and one on Google Cloud, live traffic by a name, one interruption.'
  if (clouds === undefined) return 'Understudy demo: one web service on a spot instance, one shadow, live traffic, one interruption.'
  return `Understudy demo: one web service on each of ${clouds.length} clouds, one shadow for each, live traffic, one interruption on each.`
}

async function play(installation: Installation, options: DemoOptions, closing: (() => Promise<unknown>)[]): Promise<number> {
  const { say } = options
  const { client, simUrl } = operatorOf(installation)
  const cloud = simulatedCloud(simUrl)
  await explainTime(cloud, options)

  const service = await cloud.seedWebService('web')
  const frontDoor = await cloud.listenerUrl(service.listenerArn)
  say(`  Service    web on ${service.instanceId}, a spot instance in ${service.zone}, behind ${frontDoor}`)
  const resourceId = await protect(client, cloud, service)
  say(`  Protected  as ${resourceId}: one hot shadow, in another zone`)
  const shadow = await provenShadow(client, resourceId)
  say(`  Shadow     ${shadow.nativeId ?? ''} in ${shadow.zone}, proven by ${proofText(shadow)}`)

  const load = startLoad(frontDoor, options.rate)
  closing.push(() => load.stop())
  say(`  Traffic    ${options.rate} requests per second`)
  await eventually('warm traffic', async () => (load.sent.length >= options.rate * warmUpSeconds ? true : undefined))

  say('\n     since the notice')
  const noticed = { dateMs: Date.now(), performanceMs: performance.now() }
  await cloud.interrupt(service.instanceId)
  say(timelineLine(0, 'notice', `The cloud announces: in 120 s it takes ${service.instanceId} away`))
  const operation = await failover(client, resourceId)
  await printTimeline(client, operation.id, noticed.dateMs, say)
  const successor = await provenShadow(client, resourceId, [shadow.id])
  const text = `${successor.nativeId ?? ''} in ${successor.zone}, proven by ${proofText(successor)}`
  say(timelineLine(performance.now() - noticed.performanceMs, 'new shadow', text))

  const roles = new Map([
    [service.instanceId, 'former primary'],
    [shadow.nativeId ?? '', 'shadow, now primary'],
  ])
  const lost = await lostRequests(load, noticed.performanceMs, roles, options)
  if (operation.status !== 'succeeded') say(`\nThe failover ${operation.id} has ${operation.status}: ${JSON.stringify(operation.error ?? {})}`)
  const passed = operation.status === 'succeeded' && lost === 0
  say(passed ? '\nThe instance is gone, and nobody noticed. `npm start` keeps an installation; the README leads on.' : '\nThe demo did not succeed.')
  return passed ? 0 : 1
}

/** What is not as in a real cloud is said before it is seen. */
async function explainTime(cloud: SimulatedCloud, { quickLaunches, say }: DemoOptions): Promise<void> {
  if (quickLaunches) await cloud.scaleLaunches(0.1)
  const speed = await cloud.clockSpeed()
  say('')
  if (quickLaunches) say('Instances of the simulated region come up in 1 to 3 s here, not in the usual 12 to 29 (--usual-launches).')
  if (speed === 1)
    say(`${quickLaunches ? 'Everything else is' : 'Everything is'} in real time: the notice of 120 s, health checks, draining, shutting down.`)
  else say(`The clock of the simulated region runs ${speed} times as fast as yours (SIM_SPEED); times below are yours.`)
  say('')
}
