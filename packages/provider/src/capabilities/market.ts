import type { PurchaseModel } from '../refs.ts'

/** What can be bought where, and for how much. Used to choose zones and types; never guaranteed. */
export interface Market {
  /** Zones of the scope, in a stable order. */
  zones(): Promise<readonly string[]>
  /** Offerings of these types; an offering that is missing does not exist in that zone. Prices in USD per hour. */
  quotes(query: { readonly instanceTypes: readonly string[] }): Promise<readonly Quote[]>
  /** Size of types, for comparing them. Unknown types are left out. */
  sizes(
    instanceTypes: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly vcpus: number; readonly memoryMiB: number; readonly holdSupported: boolean }>>
}

export interface Quote {
  readonly instanceType: string
  readonly zone: string
  readonly purchase: PurchaseModel
  readonly usdPerHour?: number
  readonly asOf: string
}
