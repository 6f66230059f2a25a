import type { Offering } from '@understudy/provider'

/** An offering that has just refused capacity: not to be asked again before `until`. */
export interface AvoidedOffering extends Offering {
  readonly accountId: string
  readonly reason: string
  readonly until: Date
}
export interface AvoidStore {
  /** Later `until` wins. */
  remember(offering: AvoidedOffering): Promise<void>
  list(accountId: string, at: Date): Promise<readonly AvoidedOffering[]>
}
