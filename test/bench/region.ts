import { startSimServer } from '@understudy/cloud-sim'
import type { DataCentre, SimServer } from '@understudy/cloud-sim'
import { monotonicMs } from './protocol.ts'
import type { RegionRequest, SeedRequest, SeededPair } from './protocol.ts'

/*
 * A process of its own with one simulated region in scale mode. It answers AWS's protocols over HTTP like any other, and tells
 * the bench, which has started it, when traffic has changed hands: the moment at which the region carried the call out.
 */

const primaryZone = 'sim-east-1a'
const shadowZone = 'sim-east-1b'
const instanceType = 'm7i.large'
const imageId = 'ami-0a11c0de0000000a1'
const port = 8080
/** While nothing is measured, health checks and boots need not take their time. */
const setUpSpeed = 200

const server = await startSimServer({
  listeners: false,
  // An instance that is ended goes quickly, so that one sample can follow the other; it plays no part in what is measured.
  latencies: { shuttingDown: 100 },
  onInternalError: (error) => process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
})
const { queues } = await server.endpoints()
watch(server.dataCentre)
process.on('message', (message: { readonly id: number } & RegionRequest) => {
  void answer(message).then(
    (result) => process.send?.({ id: message.id, result }),
    (error: unknown) => process.send?.({ id: message.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
// The bench is gone: nobody is left to measure for.
process.on('disconnect', () => process.exit(0))
process.send?.({
  ready: { url: server.url, region: server.region, eventsQueueUrl: queues.find(({ name }) => name === 'understudy-events')?.url ?? '' },
})

async function answer(request: RegionRequest): Promise<unknown> {
  switch (request.call) {
    case 'seed':
      return { pairs: await seed(server, request.seed) }
    case 'interrupt': {
      const atMs = monotonicMs()
      for (const id of request.instanceIds) server.dataCentre.market.interrupt(id, { noticeMs: request.noticeSeconds * 1000 })
      return { atMs }
    }
    case 'calls':
      return { counts: server.dataCentre.calls.counts() }
  }
}

/** Moments are taken when they happen; they are sent in batches, so that telling does not slow the region down. */
function watch(dataCentre: DataCentre): void {
  let batch: { entry: string; atMs: number }[] = []
  dataCentre.subscribe((event) => {
    const entry =
      event.kind === 'listener_changed' ? event.listenerArn : event.kind === 'target_health' && event.to === 'draining' ? event.instanceId : undefined
    if (entry === undefined) return
    batch.push({ entry, atMs: monotonicMs() })
    if (batch.length > 1) return
    setTimeout(() => {
      process.send?.({ moved: batch })
      batch = []
    }, 5)
  })
}

/** Everything through the data centre itself, without its API: ten thousand services in seconds. Answers when all of them are healthy. */
async function seed(simulated: SimServer, request: SeedRequest): Promise<readonly SeededPair[]> {
  const { dataCentre: dc } = simulated
  const waiting = new Map<string, string>()
  const awaited = new Set<string>()
  const settled = Promise.withResolvers<void>()
  const stop = dc.subscribe((event) => {
    if (event.kind === 'instance_state' && event.to === 'running') {
      const group = waiting.get(event.instanceId)
      if (group !== undefined) dc.balancers.registerTargets(group, [{ instanceId: event.instanceId }])
      if (awaited.delete(`runs ${event.instanceId}`) && awaited.size === 0) settled.resolve()
    }
    if (event.kind === 'target_health' && event.to === 'healthy' && awaited.delete(`serves ${event.instanceId}`) && awaited.size === 0)
      settled.resolve()
  })
  simulated.clock.setSpeed(setUpSpeed)
  const makeEntry = request.mechanism === 'lb-weight' ? ownEntries(dc, request) : sharedEntries(dc, request)
  const pairs = Array.from({ length: request.count }, (_, index): SeededPair => {
    const name = `${request.prefix}-${index + 1}`
    const { traffic, primaryGroup, standbyGroup, entry } = makeEntry(name, index)
    const primaryId = launch(dc, name, primaryZone)
    const shadowId = launch(dc, `${name}-shadow`, shadowZone)
    waiting.set(primaryId, primaryGroup)
    awaited.add(`serves ${primaryId}`)
    if (standbyGroup !== undefined) waiting.set(shadowId, standbyGroup)
    awaited.add(`${standbyGroup === undefined ? 'runs' : 'serves'} ${shadowId}`)
    return { name, primaryId, primaryZone, shadowId, shadowZone, instanceType, traffic, entry: entry ?? primaryId }
  })
  await settled.promise
  stop()
  simulated.clock.setSpeed(1)
  // What the set-up has announced (thousands of changes of state) is not part of what is measured.
  simulated.queues.get('understudy-events').purge()
  return pairs
}

type MakeEntry = (
  name: string,
  index: number,
) => Pick<SeededPair, 'traffic'> & { readonly primaryGroup: string; readonly standbyGroup?: string; readonly entry?: string }

/** Each service with a load balancer of its own, and a group for each side. */
function ownEntries(dc: DataCentre, request: SeedRequest): MakeEntry {
  return (name) => {
    const primary = makeGroup(dc, `${name}-p`, request)
    const standby = makeGroup(dc, `${name}-s`, request)
    const listenerArn = makeListener(dc, name, [
      { targetGroupArn: primary, weight: 100 },
      { targetGroupArn: standby, weight: 0 },
    ])
    const native = { listenerArn, primaryTargetGroupArn: primary, standbyTargetGroupArn: standby, port }
    return { traffic: { mechanism: 'lb-weight', native }, primaryGroup: primary, standbyGroup: standby, entry: listenerArn }
  }
}

/** Many services in one group: a stand-in joins it when its primary has to leave. */
function sharedEntries(dc: DataCentre, request: SeedRequest): MakeEntry {
  let group = ''
  return (name, index) => {
    if (index % request.perGroup === 0) {
      group = makeGroup(dc, `${name}-g`, request)
      makeListener(dc, name, [{ targetGroupArn: group, weight: 100 }])
    }
    return { traffic: { mechanism: 'lb-target', native: { targetGroupArn: group, port } }, primaryGroup: group }
  }
}

function makeGroup(dc: DataCentre, name: string, { drainSeconds }: SeedRequest): string {
  const healthCheck = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2, path: '/healthz' }
  return dc.balancers.createTargetGroup({ name, port, healthCheck, deregistrationDelaySeconds: drainSeconds }).arn
}

function makeListener(dc: DataCentre, name: string, targetGroups: readonly { readonly targetGroupArn: string; readonly weight: number }[]): string {
  const loadBalancer = dc.balancers.createLoadBalancer({ name })
  return dc.balancers.createListener({
    loadBalancerArn: loadBalancer.arn,
    port: 80,
    defaultActions: [{ kind: 'forward', targetGroups: [...targetGroups] }],
  }).arn
}

function launch(dc: DataCentre, name: string, zone: string): string {
  const { instances } = dc.instances.run({
    ...{ imageId, instanceType, zone, minCount: 1, maxCount: 1 },
    spot: { kind: 'one-time', interruptionBehavior: 'terminate' },
    tags: { instance: { Name: name } },
  })
  const [instance] = instances
  if (!instance) throw new Error('one instance was asked for and none came')
  return instance.instanceId
}
