import type { TrafficBinding } from '@understudy/provider'

/** How the traffic of the seeded services is directed: a listener of its own for each, or one shared target group for many. */
export type SeededMechanism = 'lb-weight' | 'lb-target'

/** A service of the simulated region with an instance that serves and one that could: both run and answer. */
export interface SeededPair {
  readonly name: string
  readonly primaryId: string
  readonly primaryZone: string
  readonly shadowId: string
  readonly shadowZone: string
  readonly instanceType: string
  readonly traffic: TrafficBinding
  /** What is told of in `Moves` when the traffic of this service is redirected. */
  readonly entry: string
}

export interface SeedRequest {
  readonly prefix: string
  readonly count: number
  readonly mechanism: SeededMechanism
  /** Services that share one target group; only for `lb-target`. */
  readonly perGroup: number
  /** How long a load balancer lets requests in flight end after it has taken a target out. */
  readonly drainSeconds: number
}

/** What the bench asks of the process that holds the region; each is answered with the result of the same name below. */
export type RegionRequest =
  | { readonly call: 'seed'; readonly seed: SeedRequest }
  | { readonly call: 'interrupt'; readonly instanceIds: readonly string[]; readonly noticeSeconds: number }
  | { readonly call: 'calls' }
export interface RegionAnswers {
  readonly seed: { readonly pairs: readonly SeededPair[] }
  /** When the first notice was given. */
  readonly interrupt: { readonly atMs: number }
  /** API calls carried out so far, by operation. */
  readonly calls: { readonly counts: Readonly<Record<string, number>> }
}

/** Traffic that has changed hands in the region, with the moment on the clock of `monotonicMs`. */
export interface Moves {
  readonly moved: readonly { readonly entry: string; readonly atMs: number }[]
}
export interface RegionReady {
  readonly ready: { readonly url: string; readonly region: string; readonly eventsQueueUrl: string }
}

/** Milliseconds on the machine's monotonic clock, which all processes of one machine share. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Clouds that the bench measures beside the region. */
export type MeasuredCloud = 'azure' | 'gcp'
/** One request to the controls of a simulated cloud. */
export interface CloudRequest {
  readonly cloud: MeasuredCloud
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
}
/** What a load balancer of a cloud did: its weights changed, a member joined, was found healthy, or gets nothing new any more. */
export interface CloudMoments {
  readonly cloud: MeasuredCloud
  readonly moment: 'listener' | 'joined' | 'healthy' | 'leaving'
  readonly atMs: number
}
