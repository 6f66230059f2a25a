import { z } from 'zod'
import type { ControlRoutes } from '../control/handle.ts'
import { breakSomething, cancelEvent, finishEvent, mend, moveEvent, scheduleEvent, startEvent, stateOf } from '../control/routes.ts'
import type { ScaledClock } from '../control/scaled-clock.ts'
import { cancelEventBody, capacityBody, clockBody, faultBody, moveEventBody, scheduledEventBody } from '../control/schemas.ts'
import type { DataPlane } from '../data-plane/data-plane.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { SimError } from '../datacentre/sim-error.ts'

/** A service as somebody has set it up before: what an import needs to be told, and where its clients come in. */
export interface SeededWorkload {
  readonly name: string
  readonly nativeId: string
  readonly zone: string
  readonly traffic: { readonly mechanism: string; readonly native: Readonly<Record<string, unknown>> }
  readonly frontDoor: string
}

/** What the controls of one cloud may touch. */
export interface ControlledCloud {
  readonly url: string
  readonly dataCentre: DataCentre
  readonly dataPlane: DataPlane
  readonly clock: ScaledClock
  /** How long ahead this cloud says that it takes an instance. */
  readonly noticeSeconds: number
  /** More than this it never gives. */
  readonly longestNoticeSeconds: number
  /** Body of `POST /v1/accounts`. */
  account(): object
  seed(service: z.infer<typeof seedBody>): Promise<SeededWorkload>
  /** The data centre's own id of an instance that is named as the cloud names it. */
  instanceIdOf(nativeId: string): string
}

const seedBody = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/),
  /** How long who is taken out may finish what it serves. */
  drainSeconds: z.number().int().min(0).max(3600).default(30),
})
const interruptBody = z.strictObject({
  nativeIds: z.array(z.string()).min(1),
  noticeSeconds: z.number().min(0).max(86_400).optional(),
  silent: z.boolean().default(false),
})

const plannedBody = scheduledEventBody.omit({ instanceId: true }).extend({ nativeId: z.string() })
const takenBackBody = cancelEventBody.omit({ instanceId: true }).extend({ nativeId: z.string() })
const movedBody = moveEventBody.omit({ instanceId: true }).extend({ nativeId: z.string() })

/** Method and path below `/_sim/<cloud>`. The README says what each takes and gives. */
export const cloudRoutes: ControlRoutes<ControlledCloud> = {
  'GET /account': (cloud) => cloud.account(),
  'GET /state': ({ dataCentre, clock, url }) => ({ url, ...stateOf(dataCentre, clock) }),
  'GET /endpoints': ({ dataPlane }) => dataPlane.endpoints(),
  'GET /calls': ({ dataCentre }) => ({ counts: dataCentre.calls.counts(), recent: dataCentre.calls.recent.slice(-100) }),
  'POST /seed': async (cloud, body) => ({ services: [await cloud.seed(seedBody.parse(body))] }),
  'POST /interrupt': interrupt,
  'POST /scheduled-event': (cloud, body) => {
    const { nativeId, ...planned } = plannedBody.parse(body)
    return scheduleEvent(cloud, { ...planned, instanceId: cloud.instanceIdOf(nativeId) })
  },
  'POST /cancel-event': (cloud, body) => {
    const { nativeId, ...event } = takenBackBody.parse(body)
    return cancelEvent(cloud, { ...event, instanceId: cloud.instanceIdOf(nativeId) })
  },
  'POST /start-event': (cloud, body) => {
    const { nativeId, ...event } = takenBackBody.parse(body)
    return startEvent(cloud, { ...event, instanceId: cloud.instanceIdOf(nativeId) })
  },
  'POST /finish-event': (cloud, body) => {
    const { nativeId, ...event } = takenBackBody.parse(body)
    return finishEvent(cloud, { ...event, instanceId: cloud.instanceIdOf(nativeId) })
  },
  'POST /move-event': (cloud, body) => {
    const { nativeId, ...event } = movedBody.parse(body)
    return moveEvent(cloud, { ...event, instanceId: cloud.instanceIdOf(nativeId) })
  },
  'POST /fault': (cloud, body) => breakSomething(cloud, faultBody.omit({ queue: true }).parse(body)),
  'DELETE /faults': (cloud) => mend(cloud),
  'POST /capacity': ({ dataCentre }, body) => {
    const { instanceType, zone, market, free } = capacityBody.parse(body)
    dataCentre.catalogue.setCapacity(instanceType, zone, market, free ?? Number.POSITIVE_INFINITY)
    return {}
  },
  'POST /clock': ({ clock }, body) => {
    clock.setSpeed(clockBody.parse(body).speed)
    return { speed: clock.speed }
  },
}

function interrupt(cloud: ControlledCloud, body: unknown): object {
  const { nativeIds, noticeSeconds = cloud.noticeSeconds, silent } = interruptBody.parse(body)
  if (noticeSeconds > cloud.longestNoticeSeconds)
    throw new SimError('InvalidParameterValue', `This cloud gives at most ${cloud.longestNoticeSeconds} s of notice.`)
  const { market } = cloud.dataCentre
  for (const instanceId of nativeIds.map((nativeId) => cloud.instanceIdOf(nativeId))) {
    if (silent) market.reclaim(instanceId)
    else market.interrupt(instanceId, { noticeMs: noticeSeconds * 1000 })
  }
  return { nativeIds, noticeSeconds: silent ? 0 : noticeSeconds }
}
