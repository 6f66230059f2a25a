import type { Clock, Ids, JsonObject, Random } from '@understudy/core'
import type { Adapter, Provider } from '@understudy/provider'
import type { Account } from './accounts/account.ts'
import type { Vault } from './accounts/vault.ts'
import type { Database } from './database.ts'
import type { Prober } from './probes/prober.ts'
import type { Signer } from './signing/sign.ts'

/** What every use-case is given. Nothing here is global, and nothing below a `main.ts` makes one of these for itself. */
export interface Control {
  readonly database: Database
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly vault: Vault
  readonly providers: Providers
  readonly settings: ControlSettings
}

/** The adapters that are wired in, and one live provider per account. */
export interface Providers {
  readonly names: readonly string[]
  adapter(name: string): Adapter | undefined
  /** Opens (or reuses) the provider of an account with its decrypted credentials; a changed account gets a new one. */
  open(account: Account): Promise<Provider>
}

export interface ControlSettings {
  /** Written on everything we create; two installations in one cloud account leave each other alone. */
  readonly installation: string
  /** How callers reach this installation: the source of its CloudEvents. */
  readonly publicUrl?: string
  /** How long an armed shadow waits for the confirmation before it stands down. */
  readonly armTtlMs: number
  /** Networks that webhooks may reach although they are private, as CIDR. */
  readonly webhookAllowedNetworks: readonly string[]
  /** How long an unanswered request of a client is remembered. */
  readonly idempotencyTtlMs: number
}

/** A bell, never a message: it says that there is work in the database. May be lost, repeated or late without harm. */
export interface Bell {
  ring(topic: string, options: { readonly key: string; readonly payload: JsonObject; readonly priority: number }): void
}

/** What a saga's steps see: the database, the clock, ids, and a door to each account's cloud. Nothing else. */
export interface SagaDeps {
  readonly database: Database
  readonly clock: Clock
  readonly ids: Ids
  readonly settings: ControlSettings
  openProvider(accountId: string): Promise<Provider>
  readonly vault: Pick<Vault, 'open'>
  readonly prober: Prober
  readonly signer: Signer
}
