import { seededRandom } from '@understudy/core'
import type { z } from 'zod'
import type { AccessKeys } from '../aws/access-keys.ts'
import { compact } from '../aws/compact.ts'
import { nameRoutes, type Names } from '../clouds/names.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { isUnderWay } from '../datacentre/maintenance.ts'
import { SimError } from '../datacentre/sim-error.ts'
import type { EventBridgeEvent, ScheduledEvent } from '../datacentre/types.ts'
import type { ScaledClock } from './scaled-clock.ts'
import {
  cancelEventBody,
  capacityBody,
  clockBody,
  eventBody,
  faultBody,
  interruptBody,
  keyBody,
  moveEventBody,
  priceBody,
  rebalanceBody,
  scheduledEventBody,
  seedBody,
} from './schemas.ts'
import { seedServices } from './seed.ts'
import type { SimulatedRegion } from './simulated-region.ts'

/** What the control endpoint may touch. */
export interface Controlled {
  readonly region: SimulatedRegion
  readonly keys: AccessKeys
  readonly clock: ScaledClock
  readonly baseUrl: string
  readonly reset: () => Promise<void>
}
type Handler = (controlled: Controlled, body: unknown) => unknown

/** Method and path below `/_sim`. The README says what each takes and gives. */
export const controlRoutes: Readonly<Record<string, Handler>> = {
  'GET /state': summary,
  'GET /endpoints': ({ region, baseUrl }) => region.endpoints(baseUrl),
  'GET /calls': ({ region }) => ({ counts: region.dataCentre.calls.counts(), recent: region.dataCentre.calls.recent.slice(-100) }),
  'POST /seed': ({ region }, body) => ({ services: seedServices(region.dataCentre, seedBody.parse(body)) }),
  'POST /interrupt': ({ region }, body) => interrupt(region, interruptBody.parse(body)),
  'POST /rebalance': ({ region }, body) => {
    const { instanceIds } = rebalanceBody.parse(body)
    for (const id of instanceIds) region.dataCentre.market.rebalance(id)
    return { instanceIds }
  },
  'POST /scheduled-event': ({ region }, body) => scheduleEvent(region, scheduledEventBody.parse(body)),
  'POST /cancel-event': ({ region }, body) => cancelEvent(region, cancelEventBody.parse(body)),
  'POST /start-event': ({ region }, body) => startEvent(region, cancelEventBody.parse(body)),
  'POST /finish-event': ({ region }, body) => finishEvent(region, cancelEventBody.parse(body)),
  'POST /move-event': ({ region }, body) => moveEvent(region, moveEventBody.parse(body)),
  'POST /event': ({ region }, body) => {
    // Whatever document is given reaches the queue byte for byte as JSON: also ones no data centre would send.
    region.queues.deliver(eventBody.parse(body) as EventBridgeEvent)
    return {}
  },
  'POST /names': ({ region }, body) => nameRoutes['POST /names']({ names: namesOf(region) }, body),
  'POST /resolve': ({ region }, body) => nameRoutes['POST /resolve']({ names: namesOf(region) }, body),
  'POST /fault': ({ region }, body) => fault(region, faultBody.parse(body)),
  'DELETE /faults': ({ region }) => clearFaults(region),
  'POST /capacity': ({ region }, body) => {
    const { instanceType, zone, market, free } = capacityBody.parse(body)
    region.dataCentre.catalogue.setCapacity(instanceType, zone, market, free ?? Number.POSITIVE_INFINITY)
    return {}
  },
  'POST /price': ({ region }, body) => {
    const { instanceType, zone, usdPerHour } = priceBody.parse(body)
    if (zone === undefined) region.dataCentre.catalogue.setOnDemandPrice(instanceType, usdPerHour)
    else region.dataCentre.catalogue.setSpotPrice(instanceType, zone, usdPerHour)
    return {}
  },
  'POST /clock': ({ clock }, body) => {
    clock.setSpeed(clockBody.parse(body).speed)
    return { speed: clock.speed, now: new Date(clock.nowMs()).toISOString() }
  },
  'POST /keys': ({ keys }, body) => {
    const { accessKeyId, arn, deny } = keys.add(compact(keyBody.parse(body)))
    return { accessKeyId, arn, deny }
  },
  'POST /reset': async ({ reset }) => {
    await reset()
    return {}
  },
}

function summary({ region, clock, baseUrl }: Controlled): object {
  const { dataCentre } = region
  return {
    url: baseUrl,
    account: dataCentre.accountId,
    ...stateOf(dataCentre, clock),
    queues: region.queues.names().map((name) => ({ name, ...region.queues.get(name).counts() })),
  }
}

/** Counts of what there is, in any cloud. */
export function stateOf(dataCentre: DataCentre, clock: ScaledClock): object {
  const states: Record<string, number> = {}
  for (const instance of dataCentre.instances.all()) states[instance.state] = (states[instance.state] ?? 0) + 1
  return {
    region: dataCentre.region,
    clock: { now: new Date(clock.nowMs()).toISOString(), speed: clock.speed },
    zones: dataCentre.network.describeZones().items.map(({ name, zoneId, state }) => ({ name, zoneId, state })),
    instances: { total: dataCentre.instances.count(), byState: states },
    volumes: dataCentre.storage.describeVolumes().items.length,
    snapshots: dataCentre.storage.describeSnapshots().items.length,
    loadBalancers: dataCentre.balancers.describeLoadBalancers().length,
    targetGroups: dataCentre.balancers.describeTargetGroups().length,
    addresses: dataCentre.network.describeAddresses().items.length,
    orphans: dataCentre.orphans().length,
  }
}

function interrupt(region: SimulatedRegion, body: z.infer<typeof interruptBody>): { instanceIds: readonly string[] } {
  const { dataCentre } = region
  const action = body.action === undefined ? {} : { action: body.action }
  const chosen = body.instanceIds ?? runningSpot(region, body)
  for (const id of chosen) {
    if (body.lateSeconds !== undefined) dataCentre.market.reclaim(id, { ...action, noticeAfterMs: body.lateSeconds * 1000 })
    else if (body.silent) dataCentre.market.reclaim(id, action)
    else dataCentre.market.interrupt(id, { ...action, noticeMs: body.noticeSeconds * 1000, copies: body.copies })
  }
  return { instanceIds: chosen }
}

function runningSpot({ dataCentre }: SimulatedRegion, which: { zone?: string | undefined; instanceType?: string | undefined }): string[] {
  const ids: string[] = []
  for (const instance of dataCentre.instances.all()) {
    const wanted =
      (which.zone === undefined || instance.zone === which.zone) && (which.instanceType === undefined || instance.instanceType === which.instanceType)
    if (wanted && instance.market === 'spot' && instance.state === 'running' && instance.interruption === undefined) ids.push(instance.instanceId)
  }
  return ids
}

export function scheduleEvent({ dataCentre }: Pick<SimulatedRegion, 'dataCentre'>, body: z.infer<typeof scheduledEventBody>): object {
  const notBeforeMs = dataCentre.now() + body.startsInSeconds * 1000
  return dataCentre.maintenance.schedule(
    body.instanceId,
    compact({
      code: body.code,
      notBeforeMs,
      notAfterMs: body.durationSeconds === undefined ? undefined : notBeforeMs + body.durationSeconds * 1000,
      notBeforeDeadlineMs: body.postponableForSeconds === undefined ? undefined : dataCentre.now() + body.postponableForSeconds * 1000,
      description: body.description,
      lastsMs: body.lastsSeconds === undefined ? undefined : body.lastsSeconds * 1000,
    }),
  )
}

type Planned = z.infer<typeof cancelEventBody>
interface Named {
  readonly instanceEventIds: readonly string[]
}

/** Takes back what is planned for an instance. */
export const cancelEvent = ({ dataCentre }: Pick<SimulatedRegion, 'dataCentre'>, planned: Planned): Named =>
  forEach(dataCentre, planned, (id) => dataCentre.maintenance.cancel(planned.instanceId, id))

/** Has it begin now. */
export const startEvent = ({ dataCentre }: Pick<SimulatedRegion, 'dataCentre'>, planned: Planned): Named =>
  forEach(dataCentre, planned, (id) => dataCentre.maintenance.start(planned.instanceId, id))

/** What is under way is over. */
export const finishEvent = ({ dataCentre }: Pick<SimulatedRegion, 'dataCentre'>, planned: Planned): Named =>
  forEach(dataCentre, planned, (id) => dataCentre.maintenance.finish(planned.instanceId, id), isUnderWay)

export const moveEvent = ({ dataCentre }: Pick<SimulatedRegion, 'dataCentre'>, planned: z.infer<typeof moveEventBody>): Named =>
  forEach(dataCentre, planned, (id) => dataCentre.maintenance.move(planned.instanceId, id, dataCentre.now() + planned.startsInSeconds * 1000))

const isAhead = ({ state, startedAtMs }: ScheduledEvent): boolean => state === 'active' && startedAtMs === undefined

function forEach(
  { instances }: DataCentre,
  { instanceId, instanceEventId }: Planned,
  act: (instanceEventId: string) => void,
  isMeant = isAhead,
): Named {
  const meant = (instances.get(instanceId)?.scheduledEvents ?? []).filter((event) => isMeant(event))
  const instanceEventIds = instanceEventId === undefined ? meant.map((event) => event.instanceEventId) : [instanceEventId]
  for (const id of instanceEventIds) act(id)
  return { instanceEventIds }
}

const chance = seededRandom(1)

/** Each name in a hosted zone of Route 53, that of the name above it. */
const namesOf = ({ dataCentre: { dns } }: SimulatedRegion): Names => ({
  async add({ name, address, ttlSeconds }) {
    const above = name.slice(name.indexOf('.') + 1)
    const zone = dns.zones().find((candidate) => candidate.name === above) ?? dns.createZone(above)
    dns.change(zone.id, [{ action: 'CREATE', record: { name, type: 'A', ttl: ttlSeconds, values: [address] } }])
    return { mechanism: 'dns-weight', native: { hostedZoneId: zone.id, name } }
  },
  resolve(name) {
    const found = dns.resolve(name, chance)
    return found && { address: found.address, ttlSeconds: found.ttl }
  },
})

function fault(region: SimulatedRegion, body: z.infer<typeof faultBody>): object {
  if (body.queue !== undefined)
    Object.assign(region.queues.get(body.queue.name).disorder, { duplicate: body.queue.duplicate, reorder: body.queue.reorder })
  return breakSomething(region, body)
}

/** What can be broken in any cloud. */
export function breakSomething(
  { dataCentre, dataPlane }: Pick<SimulatedRegion, 'dataCentre' | 'dataPlane'>,
  body: Omit<z.infer<typeof faultBody>, 'queue'>,
): object {
  const { faults, instances, storage } = dataCentre
  if (body.failNext !== undefined) faults.failNext(body.failNext.operation, body.failNext.fault, body.failNext.times)
  if (body.plan !== undefined) faults.plan(body.plan)
  if (body.failZone !== undefined) faults.failZone(body.failZone)
  if (body.restoreZone !== undefined) faults.restoreZone(body.restoreZone)
  if (body.stickNext !== undefined) faults.stickNext(body.stickNext)
  if (body.stickSnapshots !== undefined) faults.stickSnapshots(body.stickSnapshots)
  if (body.releaseStuck !== undefined) faults.releaseStuck()
  if (body.slowStarts !== undefined) faults.slowStarts(body.slowStarts)
  if (body.consistency !== undefined) faults.setConsistency(compact(body.consistency))
  if (body.spoilSnapshot !== undefined) storage.spoilSnapshot(body.spoilSnapshot)
  if (body.corruptSnapshot !== undefined) storage.corruptSnapshot(body.corruptSnapshot.snapshotId, body.corruptSnapshot)
  if (body.deleteSnapshot !== undefined) storage.deleteSnapshot(body.deleteSnapshot)
  if (body.answering !== undefined) instances.setAnswering(body.answering.instanceId, body.answering.answering)
  if (body.guestLatencyMs !== undefined) {
    if (dataPlane === undefined) throw new SimError('UnsupportedOperation', 'In scale mode no guest answers.')
    dataPlane.behaviour.latencyMs = body.guestLatencyMs
  }
  return {}
}

function clearFaults(region: SimulatedRegion): object {
  for (const name of region.queues.names()) Object.assign(region.queues.get(name).disorder, { duplicate: 0, reorder: 0 })
  return mend(region)
}

export function mend({ dataCentre, dataPlane }: Pick<SimulatedRegion, 'dataCentre' | 'dataPlane'>): object {
  dataCentre.faults.clear()
  dataCentre.faults.setConsistency({ visibleAfter: 0, staleFor: 0 })
  if (dataPlane !== undefined) dataPlane.behaviour.latencyMs = 0
  return {}
}
