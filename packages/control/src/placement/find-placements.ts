import { now } from '@understudy/core'
import type { Provider, PurchaseModel } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import { hostGroupOf } from './hosts.ts'
import type { HostRule } from './hosts.ts'
import { placements } from './place.ts'
import type { Placement, PlacementQuestion } from './place.ts'

/** Where a stand-in may be placed at all. A cloud without a market says nothing about zones: the only one known to exist is the primary's. */
export const zonesOf = async (provider: Provider, primaryZone: string | undefined): Promise<readonly string[]> =>
  provider.market ? await provider.market.zones() : primaryZone === undefined ? [] : [primaryZone]

interface Wanted {
  readonly zones: Tier['zones']
  readonly hosts?: HostRule | undefined
  readonly instanceType: string
  readonly purchase: PurchaseModel
  readonly occupiedZones: readonly string[]
  readonly failedZones?: readonly string[]
  /** Left out: the primary's own. */
  readonly accountId?: string
}

/** Asks the cloud for zones and prices and answers where a stand-in of this resource may be placed, best first. */
export const findPlacements = async (...asked: Parameters<typeof placementQuestion>): Promise<readonly Placement[]> =>
  placements(await placementQuestion(...asked))

/** What `placements` decides from. */
export async function placementQuestion(
  deps: Pick<SagaDeps, 'database' | 'clock'>,
  provider: Provider,
  resource: Resource,
  wanted: Wanted,
): Promise<PlacementQuestion> {
  const accountId = wanted.accountId ?? resource.accountId
  // Zones of another account are others, whatever they are called.
  const primaryZone = accountId === resource.accountId ? resource.zone : undefined
  const avoided = await deps.database.stores.avoid.list(accountId, now(deps.clock))
  const zones = await zonesOf(provider, primaryZone)
  const quotes = provider.market ? await provider.market.quotes({ instanceTypes: [wanted.instanceType] }) : []
  return {
    zones,
    primaryZone,
    occupiedZones: wanted.occupiedZones,
    failedZones: wanted.failedZones,
    wanted: wanted.zones,
    hosts: wanted.hosts,
    hostGroup: accountId === resource.accountId ? hostGroupOf(resource) : undefined,
    instanceType: wanted.instanceType,
    purchase: wanted.purchase,
    avoided,
    quotes,
  }
}
