import { AppError, ownTags } from '@understudy/core'
import type { InstanceSummary, Provider, TrafficBinding } from '@understudy/provider'
import { alreadyImported } from './import-resource.ts'
import type { ImportResourceDeps, ImportStep } from './import-resource.saga.ts'

export interface Skipped {
  readonly [key: string]: string
  readonly nativeId: string
  readonly reason: string
}
/** A type, not an interface: outputs of steps are JSON, and only types have an index signature by themselves. */
export type Found = {
  readonly items: readonly { readonly nativeId: string; readonly resourceId: string }[]
  readonly skipped: readonly Skipped[]
}

const importMax = 500

/** Which instances are meant, each with the id it will have. Refuses what is ours in another role, or another installation's. */
export async function findImportable(deps: ImportResourceDeps, step: ImportStep): Promise<Found> {
  const { accountId, projectId, nativeId, traffic } = step.params
  if ((await deps.database.stores.accounts.find(projectId, accountId)) === undefined) {
    throw new AppError('not_found', 'The account has been deleted meanwhile.')
  }
  const provider = await deps.openProvider(accountId)
  if (traffic?.accountId !== undefined && (await deps.database.stores.accounts.find(projectId, traffic.accountId)) === undefined) {
    throw new AppError('not_found', `There is no account ${traffic.accountId}, in which the entry point shall be.`)
  }
  const entry = traffic?.accountId === undefined ? provider : await deps.openProvider(traffic.accountId)
  await checkTraffic(entry, traffic as TrafficBinding | undefined) // the saga's schema is its shape
  if (traffic === undefined) await step.note('No entry point was given: traffic cannot be moved until an update of the resource names one.')
  const candidates = nativeId === undefined ? await byTags(step, provider) : await byId(provider, nativeId)
  const refusals = await refusalsOf(deps, step, candidates)
  if (nativeId !== undefined) refusals.get(nativeId)?.raise()
  return {
    items: candidates
      .filter(({ ref }) => !refusals.has(ref.nativeId))
      .map(({ ref }) => ({ nativeId: ref.nativeId, resourceId: deps.ids.next('resource') })),
    skipped: [...refusals].map(([id, { reason }]) => ({ nativeId: id, reason })),
  }
}

async function checkTraffic(provider: Provider, binding: TrafficBinding | undefined): Promise<void> {
  if (binding === undefined) return
  if (provider.traffic?.mechanisms[binding.mechanism] === undefined) {
    throw new AppError(
      'unsupported',
      `This cloud cannot move traffic by ${binding.mechanism}. It can by: ${Object.keys(provider.traffic?.mechanisms ?? {}).join(', ') || 'nothing'}.`,
    )
  }
  await provider.traffic.validate(binding)
}

async function byId(provider: Provider, nativeId: string): Promise<InstanceSummary[]> {
  const summary = (await provider.inventory.states([{ ...provider.scope, nativeId }])).get(nativeId)
  if (summary !== undefined && summary.state !== 'terminated' && summary.state !== 'terminating') return [summary]
  throw new AppError('not_found', `There is no instance ${nativeId} in ${provider.scope.region}.`, {
    details: { remedy: 'Check the id and the region of the account; an instance that was terminated cannot be imported.' },
  })
}

async function byTags(step: ImportStep, provider: Provider): Promise<InstanceSummary[]> {
  const tags = step.params.tags ?? {}
  const summaries: InstanceSummary[] = []
  for await (const summary of provider.inventory.list({ tags, limit: importMax + 1 })) {
    if (summary.state !== 'terminating' && summary.state !== 'terminated') summaries.push(summary)
  }
  if (summaries.length > importMax) {
    throw new AppError('invalid_request', `More than ${importMax} instances carry these tags.`, {
      details: { remedy: 'Add a tag that fewer of them carry, and import them in parts.' },
    })
  }
  if (summaries.length === 0) {
    throw new AppError('not_found', `No instance in ${provider.scope.region} carries these tags.`, {
      details: { remedy: 'Check keys and values, which are case-sensitive, and the region of the account.' },
    })
  }
  return summaries
}

interface Refusal {
  readonly reason: string
  raise(): never
}

async function refusalsOf(deps: ImportResourceDeps, step: ImportStep, candidates: readonly InstanceSummary[]): Promise<ReadonlyMap<string, Refusal>> {
  const { stores } = deps.database
  const nativeIds = candidates.map(({ ref }) => ref.nativeId)
  const refusals = new Map<string, Refusal>()
  const refuse = (nativeId: string, error: AppError): void => {
    const raise = (): never => {
      throw error
    }
    refusals.set(nativeId, { reason: error.message, raise })
  }
  for (const { ref, tags } of candidates) {
    const owner = tags[ownTags.installation]
    if (owner === undefined || owner === deps.settings.installation || tags[ownTags.managed] !== 'true') continue
    refuse(
      ref.nativeId,
      conflict(`${ref.nativeId} belongs to the installation ${owner}.`, `Let it go there first, or remove its tag ${ownTags.installation}.`),
    )
  }
  for (const shadow of await stores.shadows.listAliveByNativeIds(step.params.accountId, nativeIds)) {
    if (shadow.nativeId === undefined) continue
    refuse(
      shadow.nativeId,
      conflict(`${shadow.nativeId} is the stand-in ${shadow.id} of ${shadow.resourceId}.`, 'Import the instance it stands in for.'),
    )
  }
  for (const resource of await stores.resources.findByNativeIds(step.params.accountId, nativeIds)) {
    refuse(resource.nativeId, alreadyImported(resource.nativeId, resource.id))
  }
  return refusals
}

const conflict = (message: string, remedy: string): AppError => new AppError('conflict', message, { details: { remedy } })
