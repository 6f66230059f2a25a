import { sha256 } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { FittingType, Portable } from '@understudy/provider'
import { appErrorOf } from '../operations/failure.ts'
import type { Principal } from '../access/access.ts'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'
import { refuseInvalid } from '../fields.ts'
import { placeIn } from '../resources/elsewhere.ts'
import type { Elsewhere, OwnDefinition } from '../resources/elsewhere.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import { bootDataContext } from './boot-data.store.ts'

/** As an owner asks for it. A text is sealed; `sha256` of one that was given before leaves it as it is. */
export interface ElsewhereRequest extends Omit<Elsewhere, 'definition'> {
  readonly definition: Omit<OwnDefinition, 'bootData'> & { readonly bootData?: BootDataRequest | undefined }
}
export type BootDataRequest = { readonly from: 'primary' | 'nothing' } | { readonly text: string } | { readonly sha256: string }
export type TierRequest = Omit<Tier, 'elsewhere'> & { readonly elsewhere?: readonly ElsewhereRequest[] | undefined }

/** Boot data that was given now, by account. */
export type GivenBootData = ReadonlyMap<string, string>

/** The tier as it is stored, without secrets, and these apart. */
export function withoutSecrets({ elsewhere, ...tier }: TierRequest, resource: Resource): { readonly tier: Tier; readonly given: GivenBootData } {
  const given = new Map<string, string>()
  const places = (elsewhere ?? []).map((place, index): Elsewhere => {
    const { bootData, ...definition } = place.definition
    const stored = (source: OwnDefinition['bootData']): Elsewhere => ({ ...place, definition: { ...definition, bootData: source } })
    if (bootData === undefined) return stored({ from: 'nothing' })
    if ('text' in bootData) {
      given.set(place.accountId, bootData.text)
      return stored({ from: 'owner', sha256: sha256(bootData.text) })
    }
    if (!('sha256' in bootData)) return stored({ from: bootData.from })
    const known = placeIn(resource, place.accountId)?.definition.bootData
    if (known?.from !== 'owner' || known.sha256 !== bootData.sha256)
      refuseInvalid([{ pointer: `/tier/elsewhere/${index}/definition/bootData/sha256`, message: 'is not that of what is kept; give the text' }])
    return stored({ from: 'owner', sha256: bootData.sha256 })
  })
  return { tier: places.length === 0 ? tier : { ...tier, elsewhere: places }, given }
}

/** Boot data of accounts that the tier no longer names, or that it says otherwise of, is forgotten. */
export async function keepBootData(control: Control, stores: Stores, resource: Resource, given: GivenBootData): Promise<void> {
  const wanted = (resource.tier?.elsewhere ?? []).filter(({ definition }) => definition.bootData.from === 'owner')
  await stores.bootData.keepOnly(
    resource.id,
    wanted.map(({ accountId }) => accountId),
  )
  for (const [accountId, text] of given) {
    const key = { resourceId: resource.id, accountId }
    await stores.bootData.set(key, control.vault.seal(text, bootDataContext(key)))
  }
}

/** Accounts of the project alone. */
export async function checkAccounts(control: Control, principal: Principal, { elsewhere = [] }: Pick<Tier, 'elsewhere'>): Promise<void> {
  for (const [index, { accountId }] of elsewhere.entries()) {
    if ((await control.database.stores.accounts.find(principal.projectId, accountId)) !== undefined) continue
    refuseInvalid([{ pointer: `/tier/elsewhere/${index}/accountId`, message: 'is no account of this project' }])
  }
}

/** Each has a type of that size in its catalogue. Asks their clouds. */
export async function checkCatalogues(control: Control, principal: Principal, { elsewhere = [] }: Pick<Tier, 'elsewhere'>): Promise<void> {
  for (const [index, { accountId, definition }] of elsewhere.entries()) {
    const account = await control.database.stores.accounts.find(principal.projectId, accountId)
    const provider = account && (await control.providers.open(account))
    if (provider?.portable === undefined || (await fitting(provider.portable, definition)).length > 0) continue
    refuseInvalid([{ pointer: `/tier/elsewhere/${index}/definition`, message: `is larger than every type in the catalogue of ${accountId}` }])
  }
}

async function fitting(portable: Portable, definition: OwnDefinition): Promise<readonly FittingType[]> {
  try {
    return await portable.fitting(definition)
  } catch (error) {
    throw isProviderError(error) ? appErrorOf(error) : error
  }
}
