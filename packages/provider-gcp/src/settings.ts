import type { Clock, Random } from '@understudy/core'
import type { AddressGuard, Scope, Traits } from '@understudy/provider'

/** A key of a service account, as Google's console hands it out; fields that are not needed are ignored. */
export interface ServiceAccountKey {
  readonly clientEmail: string
  readonly privateKey: string
}

/**
 * - a service account's key
 * - an access token that something else keeps fresh: for a proxy, for a simulated region
 * - `default-chain`: environment, files or the machine's own service account, as Google's library looks for them
 */
export type GcpCredentials = ServiceAccountKey | { readonly accessToken: string } | 'default-chain'

/** The token that a push subscription of Pub/Sub adds, as it is configured there. */
export interface GcpPushSettings {
  /** Of the subscription; the address it pushes to when none was chosen. */
  readonly audience: string
  /** E-mail address of the service account that the subscription signs as. */
  readonly serviceAccount: string
  /** Replaces Google's own issuer. */
  readonly issuer?: string
  /** Replaces the address of Google's public keys. */
  readonly keysUrl?: string
}

/** What a person configures for one project in one region. */
export interface GcpAccountSettings {
  readonly push?: GcpPushSettings
  /** Replaces `https://compute.googleapis.com`: a private endpoint, a proxy, a simulated region. */
  readonly endpoint?: string
  /** `projects/…/subscriptions/…`, or the name of one in the same project: where a log sink's entries are pulled from. */
  readonly eventsSubscription?: string
  /** Replace what is assumed before anything has been measured. */
  readonly expectedSeconds?: Partial<Traits['expectedSeconds']>
  /** Replace the usual quotas of the API, for a project whose quotas were raised and for endpoints that are not Google. */
  readonly limits?: Partial<Traits['limits']>
}

/** Everything the adapter needs. */
export interface GcpSettings extends GcpAccountSettings {
  /** `account` is the project's id. */
  readonly scope: { readonly account: string; readonly region: string }
  readonly credentials: GcpCredentials
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  /** Asked about the address that an endpoint of one's own leads to. */
  readonly guard?: AddressGuard
}

export const providerName = 'gcp'
export const scopeOf = (settings: Pick<GcpSettings, 'scope'>): Scope => ({
  provider: providerName,
  account: settings.scope.account,
  region: settings.scope.region,
})
