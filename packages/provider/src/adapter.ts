import type { Clock, FieldError, JsonObject, Random } from '@understudy/core'
import type { Signals } from './capabilities/signals.ts'
import type { AddressGuard } from './guarded-lookup.ts'
import type { Provider } from './provider.ts'
import type { Push } from './push.ts'

/** What a provider package exports: everything the application needs to know of a cloud before it talks to it. */
export interface Adapter {
  /** Appears in URLs and rows: `aws`. */
  readonly name: string
  /** Ids of this cloud differ in case between its services and mean the same. Absent: every character counts. */
  readonly idsIgnoreCase?: true
  /**
   * Where credentials may reach many accounts of the cloud, one has to be named: `pattern` of its id, and what `called` makes of it
   * in a message ("the id of a project"). Absent: the credentials say which account they belong to.
   */
  readonly account?: { readonly pattern: RegExp; readonly called: string }
  /** Checks an account's settings and credentials without calling anything. Pointers are relative to `/settings` and `/credentials`. */
  validate(account: { readonly settings: JsonObject; readonly credentials: JsonObject }): readonly FieldError[]
  /** Opens nothing yet: the first call does. */
  create(options: AdapterOptions): Provider
  /** Pure reading of what this cloud pushes, for ingestion without credentials. */
  readonly parse: Signals['parse']
  /** Absent: pushes of this cloud carry the account's ingest key, and it pushes without asking first. */
  readonly push?: Push
}

export interface AdapterOptions {
  readonly account: string
  readonly region: string
  readonly settings: JsonObject
  readonly credentials: JsonObject
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  /** Asked about every address an endpoint's name leads to, when it is connected to. */
  readonly guard?: AddressGuard
}
