import type { Bell, Control } from '@understudy/control'
import type { Secret } from '@understudy/core'
import type { Logger } from '@understudy/telemetry'

/** Everything the API needs. `main.ts` makes it for real; tests and the document's builder make smaller ones. */
export interface AppDeps {
  readonly control: Control
  readonly logger: Logger
  readonly metrics: RequestMetrics
  readonly health: HealthChecks
  readonly bell: Bell
  /** Names and titles of the steps of each kind of operation, to show what is still to come. */
  readonly procedures: Procedures
  readonly settings: ApiSettings
}

export interface RequestMetrics {
  /** `route` is the pattern, never the path: paths hold ids. */
  observe(request: { readonly method: string; readonly route: string; readonly status: number; readonly seconds: number }): void
  /** Everything the process measures, in the text format of Prometheus. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>
}

export interface HealthChecks {
  /** Asks everything the API cannot work without. Never throws. */
  check(): Promise<Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>>
}

export type Procedures = (kind: string, version: number) => readonly { readonly name: string; readonly title: string }[] | undefined

export interface ApiSettings {
  /** Page that explains each kind of problem under `#kind`. */
  readonly errorsUrl: string
  /** Signs page tokens; equal in all processes of an installation. */
  readonly tokenKey: Secret
  readonly bodyLimitBytes: number
  readonly ingestBodyLimitBytes: number
  readonly requestTimeoutMs: number
  /** Requests of one key. */
  readonly rate: RateSettings
  /** Pushed events of one account: a region that loses thousands of instances at once must get through. */
  readonly ingestRate: RateSettings
  /** Requests without a valid key, of one address. */
  readonly strangerRate: RateSettings
  readonly streamPollMs: number
  readonly streamHeartbeatMs: number
  readonly streamsPerKeyMax: number
}
export interface RateSettings {
  readonly burst: number
  readonly perSecond: number
}
