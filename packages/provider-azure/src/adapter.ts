import type { Clock } from '@understudy/core'
import type { DiskRef, InstanceRef, Offering, Scope } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import type { serialiser } from '@understudy/provider/adapter-kit'
import { type ArmId, parseArmId } from './arm-id.ts'
import { capturing } from './capture.ts'
import type { AzureClients } from './clients.ts'
import { translate } from './errors.ts'

/** What every capability of the adapter works with. */
export interface Adapter {
  readonly scope: Scope
  readonly resourceGroup: string
  readonly installation: string
  readonly clock: Clock
  readonly clients: AzureClients
  readonly tagChanges: TagChanges
  /** One change at a time of what Azure writes as a whole. */
  readonly oneByOne: ReturnType<typeof serialiser>
  readonly waitMs: number
}

/** `undefined` as a value removes the tag. */
export type Tags = Readonly<Record<string, string | undefined>>
/** Changes of tags by VM: the one under way, and the one that comes next. */
export interface TagChanges {
  readonly active: Map<string, Promise<void>>
  readonly waiting: Map<string, { tags: Tags; done: Promise<void> }>
}

/** One call of the SDK; every failure comes out as a `ProviderError`. `offering`: what to avoid when capacity is refused. */
export const call = <T>(run: () => Promise<T>, offering?: Offering): Promise<T> =>
  capturing(run, (error, captured) => translate(error, captured, offering))

/** The same for a read: `undefined` for what is not there. */
export async function found<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call(run)
  } catch (error) {
    if (translate(error, {}).kind === 'not_found') return undefined
    throw error
  }
}

export const instanceRef = (scope: Scope, nativeId: string, zone?: string): InstanceRef => ({
  ...scope,
  nativeId,
  ...(zone === undefined ? {} : { zone }),
})
export const diskRef = (scope: Scope, nativeId: string, zone?: string): DiskRef => ({ ...scope, nativeId, ...(zone === undefined ? {} : { zone }) })

const vmType = 'microsoft.compute/virtualmachines'

/** The id of a VM of this subscription; `undefined` for anything else. */
export function vmIdOf(adapter: Adapter, nativeId: string): ArmId | undefined {
  const id = parseArmId(nativeId)
  const isOurs = id?.type === vmType && id.subscription.toLowerCase() === adapter.scope.account.toLowerCase()
  return isOurs ? id : undefined
}

export function needVmId(adapter: Adapter, nativeId: string): ArmId {
  const id = vmIdOf(adapter, nativeId)
  if (id === undefined) throw providerError('not_found', 'ResourceNotFound', `${nativeId} is no virtual machine of this subscription.`)
  return id
}

export const armId = (adapter: Adapter, type: string, name: string): string =>
  `/subscriptions/${adapter.scope.account}/resourceGroups/${adapter.resourceGroup}/providers/${type}/${name}`

export const abortOf = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } => (signal === undefined ? {} : { abortSignal: signal })

/** For an operation that is waited for: the SDK's own pause between two looks is two seconds. */
export const waiting = ({ waitMs }: Adapter, signal?: AbortSignal): { updateIntervalInMs: number; abortSignal?: AbortSignal } => ({
  updateIntervalInMs: waitMs,
  ...abortOf(signal),
})

/** All pages of a list. */
export async function listed<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of pages) items.push(item)
  return items
}
