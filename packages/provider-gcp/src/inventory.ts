import type { Inventory, InstanceSummary, ResourceDna } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { Disk, Instance } from './clients.ts'
import { dnaOf } from './dna.ts'
import { placementPolicyOf } from './host-groups.ts'
import { isInRegion, readInstance, readMany, unlessGone } from './instance-reader.ts'
import { idOf, summaryOf, typeOf, zoneOf } from './instance-state.ts'
import { labelFilter, readLabels } from './label-text.ts'
import { lastPart } from './names.ts'

const defaultListLimit = 10_000

/** Reading instances from Compute Engine. */
export function gcpInventory(adapter: Adapter): Inventory {
  const { scope, calls } = adapter
  return {
    async describe(ref) {
      const instance = await readInstance(adapter, ref)
      return instance === undefined ? undefined : await describe(adapter, instance)
    },
    async *list({ tags = {}, limit = defaultListLimit }) {
      const wanted = Object.entries(tags)
      const filter = wanted.length === 0 ? undefined : labelFilter(tags)
      let left = limit
      if (left <= 0) return
      for await (const instance of calls.listInstances(filter)) {
        const labels = readLabels(instance.labels)
        if (!isInRegion(instance, scope.region) || wanted.some(([key, value]) => labels[key] !== value)) continue
        yield summaryOf(scope, instance)
        left -= 1
        if (left === 0) return
      }
    },
    async states(refs) {
      const found = await readMany(adapter, refs)
      const summaries = new Map<string, InstanceSummary>()
      for (const instance of found) summaries.set(idOf(instance), summaryOf(scope, instance))
      return summaries
    },
  }
}

async function describe(adapter: Adapter, instance: Instance): Promise<ResourceDna> {
  const sources = (instance.disks ?? []).flatMap(({ source }) => (source ? [source] : []))
  const [found, size, placementPolicy] = await Promise.all([
    Promise.all(sources.map(async (source) => [source, await unlessGone(adapter.calls.getDisk(zoneOf(instance), lastPart(source)))] as const)),
    adapter.machineTypes.size(zoneOf(instance), typeOf(instance)),
    placementPolicyOf(adapter, instance),
  ])
  const disks = new Map(found.filter((entry): entry is readonly [string, Disk] => entry[1] !== undefined))
  return dnaOf(adapter.scope, { instance, disks, size, placementPolicy })
}
