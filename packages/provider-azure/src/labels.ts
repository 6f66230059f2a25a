import type { Labelling } from '@understudy/provider'
import { isProviderError, providerError } from '@understudy/provider'
import { abortOf, type Adapter, call, needVmId, type Tags, waiting } from './adapter.ts'
import { parseArmId } from './arm-id.ts'
import { traced } from './trace.ts'

const lockName = 'understudy-keep'
/** Somebody else may write tags in between: ARM then answers 412. */
const attempts = 4

const merged = (before: Readonly<Record<string, string>>, change: Tags): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...before, ...change }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))

/** One change of a VM's tags at a time; those that come meanwhile are the next one together. */
export function tagVm(adapter: Adapter, nativeId: string, tags: Tags): Promise<void> {
  const { active, waiting } = adapter.tagChanges
  const key = nativeId.toLowerCase()
  const queued = waiting.get(key)
  if (queued !== undefined) {
    queued.tags = { ...queued.tags, ...tags }
    return queued.done
  }
  const batch = { tags, done: Promise.resolve() }
  waiting.set(key, batch)
  batch.done = (active.get(key) ?? Promise.resolve()).then(() => {
    waiting.delete(key)
    return changeTags(adapter, nativeId, batch.tags)
  })
  const settled = batch.done
    .catch(() => undefined)
    .then(() => {
      if (active.get(key) === settled) active.delete(key)
    })
  active.set(key, settled)
  return batch.done
}

/** `PATCH` replaces the whole set of tags, so that what others wrote is read first and guarded by the etag. */
async function changeTags(adapter: Adapter, nativeId: string, tags: Tags): Promise<void> {
  const { group, name } = needVmId(adapter, nativeId)
  const { virtualMachines } = adapter.clients.compute
  for (let attempt = 1; ; attempt++) {
    try {
      const vm = await call(() => virtualMachines.get(group, name))
      const ifMatch = vm.etag === undefined ? {} : { ifMatch: vm.etag }
      await call(async () => virtualMachines.update(group, name, { tags: merged(vm.tags ?? {}, tags) }, { ...ifMatch, ...waiting(adapter) }))
      return
    } catch (error) {
      if (!isProviderError(error, 'already_exists') || attempt === attempts) throw error
    }
  }
}

/** Tags, names and protection. */
export function azureLabels(adapter: Adapter): Labelling {
  const { compute, locks } = adapter.clients
  const tagOne = async (nativeId: string, tags: Tags, signal?: AbortSignal): Promise<void> => {
    const id = parseArmId(nativeId)
    switch (id?.type) {
      case 'microsoft.compute/virtualmachines':
        return await tagVm(adapter, nativeId, tags)
      case 'microsoft.compute/disks': {
        const disk = await call(() => compute.disks.get(id.group, id.name, abortOf(signal)))
        await call(async () => compute.disks.update(id.group, id.name, { tags: merged(disk.tags ?? {}, tags) }, waiting(adapter, signal)))
        return
      }
      default:
        throw providerError('not_found', 'ResourceNotFound', `${nativeId} is nothing that can be tagged in this subscription.`)
    }
  }
  return {
    async tag(refs, tags, context) {
      for (const { nativeId } of refs) await traced(context, () => tagOne(nativeId, tags, context.signal))
    },
    // Azure cannot rename a VM.
    rename: (ref, name, context) => traced(context, () => tagOne(ref.nativeId, { Name: name }, context.signal)),
    setProtection: (ref, { terminate }, context) =>
      traced(context, async () => {
        needVmId(adapter, ref.nativeId)
        const { managementLocks } = locks
        const body = { level: 'CanNotDelete', notes: 'Deletion protection set by Understudy.' }
        if (terminate) await call(() => managementLocks.createOrUpdateByScope(ref.nativeId, lockName, body, abortOf(context.signal)))
        else await call(() => managementLocks.deleteByScope(ref.nativeId, lockName, abortOf(context.signal)))
      }),
  }
}
