import { batchWindowMs, coalesce } from './coalesce.ts'
import type { Adapter } from './adapter.ts'
import { isBadMember } from './errors.ts'

/** EC2 takes up to 1,000 ids; smaller calls keep the halving after one bad id short. */
const maxIdsPerCall = 100

interface Stop {
  readonly nativeId: string
  readonly hibernate: boolean
  readonly force: boolean
}
type Urgency = { readonly urgent: boolean }

/** Starts, stops and terminations of many callers, sent as few calls. */
export interface PowerCalls {
  start(nativeId: string, urgency: Urgency): Promise<void>
  stop(stop: Stop, urgency: Urgency): Promise<void>
  terminate(nativeId: string, urgency: Urgency): Promise<void>
}

export function powerCalls({ calls, clock, ownActions }: Adapter): PowerCalls {
  const common = { clock, windowMs: batchWindowMs, maxItems: maxIdsPerCall, isolates: isBadMember }
  const start = coalesce<string, void>({
    ...common,
    async run(nativeIds) {
      await calls.startInstances({ InstanceIds: [...new Set(nativeIds)] })
      return nativeIds.map(() => undefined)
    },
  })
  const stop = coalesce<Stop, void>({
    ...common,
    keyOf: ({ hibernate, force }) => `${hibernate} ${force}`,
    async run(stops) {
      const [{ hibernate, force } = { hibernate: false, force: false }] = stops
      await calls.stopInstances({
        InstanceIds: [...new Set(stops.map(({ nativeId }) => nativeId))],
        ...(hibernate ? { Hibernate: true } : {}),
        ...(force ? { Force: true } : {}),
      })
      return stops.map(() => undefined)
    },
  })
  const terminate = coalesce<string, void>({
    ...common,
    async run(nativeIds) {
      await calls.terminateInstances({ InstanceIds: [...new Set(nativeIds)] })
      return nativeIds.map(() => undefined)
    },
  })
  return {
    start,
    async stop(wanted, urgency) {
      ownActions.note(wanted.nativeId)
      await stop(wanted, urgency)
    },
    async terminate(nativeId, urgency) {
      ownActions.note(nativeId)
      await terminate(nativeId, urgency)
    },
  }
}
