import { AppError } from '@understudy/core'
import type { Provider, ResourceDna } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import { fingerprintOfPlace, placeIn } from '../resources/elsewhere.ts'
import type { Elsewhere } from '../resources/elsewhere.ts'
import type { Resource } from '../resources/resource.ts'
import { bootDataContext } from './boot-data.store.ts'
import type { Shadow } from './shadow.ts'

/** What the tier says of the account that a shadow is planned in. `conflict` when it says so no longer, or otherwise. */
export function promisedPlace(resource: Resource, shadow: Pick<Shadow, 'accountId' | 'dnaFingerprint'>): Elsewhere {
  const place = placeIn(resource, shadow.accountId)
  if (place === undefined) throw new AppError('conflict', `The tier of the resource promises no shadow in ${shadow.accountId} any more.`)
  if (fingerprintOfPlace(place) !== shadow.dnaFingerprint)
    throw new AppError('conflict', `The tier says otherwise by now what the shadow in ${shadow.accountId} is made of: another one is planned.`)
  return place
}

/** The definition to launch from, in the terms of the shadow's own account. */
export async function portableSource(
  deps: SagaDeps,
  { resource, provider, place }: { readonly resource: Resource; readonly provider: Provider; readonly place: Elsewhere },
): Promise<ResourceDna> {
  const { portable } = provider
  if (!portable) throw new AppError('unsupported', 'In the cloud of this account no instance can be made from a portable definition.')
  const { bootData: source, ...definition } = place.definition
  const bootData = await bootDataOf(deps, resource, place)
  if (source.from === 'owner' && bootData === undefined)
    throw new AppError('conflict', `The boot data for ${place.accountId} is not there any more. Protect the resource again, and give it anew.`)
  return portable.define({ ...definition, ...(bootData === undefined ? {} : { bootData }), tags: resource.labels })
}

async function bootDataOf(deps: SagaDeps, resource: Resource, { accountId, definition }: Elsewhere): Promise<string | undefined> {
  if (definition.bootData.from === 'nothing') return undefined
  if (definition.bootData.from === 'primary') {
    const primary = await deps.openProvider(resource.accountId)
    const dna = await primary.inventory.describe({ ...primary.scope, nativeId: resource.nativeId })
    if (dna === undefined) throw new AppError('conflict', `The primary ${resource.nativeId} no longer exists, so that its boot data cannot be read.`)
    return dna.userData
  }
  const key = { resourceId: resource.id, accountId }
  const sealed = await deps.database.stores.bootData.get(key)
  return sealed && Buffer.from(deps.vault.open(sealed, bootDataContext(key))).toString('base64')
}
