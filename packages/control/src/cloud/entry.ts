import { providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, Provider, ResourceDna, Scope, Traffic, TrafficBinding } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import { elsewhereOf } from '../resources/elsewhere.ts'
import { entryAccountOf } from '../resources/resource.ts'
import type { Resource } from '../resources/resource.ts'

/**
 * The provider of an account, with the traffic of a resource in it: that of the account its entry point is in, which is led to
 * instances of other accounts by their addresses. A resource that stays within one account has that of the account itself.
 */
export async function withEntry(
  deps: Pick<SagaDeps, 'database' | 'openProvider'>,
  resource: Resource | undefined,
  accountId: string,
): Promise<Provider> {
  const provider = await deps.openProvider(accountId)
  if (resource?.traffic === undefined) return provider
  const entryId = entryAccountOf(resource)
  const spans = entryId !== resource.accountId || accountId !== resource.accountId || elsewhereOf(resource).length > 0
  if (!spans) return provider
  const entry = entryId === accountId ? provider : await deps.openProvider(entryId)
  const { traffic: _own, ...rest } = { ...provider }
  return entry.traffic === undefined ? rest : { ...rest, traffic: acrossAccounts(deps, resource, entry.scope, entry.traffic) }
}

/** The public address of an instance, as far as it has one. */
export const addressIn = (dna: Pick<ResourceDna, 'nics'> | undefined): string | undefined => {
  const ip = dna?.nics.find(({ primary }) => primary)?.publicIp?.ip
  return ip === '' ? undefined : ip
}

interface Member {
  readonly accountId: string
  readonly nativeId: string
  /** As it was last known. */
  readonly address: string | undefined
  readonly shadowId?: string
}

/** Nothing of it is remembered longer than a step works with it. */
function acrossAccounts(deps: Pick<SagaDeps, 'database' | 'openProvider'>, resource: Resource, scope: Scope, traffic: Traffic): Traffic {
  const isForeign = (ref: Scope): boolean => ref.provider !== scope.provider || ref.account !== scope.account || ref.region !== scope.region
  const canLeadAbroad = ({ mechanism }: TrafficBinding): boolean => traffic.mechanisms[mechanism]?.foreign === true
  const known = new Map<string, string | undefined>()
  const find = async (member: Member): Promise<string | undefined> => {
    if (known.has(member.nativeId)) return known.get(member.nativeId)
    const provider = await deps.openProvider(member.accountId)
    const present = addressIn(await provider.inventory.describe({ ...provider.scope, nativeId: member.nativeId }))
    // One that is gone, or that rests, had its address.
    const address = present ?? member.address
    known.set(member.nativeId, address)
    if (member.shadowId !== undefined && address !== undefined && address !== member.address)
      await deps.database.stores.shadows.setAddress(member.shadowId, address)
    return address
  }
  const withAddress = async (ref: InstanceRef): Promise<InstanceRef> => {
    const member = (await membersOf(deps, resource)).find(({ nativeId }) => nativeId === ref.nativeId)
    const address = member && (await find(member))
    return address === undefined ? ref : { ...ref, address }
  }
  const reachable = async (binding: TrafficBinding, ref: InstanceRef): Promise<InstanceRef> => {
    if (!isForeign(ref)) return ref
    if (!canLeadAbroad(binding))
      throw providerError(
        'unsupported',
        'OtherAccount',
        `Traffic by ${binding.mechanism} cannot be led to ${ref.nativeId}, which is in another account.`,
      )
    const found = await withAddress(ref)
    if (found.address === undefined)
      throw providerError('conflict', 'NoAddress', `${ref.nativeId} has no public address that traffic could be led to.`)
    return found
  }
  return {
    mechanisms: traffic.mechanisms,
    validate: (binding) => traffic.validate(binding),
    followSeconds: async (binding) => traffic.followSeconds?.(binding),
    drainSeconds: async (binding) => traffic.drainSeconds?.(binding),
    async state(binding) {
      const members = await traffic.state(binding)
      if (!canLeadAbroad(binding)) return members
      const byAddress = new Map<string, string>()
      for (const member of await membersOf(deps, resource)) {
        const provider = await deps.openProvider(member.accountId)
        const address = isForeign(provider.scope) ? await find(member) : undefined
        if (address !== undefined) byAddress.set(address, member.nativeId)
      }
      return members.map((member) => ({ ...member, nativeId: byAddress.get(member.nativeId) ?? member.nativeId }))
    },
    async enrol(binding, ref, context) {
      await traffic.enrol(binding, await reachable(binding, ref), context)
    },
    async setWeights(binding, weights, context) {
      // Whoever gets nothing need not be found.
      const found = weights.map(async ({ ref, weight }) => ({ ref: weight === 0 ? ref : await reachable(binding, ref), weight }))
      await traffic.setWeights(binding, await Promise.all(found), context)
    },
    async remove(binding, ref, context: CallContext) {
      if (isForeign(ref) && !canLeadAbroad(binding)) return
      await traffic.remove(binding, isForeign(ref) ? await withAddress(ref) : ref, context)
    },
  }
}

/** The primary and whoever stands in for it, as the rows are now. */
async function membersOf({ database }: Pick<SagaDeps, 'database'>, { id }: Resource): Promise<readonly Member[]> {
  const resource = await database.stores.resources.findById(id)
  const shadows = await database.stores.shadows.listAlive([id])
  return [
    ...(resource ? [{ accountId: resource.accountId, nativeId: resource.nativeId, address: addressIn(resource.dna) }] : []),
    ...shadows.flatMap(({ id: shadowId, accountId, nativeId, address }) =>
      nativeId === undefined ? [] : [{ accountId, nativeId, address, shadowId }],
    ),
  ]
}
