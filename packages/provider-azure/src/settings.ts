import type { Clock, Random } from '@understudy/core'
import type { AddressGuard, Scope, Traits } from '@understudy/provider'

export type AzureCredentials =
  | { readonly source: 'client-secret'; readonly tenantId: string; readonly clientId: string; readonly clientSecret: string }
  /** A token file that the platform of the pod renews. */
  | { readonly source: 'workload-identity'; readonly tenantId: string; readonly clientId: string }
  /** The identity of the machine this runs on; `clientId` picks one that is user-assigned. */
  | { readonly source: 'managed-identity'; readonly clientId?: string }

/** The token that an Event Grid subscription adds when it is secured with Microsoft Entra ID. */
export interface AzurePushSettings {
  readonly tenantId: string
  /** Application id (or its URI) that the subscription names as its audience. */
  readonly audience: string
  /** Application that pushes. Default: Event Grid's own in the public cloud. */
  readonly application?: string
  /** Replaces the issuers of the tenant. */
  readonly issuer?: string
  /** Replaces the address of the tenant's public keys. */
  readonly keysUrl?: string
}

/** What a person configures for one subscription in one region. The account of the scope is the subscription's id. */
export interface AzureAccountSettings {
  /** Where stand-ins, their disks and network interfaces are made. */
  readonly resourceGroup: string
  /** Replaces `https://management.azure.com`. TLS only: the SDK sends its token over nothing else. */
  readonly endpoint?: string
  /** Replaces `https://login.microsoftonline.com`. */
  readonly authority?: string
  readonly push?: AzurePushSettings
  /** PEM of an authority to trust beside the usual ones, for an endpoint with a certificate of its own. */
  readonly certificateAuthority?: string
  readonly expectedSeconds?: Partial<Traits['expectedSeconds']>
  readonly limits?: Partial<Traits['limits']>
}

export interface AzureSettings extends AzureAccountSettings {
  readonly scope: { readonly account: string; readonly region: string }
  readonly credentials: AzureCredentials
  /** Name of this installation; written on everything created. */
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  readonly guard?: AddressGuard
  /** Of one HTTP request, in real time. Default: 30 s. */
  readonly requestTimeoutMs?: number
  /** Between two looks at an operation that is waited for and whose answers do not say when to return, in real time. Default: 500 ms. */
  readonly waitMs?: number
}

export const providerName = 'azure'
export const scopeOf = ({ scope }: Pick<AzureSettings, 'scope'>): Scope => ({ provider: providerName, account: scope.account, region: scope.region })
