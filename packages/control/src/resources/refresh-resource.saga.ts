import { AppError, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { ResourceDna } from '@understudy/provider'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { describeOwn } from '../recovery/restored-disks/disks-beside.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { dnaHashOf, redactDna } from './redact.ts'
import type { Resource } from './resource.ts'

export type RefreshResourceDeps = Pick<SagaDeps, 'database' | 'clock' | 'ids' | 'openProvider'>

const params = z.strictObject({ resourceId: z.string() })
type Params = z.infer<typeof params>

/** Reads the definition of the present primary again and stores it. */
export const refreshResourceSaga = saga<RefreshResourceDeps, Params>('resource.refresh', { version: sagaVersions['resource.refresh'], params })
  .step('definition', {
    title: 'Read the definition from the cloud',
    budget: { maxMs: 120_000 },
    run: describe,
    undo: 'nothing-to-undo',
  })
  .step('stored', {
    title: 'Store it if it has changed',
    budget: { maxMs: 30_000 },
    run: (deps, step) => store(deps, step, step.outputs.definition),
    // What was read stays true, whatever happens to the operation.
    undo: 'nothing-to-undo',
  })
  .end()

/** What leaves the first step is redacted already: the log of an operation must not hold boot data either. */
type Definition = { readonly nativeId: string; readonly dna: Json; readonly dnaHash: string; readonly fingerprint: string }

async function describe(deps: RefreshResourceDeps, step: StepContext<Params, object>): Promise<Definition> {
  const resource = await presentResource(deps, step.params.resourceId)
  const provider = await deps.openProvider(resource.accountId)
  // What stands beside its disks for a time is no change of it, and no reason to make its shadows anew.
  const described = await describeOwn(deps.database.stores, provider, resource)
  if (described === undefined || described.state === 'terminated') {
    throw new AppError('not_found', `The cloud no longer knows ${resource.nativeId}.`, {
      details: { remedy: 'If it was ended on purpose, delete the resource; otherwise start a failover to one of its shadows.' },
    })
  }
  const dna = redactDna(described)
  return { nativeId: resource.nativeId, dna: JSON.parse(JSON.stringify(dna)) as Json, dnaHash: dnaHashOf(dna), fingerprint: dna.fingerprint }
}

async function store(
  deps: RefreshResourceDeps,
  step: StepContext<Params, object>,
  read: Definition,
): Promise<{ readonly changed: boolean; readonly dnaHash: string }> {
  return deps.database.transaction(async (stores) => {
    const resource = await stores.resources.findById(step.params.resourceId)
    if (resource === undefined) throw gone()
    if (resource.nativeId !== read.nativeId) {
      throw new AppError('conflict', 'Another instance has become the primary while the definition was read.', {
        details: { remedy: 'Refresh again.' },
      })
    }
    const at = now(deps.clock)
    const dna = read.dna as unknown as ResourceDna // as `describe` wrote it
    const changed = resource.dnaHash !== read.dnaHash
    const next: Resource = {
      ...resource,
      dna,
      dnaHash: read.dnaHash,
      dnaAt: at,
      zone: dna.placement.zone,
      updatedAt: at,
      version: resource.version + 1,
    }
    await swapOrRepeat(stores.resources.update(next, resource.version))
    // Repeated after a crash the definition is the stored one already, so the change is told once.
    if (changed) {
      await recordChange(deps, stores, {
        projectId: resource.projectId,
        actor: systemActor('resource.refresh'),
        what: 'resources.definition_changed',
        subject: `resources/${resource.id}`,
        operationId: step.operationId,
        data: { dnaHash: read.dnaHash, before: resource.dnaHash, affectsShadows: resource.dna.fingerprint !== read.fingerprint },
      })
    }
    return { changed, dnaHash: read.dnaHash }
  })
}

async function presentResource(deps: RefreshResourceDeps, id: string): Promise<Resource> {
  const resource = await deps.database.stores.resources.findById(id)
  if (resource === undefined) throw gone()
  return resource
}

const gone = (): AppError => new AppError('not_found', 'The resource has been deleted meanwhile.')
