import { contentHash } from '@understudy/core'
import type { PortableDefinition, ResourceDna } from '@understudy/provider'
import type { Resource } from './resource.ts'

/**
 * A shadow in another account of the project: another region of the same cloud, or another cloud. It is no clone: its owner says what
 * it is made of, in the terms of that account.
 */
export interface Elsewhere {
  readonly accountId: string
  /** hot: at least the size of the primary · warm: smaller, and stays so when it takes over · parked: stopped */
  readonly readiness: 'parked' | 'warm' | 'hot'
  readonly purchase: 'on-demand' | 'spot'
  /** A list is in order of preference. */
  readonly zones: 'any' | readonly string[]
  readonly definition: OwnDefinition
}

export type OwnDefinition = Omit<PortableDefinition, 'bootData' | 'tags'> & { readonly bootData: BootDataSource }
/** The primary's own, as it is when the instance is made; or what the owner gave, which is sealed and stored apart. */
export type BootDataSource = { readonly from: 'nothing' } | { readonly from: 'primary' } | { readonly from: 'owner'; readonly sha256: string }

/** Where the promise of a shadow elsewhere holds now: not where the primary itself is. */
export const elsewhereOf = ({ tier, accountId }: Pick<Resource, 'tier' | 'accountId'>): readonly Elsewhere[] =>
  (tier?.elsewhere ?? []).filter((place) => place.accountId !== accountId)

export const placeIn = ({ tier }: Pick<Resource, 'tier'>, accountId: string): Elsewhere | undefined =>
  tier?.elsewhere?.find((place) => place.accountId === accountId)

/** Stands where the fingerprint of the primary stands for a clone: equal as long as an instance would be made alike. */
export const fingerprintOfPlace = ({ definition }: Elsewhere): string => contentHash(definition)

/** Of vCPUs and memory, the only measures that clouds share. */
export const isSmaller = (a: Pick<PortableDefinition, 'vcpus' | 'memoryMiB'>, b: ResourceDna['size']): boolean =>
  a.vcpus < b.vcpus || a.memoryMiB < b.memoryMiB
