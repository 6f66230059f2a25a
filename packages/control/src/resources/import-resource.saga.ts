import { AppError, now, ownTags } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import { callContext } from '../cloud/call-context.ts'
import { concurrently } from '../concurrently.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { findImportable } from './find-importable.ts'
import type { Found, Skipped } from './find-importable.ts'
import { alreadyImported } from './import-resource.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { dnaHashOf, redactDna } from './redact.ts'
import type { EntryPoint, Resource } from './resource.ts'

export type ImportResourceDeps = Pick<SagaDeps, 'database' | 'clock' | 'ids' | 'settings' | 'openProvider'>

const params = z.strictObject({
  accountId: z.string(),
  projectId: z.string(),
  nativeId: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  name: z.string().optional(),
  traffic: z
    .strictObject({
      mechanism: z.enum(['lb-weight', 'lb-target', 'address-move', 'dns-weight']),
      native: z.record(z.string(), z.json()),
      accountId: z.string().optional(),
    })
    .optional(),
  labels: z.record(z.string(), z.string()).optional(),
})
export type ImportParams = z.infer<typeof params>
export type ImportStep = StepContext<ImportParams, object>

const skipped = z.object({ nativeId: z.string(), reason: z.string() })
const found = z.object({ items: z.array(z.object({ nativeId: z.string(), resourceId: z.string() })), skipped: z.array(skipped) })
const stored = found

const minute = 60_000
/** How many instances are read or tagged at once. The provider's own rate limit is what holds an import of hundreds back. */
const atOnce = 8

/** Describe, redact, store, mark. The ids are made first, so that a repeated step finds what it has stored. */
export const importResourceSaga = saga<ImportResourceDeps, ImportParams>('resource.import', { version: sagaVersions['resource.import'], params })
  .step('found', {
    title: 'Find the instances and check the entry point',
    budget: { maxMs: 2 * minute },
    output: found,
    run: findImportable,
    undo: 'nothing-to-undo',
  })
  .step('stored', {
    title: 'Read their definition and store it without secrets',
    budget: { maxMs: 10 * minute },
    output: stored,
    run: (deps, step) => storeAll(deps, step, step.outputs.found),
    undo: (deps, step) => forgetAll(deps, step, (step.outputs as { readonly found: Found }).found),
  })
  .step('imported', {
    title: 'Mark them with our tags',
    budget: { maxMs: 10 * minute },
    run: (deps, step) => markAll(deps, step, step.outputs.stored),
    undo: (deps, step) => unmarkAll(deps, step, (step.outputs as { readonly stored: Found }).stored),
  })
  .end()

async function storeAll(deps: ImportResourceDeps, step: ImportStep, { items, skipped: before }: Found): Promise<Found> {
  const results = await concurrently(items, atOnce, (item) => storeOne(deps, step, item))
  const reasons = results.flatMap((reason, index) => (reason === undefined ? [] : [{ nativeId: items[index]!.nativeId, reason }])) // same length
  return { items: items.filter((_, index) => results[index] === undefined), skipped: [...before, ...reasons] }
}

/** Answers why it was left out; `undefined` when it is stored. Of a single import every reason is the operation's failure. */
async function storeOne(deps: ImportResourceDeps, step: ImportStep, item: Found['items'][number]): Promise<string | undefined> {
  const { accountId, projectId, nativeId } = step.params
  if ((await deps.database.stores.resources.findById(item.resourceId)) !== undefined) return undefined
  const provider = await deps.openProvider(accountId)
  const described = await provider.inventory.describe({ ...provider.scope, nativeId: item.nativeId })
  if (described === undefined || described.state === 'terminated' || described.state === 'terminating') {
    if (nativeId === undefined) return 'It was ended meanwhile.'
    throw new AppError('not_found', `There is no instance ${nativeId} in ${provider.scope.region}.`, {
      details: { remedy: 'Check the id and the region of the account; an instance that was terminated cannot be imported.' },
    })
  }
  const dna = redactDna(described)
  const at = now(deps.clock)
  const resource: Resource = {
    id: item.resourceId,
    projectId,
    accountId,
    name: step.params.name ?? (described.nativeName || item.nativeId),
    nativeId: item.nativeId,
    zone: described.placement.zone,
    labels: step.params.labels ?? {},
    dna,
    dnaHash: dnaHashOf(dna),
    dnaAt: at,
    traffic: step.params.traffic as EntryPoint | undefined, // the schema above is its shape
    tier: undefined,
    status: 'unprotected',
    hold: undefined,
    primaryEpoch: 1,
    createdAt: at,
    updatedAt: at,
    version: 1,
  }
  return insert(deps, step, resource)
}

async function insert(deps: ImportResourceDeps, step: ImportStep, resource: Resource): Promise<string | undefined> {
  return deps.database.transaction(async (stores) => {
    const [known] = await stores.resources.findByNativeIds(resource.accountId, [resource.nativeId])
    // Stored by the attempt before, whose commit came after its answer had been given up.
    if (known?.id === resource.id) return undefined
    if (known !== undefined) {
      if (step.params.nativeId !== undefined) throw alreadyImported(resource.nativeId, known.id)
      return `It is imported already, as ${known.id}.`
    }
    await swapOrRepeat(stores.resources.insert(resource))
    await recordChange(deps, stores, {
      projectId: resource.projectId,
      actor: systemActor('resource.import'),
      what: 'resources.imported',
      subject: `resources/${resource.id}`,
      operationId: step.operationId,
      data: { name: resource.name, accountId: resource.accountId, nativeId: resource.nativeId, zone: resource.zone },
    })
    return undefined
  })
}

async function forgetAll(deps: ImportResourceDeps, step: ImportStep, { items }: Found): Promise<void> {
  for (const { resourceId } of items) {
    await deps.database.transaction(async (stores) => {
      const resource = await stores.resources.findById(resourceId)
      if (resource === undefined) return
      await stores.resources.delete(resource.projectId, resource.id)
      await recordChange(deps, stores, {
        projectId: resource.projectId,
        actor: systemActor('resource.import'),
        what: 'resources.import_undone',
        subject: `resources/${resource.id}`,
        operationId: step.operationId,
        data: { nativeId: resource.nativeId },
      })
    })
  }
}

async function markAll(
  deps: ImportResourceDeps,
  step: ImportStep,
  { items, skipped: left }: Found,
): Promise<{ readonly resourceIds: string[]; readonly skipped: readonly Skipped[] }> {
  const provider = await deps.openProvider(step.params.accountId)
  await concurrently(items, atOnce, async ({ nativeId, resourceId }) => {
    const context = callContext(deps, step, { suffix: nativeId, role: 'primary', resourceId, priority: 'background' })
    await step.audit({ action: 'labels.tag', target: nativeId, details: context.tags })
    await provider.labels.tag([{ ...provider.scope, nativeId }], context.tags, context)
  })
  return { resourceIds: items.map(({ resourceId }) => resourceId), skipped: left }
}

/** Only where our tags are: an import that failed for want of the permission to tag must not get stuck for want of it again. */
async function unmarkAll(deps: ImportResourceDeps, step: ImportStep, { items }: Found): Promise<void> {
  if (items.length === 0) return
  const provider = await deps.openProvider(step.params.accountId)
  const refs = items.map(({ nativeId }) => ({ ...provider.scope, nativeId }))
  const states = await provider.inventory.states(refs)
  await concurrently(items, atOnce, async ({ nativeId, resourceId }) => {
    if (states.get(nativeId)?.tags[ownTags.resource] !== resourceId) return
    const none = { [ownTags.managed]: undefined, [ownTags.role]: undefined, [ownTags.resource]: undefined, [ownTags.installation]: undefined }
    await step.audit({ action: 'labels.untag', target: nativeId, details: { tags: Object.keys(none) } })
    await provider.labels.tag(
      [{ ...provider.scope, nativeId }],
      none,
      callContext(deps, step, { suffix: `undo:${nativeId}`, resourceId, priority: 'background' }),
    )
  })
}
